"""The feature table that a cohort may carry in the place of images, or beside them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.cases import outside
from bench.cohorts.checking.violation import Tell, Violation, refuse
from bench.cohorts.identity import plain_id
from bench.cohorts.table import lines_named, read_table
from bench.cohorts.values import covariate, hint, odd_cells
from bench.errors import CohortError
from bench.imaging.detached import MISSING, OUTSIDE


def feature_file_of(folder: Path, header: Mapping[str, Any]) -> Path | None:
    """Path of the declared feature table; None where there is none, or none inside the folder."""
    declared = header.get("features")
    return None if not declared or outside(declared) else folder / declared


def features_of(path: Path, case_ids: Iterable[str]) -> pd.DataFrame:
    """Features of these cases as numbers or words, indexed by case id; raises CohortError for a violation."""
    table = _read(path, refuse)
    return table.loc[list(case_ids)]


def check_features(
    folder: Path, header: Mapping[str, Any], case_ids: "pd.Series[str]", tell: Tell
) -> pd.DataFrame | None:
    """The features of the cases that have some, indexed by case id; every violation goes to ``tell``."""
    if "features" not in header:
        return None
    declared = header["features"]
    if wrong := outside(declared):
        tell(Violation(OUTSIDE, f"{folder / 'cohort.toml'}: the feature table {wrong}"))
        return None
    path = folder / declared
    if not path.is_file():
        tell(Violation(MISSING, f"{path}, the feature table of cohort.toml, is missing; correct its name"))
        return None
    try:
        table = _read(path, tell)
    except CohortError as error:
        tell(Violation("feature table", str(error)))
        return None
    for name in table.columns.intersection(list(header["tasks"])):
        detail = (
            f"{path}: the feature {name!r} is named as a task; a feature must not hold a label: remove it"
        )
        tell(Violation("column with two roles", detail, column=name))
    _tell_missing(path, table, case_ids, tell)
    return table.loc[~table.index.duplicated()].reindex(case_ids)


def _tell_missing(path: Path, table: pd.DataFrame, case_ids: "pd.Series[str]", tell: Tell) -> None:
    missing = case_ids[~case_ids.isin(table.index) & (case_ids != "")]
    near = {plain_id(case_id): case_id for case_id in table.index} if len(missing) else {}
    for line, case_id in missing.items():
        other = near.get(plain_id(case_id))
        remedy = f"it has {other!r}: write one id" if other else "add it or leave the case out of cases.csv"
        detail = f"case {case_id!r} has no line in {path}; {remedy}"
        tell(Violation("missing features", detail, case_id, line=int(str(line))))


def _read(path: Path, tell: Tell) -> pd.DataFrame:
    """The table indexed by case id; raises CohortError where it has no such column."""
    text = read_table(path, tell)
    if "case_id" not in text:
        raise CohortError(f"{path}: expected a column case_id; rename the one that holds it")
    if text.empty:
        raise CohortError(f"{path} has no line under its header; expected one a case")
    _check_ids(path, text["case_id"], tell)
    columns = {}
    for name in text.columns.drop("case_id"):
        columns[name], odd = covariate(text[name])
        for _, line, cell in odd_cells(text[name], odd):
            detail = (
                f"{path}, line {line}: feature {name!r} is {cell!r} there and a number elsewhere"
                f"{hint(cell) or '; write a number, or empty the cell'}"
            )
            tell(Violation("numbers and words in a column", detail, line=line, column=name))
    return pd.DataFrame(columns, index=text.index).set_index(pd.Index(text["case_id"], name="case_id"))


def _check_ids(path: Path, ids: "pd.Series[str]", tell: Tell) -> None:
    empty = list(map(int, ids.index[ids == ""]))
    if empty:
        detail = f"{path}, {lines_named(empty)}: case_id is empty; fill it in or remove the line"
        tell(Violation("empty field", detail, line=empty[0], column="case_id"))
    again = ids[(ids != "") & ids.duplicated(keep=False)]
    for case_id, same in again.groupby(again, sort=False):
        lines = list(map(int, same.index))
        detail = (
            f"{path}, {lines_named(lines)}: case_id {case_id!r} occurs more than once; keep one line of "
            "features a case"
        )
        tell(Violation("duplicate features", detail, line=lines[1], column="case_id"))
