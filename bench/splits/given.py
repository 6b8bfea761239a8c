"""Folds that somebody gives as a table, such as the official ones of a public collection."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.cohorts.checking.violation import Violation
from bench.cohorts.identity import plain_id
from bench.cohorts.joining.recipe import MARK
from bench.cohorts.table import read_table
from bench.errors import CohortError, SplitError
from bench.progress import warn
from bench.splits.fold import PARTS

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

# A fold as it is given: what it is called, and the case ids of train, val and test.
GivenFold = tuple[str, dict[str, tuple[str, ...]]]

_FORM = "a column case_id or patient_id and a column fold, part (train, val or test) or both"
# Other ids of the same case or patient, separated by blanks, on any of its lines.
ALSO = "also"


def given_folds(cohort: "Cohort", file: Path) -> list[GivenFold]:
    """The folds of a table, in order of their numbers or names.

    Parameters
    ----------
    cohort
        Ids are those of its cases or patients; of joined cohorts, with or without the name of the cohort in
        front. Listed ids that it lacks are left out, and so are cases that the table does not list; a warning
        says how many.
    file
        CSV, TSV or Excel. With ``fold`` alone a case is tested in the fold of that name and learned from in
        the others; with ``part`` alone there is one fold; with both a case has a line a fold. A val part is
        empty where none is given. A column ``also`` may hold other ids of the same case or patient, separated
        by blanks, on any of the id's lines.

    Raises
    ------
    SplitError
        The file cannot be read, has other columns or parts, names an id twice in a fold or none of the
        cohort's, gives two ids for one other, tests a case in two folds, or puts a patient on two sides of a
        fold.
    """
    key, listed = _listed(file)
    found = _of_cohort(cohort, file, key, listed)
    folds = list(_parts(found)) if "part" in found else list(_tested_in_turn(found))
    _refuse_tested_twice(file, folds)
    for name, parts in folds:
        _refuse_shared(cohort, file, name, parts)
    return folds


def _listed(file: Path) -> tuple[str, pd.DataFrame]:
    """Which id a table goes by, and the table with the columns that it may have."""
    faults: list[Violation] = []
    try:
        table = read_table(file, faults.append)
    except CohortError as error:
        raise SplitError(f"{file} cannot be read as folds: {error}; expected {_FORM}") from error
    if faults:
        raise SplitError(f"{file} cannot be read as folds: {faults[0].detail}; expected {_FORM}")
    key = next((name for name in ("case_id", "patient_id") if name in table), None)
    if key is None or not {"fold", "part"} & set(table):
        raise SplitError(f"{file} has the columns {', '.join(map(str, table))}; expected {_FORM}")
    columns = [name for name in ("fold", "part") if name in table]
    _refuse_faults(file, key, columns, table)
    also = table.get(ALSO, "")
    return key, table[[key, *columns]].assign(also=also).rename(columns={key: "id"})


def _refuse_faults(file: Path, key: str, columns: list[str], table: pd.DataFrame) -> None:
    """Raise SplitError for a cell without a value, an unknown part, or an id twice in a fold."""
    for column in (key, *columns):
        if (empty := table.index[table[column] == ""]).size:
            raise SplitError(f"{file}: line {empty[0]} has no {column}; give one or take the line out")
    if "part" in table and (odd := table.index[~table["part"].isin(PARTS)]).size:
        raise SplitError(
            f"{file}: line {odd[0]}: part is {table['part'][odd[0]]!r}; expected {', '.join(PARTS)}"
        )
    within = [key, "fold"] if {"fold", "part"} <= set(table) else [key]
    if (again := table.index[table.duplicated(within)]).size:
        raise SplitError(
            f"{file}: line {again[0]} lists {key} {table[key][again[0]]!r} again; keep one line of it a fold"
        )


def _of_cohort(cohort: "Cohort", file: Path, key: str, listed: pd.DataFrame) -> pd.DataFrame:
    """The listed lines a case, indexed by case id; raises SplitError where there is no such case at all."""
    ids = [str(name) for name in (cohort.patient_ids if key == "patient_id" else cohort.table.index)]
    known = _ids_by_spelling(file, listed, _spelling({*ids}, {*listed["id"]}))
    cases = pd.DataFrame({"id": [_listed_id(name, known) for name in ids], "case_id": cohort.table.index})
    joined = listed.merge(cases, on="id", how="left")
    absent = joined["case_id"].isna()
    if absent.all():
        raise SplitError(
            f"{file} lists {listed['id'].nunique()} {key}s, none of them in cohort {cohort.name!r} (listed "
            f"{listed['id'].iloc[0]!r}, in the cohort {ids[0]!r}); give the cohort's ids"
        )
    unlisted = len(cohort) - joined["case_id"].nunique()
    if absent.any() or unlisted:
        warn(
            f"{file.name}: {joined['id'][absent].nunique()} of {listed['id'].nunique()} listed {key}s are "
            f"not in cohort {cohort.name!r}, {unlisted} of its {len(cohort)} cases are not listed; neither "
            "take part"
        )
    return joined[~absent].sort_values("case_id", kind="stable").set_index("case_id")


def _spelling(*sides: set[str]) -> Callable[[str], str]:
    """How ids are compared: loosely, where that keeps the ids of each side apart."""
    loose = all(len({*map(plain_id, names)}) == len(names) for names in sides)
    return plain_id if loose else str


def _ids_by_spelling(
    file: Path, listed: pd.DataFrame, spelled: Callable[[str], str]
) -> Callable[[str], str | None]:
    """From any spelling of an id, its own or another one, to the id that the table lists."""
    known = {spelled(name): name for name in listed["id"]}
    for name, others in zip(listed["id"], listed[ALSO], strict=True):
        for other in others.split():
            if known.setdefault(spelled(other), name) != name:
                raise SplitError(
                    f"{file}: {other!r} stands for {known[spelled(other)]!r} and for {name!r}; give every "
                    "other id to one case or patient"
                )
    return lambda name: known.get(spelled(name))


def _listed_id(name: str, known: Callable[[str], str | None]) -> str | None:
    """The listed id of a cohort's case or patient, also where a joined cohort has its name before it."""
    return known(name) or known(name.partition(MARK)[2])


def _parts(found: pd.DataFrame) -> Iterator[GivenFold]:
    """Folds whose parts are given; one fold where none is named."""
    fold = found["fold"] if "fold" in found else pd.Series("given", index=found.index)
    for name in _in_order(fold):
        part = found["part"][fold == name]
        yield name, {side: tuple(map(str, part.index[part == side])) for side in PARTS}


def _tested_in_turn(found: pd.DataFrame) -> Iterator[GivenFold]:
    """A fold a name: who bears it is tested, all others learn."""
    for name in _in_order(found["fold"]):
        tested = found["fold"] == name
        train, test = (tuple(map(str, found.index[mask])) for mask in (~tested, tested))
        yield name, {"train": train, "val": (), "test": test}


def _in_order(fold: "pd.Series[str]") -> list[str]:
    """Names of folds, numbers by their value and before words."""
    return sorted(
        set(fold), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
    )


def _refuse_tested_twice(file: Path, folds: list[GivenFold]) -> None:
    """Raise SplitError where a case is tested in two folds: its predictions would count twice."""
    seen: dict[str, str] = {}
    for name, parts in folds:
        for case_id in parts["test"]:
            if case_id in seen:
                raise SplitError(
                    f"{file}: case {case_id!r} is tested in fold {seen[case_id]} and in fold {name}; give "
                    "each repeat of a cross-validation a file of its own"
                )
            seen[case_id] = name


def _refuse_shared(cohort: "Cohort", file: Path, name: str, parts: dict[str, tuple[str, ...]]) -> None:
    """Raise SplitError where a patient is on two sides of a fold."""
    side: dict[str, str] = {}
    patients = cohort.table["patient_id"]
    for part, case_ids in parts.items():
        for patient in set(patients[list(case_ids)]):
            if side.setdefault(patient, part) != part:
                raise SplitError(
                    f"{file}: patient {patient!r} is in {side[patient]} and in {part} of fold {name}; put "
                    "all cases of a patient into one part"
                )
