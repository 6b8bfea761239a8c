"""Propose cohort.toml and cases.csv from a user's own table; the user reads it, confirms and keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench.cohorts.columns import FILES, ROLES
from bench.cohorts.proposal.columns import Column, propose_columns
from bench.cohorts.proposal.files import add_files
from bench.cohorts.proposal.header_text import header_text
from bench.cohorts.proposal.labels import binary_or_percentage, known_covariate
from bench.cohorts.proposal.lines import identity
from bench.cohorts.proposal.recipes import apply_recipe, parse_recipe
from bench.cohorts.proposal.source import read_source
from bench.cohorts.proposal.surrogate_mask import write_surrogate
from bench.cohorts.proposal.surrogates import Surrogate, surrogates_of
from bench.errors import UsageError, parameter


@dataclass(frozen=True, eq=False)
class Proposal:
    """A cohort as it would be written: the text of cohort.toml, the table, masks, and what to look at."""

    folder: Path
    columns: tuple[Column, ...]
    toml: str = field(repr=False)
    cases: pd.DataFrame = field(repr=False)
    surrogates: tuple[Surrogate, ...] = field(repr=False)
    notes: tuple[str, ...]


def propose(
    folder: Path, csv: Path, point_unit: str = "", recipes: Sequence[str] = (), sheet: str = ""
) -> Proposal:
    """Propose a cohort for the images in a folder from a table with names of its own.

    Parameters
    ----------
    folder
        Where the images lie and where cohort.toml and cases.csv would be written.
    csv
        The user's table, a line a case: text separated by commas, semicolons or tabs, gzip or not, or an
        Excel workbook.
    point_unit
        ``mm`` (LPS) or ``voxel``: the unit of a lesion's point whose columns' names do not say it.
    recipes
        How labels are made of columns, see :mod:`bench.cohorts.proposal.recipes`.
    sheet
        Worksheet of a workbook; the one whose columns are known best where not given.

    Raises
    ------
    UsageError
        The table cannot be read, has no line, a line without an id, or a point in an unknown unit; or a
        recipe is none, or does not say what every value means.
    """
    notes: list[str] = []
    source = read_source(csv, sheet, notes)
    table = source.table
    rules = [parse_recipe(text, list(map(str, table))) for text in recipes]
    columns = propose_columns(table, notes, rules, source.legend)
    cases = identity(table, columns, folder.resolve().name, notes)
    add_files(cases, table, columns, folder, csv, notes)
    surrogates = surrogates_of(table, cases, folder, point_unit, notes)
    if (cases[list(FILES)] == "").to_numpy().all():
        notes.append("no image was found: methods that read volumes cannot run on this cohort")
        cases = cases.drop(columns=list(FILES))
    _add_columns(cases, table, columns, notes)
    if surrogates:
        sources = {mask.case_id: mask.source for mask in surrogates}
        drawn = cases["mask"].ne("").map({True: "mask", False: ""})
        cases["mask_source"] = cases["case_id"].map(sources).fillna(drawn)
    toml = header_text(folder.resolve().name, columns, surrogates, len(cases))
    return Proposal(folder, tuple(columns), toml, cases, tuple(surrogates), tuple(notes))


def _add_columns(
    cases: pd.DataFrame, table: pd.DataFrame, columns: Sequence[Column], notes: list[str]
) -> None:
    """Add the labels, then the covariates and what is ignored."""
    for column in columns:
        if column.recipe is not None:
            cases[column.name] = apply_recipe(column.recipe, table)
        elif column.use == "task":
            cases[column.name] = binary_or_percentage(column.name, column.source, table[column.source], notes)
    for column in columns:
        if column.use in ROLES:
            cells = table[column.source]
            cases[column.name] = cells.str.strip() if column.use == "ignore" else known_covariate(cells)


def write_proposal(proposal: Proposal) -> None:
    """Write cohort.toml, cases.csv and the surrogate masks; raises UsageError where one of them is there."""
    paths = [proposal.folder / name for name in ("cohort.toml", "cases.csv")]
    for path in [*paths, *(proposal.folder / mask.path for mask in proposal.surrogates)]:
        if path.exists():
            raise UsageError(f"{path} is there already; rename or remove it first")
    for mask in proposal.surrogates:
        write_surrogate(mask.shape, mask.grid, proposal.folder / mask.path)
    proposal.cases.to_csv(paths[1], index=False)
    paths[0].write_text(proposal.toml, encoding="utf-8")


def require_labels(proposal: Proposal) -> None:
    """Raise UsageError for a proposal without a label, which no run could learn from or score."""
    if not any(column.use == "task" for column in proposal.columns):
        raise UsageError(
            f"no column holds a label that is understood; name one with {parameter('label')}, such as 'er = "
            "ER_percent >= 1' (the values 1 and 0, positive and negative and the like need no recipe)"
        )
