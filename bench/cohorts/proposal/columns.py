"""What each column of a user's table is taken for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from bench.cohorts.columns import FILES, IDENTITY, ROLES
from bench.cohorts.proposal import synonyms
from bench.cohorts.proposal.labels import is_percentage
from bench.cohorts.proposal.recipes import Recipe
from bench.cohorts.table import most_common
from bench.cohorts.values import covariate

NAMED = 5
# A column of numbers and words with so few values is one of categories, such as 4a beside 4.
FEW_VALUES = 12


@dataclass(frozen=True)
class Column:
    """What is proposed for one column of the user's table.

    ``use`` is a column of cases.csv (``case_id`` ... ``mask``), ``task``, or a role; ``name`` is its name in
    cases.csv; ``why`` says from what the proposal was made. A ``categorical`` column holds names of
    categories, also where they look like numbers; a ``recipe`` says how a label is made.
    """

    source: str
    use: str
    name: str
    why: str
    categorical: bool = False
    recipe: Recipe | None = None


def propose_columns(
    table: pd.DataFrame,
    notes: list[str],
    recipes: Sequence[Recipe] = (),
    legend: Mapping[str, str] | None = None,
) -> list[Column]:
    """A proposal for each column of the table, in its order; no use but a role is given twice.

    Labels that ``recipes`` make come first; ``legend`` is what the table explains of its columns.
    """
    columns = [
        Column(", ".join(recipe.columns), "task", recipe.task, "by your recipe", recipe=recipe)
        for recipe in recipes
    ]
    used = {name: recipe.task for recipe in recipes for name in recipe.columns}
    position = _position(list(map(str, table)))
    for source in map(str, table):
        if source in position:
            column = Column(source, "ignore", source, "box or point of the lesion")
        elif source in used:
            column = Column(source, "ignore", source, f"made into the label {used[source]}")
        else:
            column = _propose(source, table[source], notes)
        columns.append(_without_rival(column, columns, notes))
    taken = {*IDENTITY, *FILES, "mask_source", *(column.name for column in columns if column.use == "task")}
    return [
        _with_categories(
            replace(column, name=_free(column, taken)), table, (legend or {}).get(column.source, ""), notes
        )
        for column in columns
    ]


def _position(sources: list[str]) -> list[str]:
    """Columns of the lesion's box and point."""
    box = [name for names in synonyms.box_columns(sources).values() for name in names]
    return box + synonyms.point_columns(sources)[0]


def _without_rival(column: Column, others: Sequence[Column], notes: list[str]) -> Column:
    """The column, ignored where another has its use already."""
    rivals = [other.source for other in others if other.use not in ROLES and other.name == column.name]
    if not rivals or column.use in ROLES:
        return column
    why = f"{rivals[0]!r} is taken as {column.name}"
    notes.append(f"column {column.source!r} is ignored: {why}")
    return Column(column.source, "ignore", column.source, why)


def _free(column: Column, taken: set[str]) -> str:
    """The name of a column in cases.csv, which no other use has."""
    names = {name.casefold() for name in taken}
    return (
        f"{column.name}_original" if column.use in ROLES and column.name.casefold() in names else column.name
    )


def _with_categories(column: Column, table: pd.DataFrame, legend: str, notes: list[str]) -> Column:
    """A covariate, marked where its values are codes or names of categories; odd ones are noted."""
    if column.use not in ("acquisition", "clinical"):
        return column
    cells = table[column.source].map(lambda cell: "" if synonyms.is_unknown(cell) else cell.strip())
    known = cells[cells != ""]
    if re.search(r"\d\s*=|=\s*\d", legend) and known.map(str.isdigit).all():
        return replace(column, categorical=True, why=f"{column.why}; its numbers are codes")
    odd = covariate(cells)[1]
    if not odd.any():
        return column
    if known.nunique() <= FEW_VALUES:
        return replace(column, categorical=True, why=f"{column.why}; categories")
    notes.append(
        f"column {column.source!r} holds numbers and {most_common(list(cells[odd]))}: a run rejects "
        "that; correct them in cases.csv, or list the column under categorical"
    )
    return column


def _propose(source: str, cells: "pd.Series[str]", notes: list[str]) -> Column:
    if any(map(synonyms.is_volume, cells)):
        file = "mask" if synonyms.names_a_mask(source) else "image"
        return Column(source, file, file, "file names of volumes")
    use = synonyms.word_for(source, synonyms.IDENTITY_WORDS)
    if use == "group" and any(synonyms.group_of(cell) is None for cell in cells):
        use = _left_out(source, cells, "expected words such as internal and external", notes)
    if use == "case_id" and cells.duplicated().any():
        use = _left_out(source, cells, "it names several lines alike, so it is no case_id", notes)
    if use is not None:
        return Column(source, use, source if use == "ignore" else use, f"named as a {use.replace('_', ' ')}")
    return _propose_task(source, cells, notes) or _propose_role(source, notes)


def _propose_task(source: str, cells: "pd.Series[str]", notes: list[str]) -> Column | None:
    status = _name_of_status(source) or ""
    name = synonyms.word_for(source, synonyms.TASK_WORDS) or synonyms.word_for(status, synonyms.TASK_WORDS)
    readable = all(synonyms.binary_label(cell) is not None for cell in cells)
    bare = synonyms.word_for(synonyms.without_unit(source), synonyms.TASK_WORDS)
    if name is None and bare is not None and (is_percentage(cells) if bare == "ki67" else readable):
        name = bare
    if name == "ki67":
        readable = is_percentage(cells)
    elif name is None and readable and not _role_of(source):
        name = status or None
    if name is None:
        return None
    if not readable:
        expected = "numbers from 0 to 100" if name == "ki67" else "two values such as positive and negative"
        _left_out(
            source, cells, f"expected {expected}: say what they mean with {_example(name, source)}", notes
        )
        return Column(source, "ignore", source, f"would be {name}, but its values are not understood")
    return Column(source, "task", name, "a biomarker's label")


def _name_of_status(source: str) -> str | None:
    """Name of the task in a column such as ``IDH status``; None where the column is not called a status."""
    found = re.fullmatch(r"([a-z0-9_]*[a-z0-9])_?status", re.sub(r"[^a-z0-9]+", "_", source.lower()))
    return found[1] if found else None


def _propose_role(source: str, notes: list[str]) -> Column:
    role = _role_of(source)
    if role is not None:
        return Column(source, role, source, synonyms.ROLE_REASONS[role])
    task = synonyms.sounds_like_a_task(source)
    if task is not None:
        notes.append(
            f"column {source!r} is ignored, though it may be about {task}: if it holds the labels, say "
            f"{_example(task, source)}"
        )
    return Column(source, "ignore", source, "not recognised")


def _role_of(source: str) -> str | None:
    """Role of a column by its name, or by what it is the status of."""
    return synonyms.role_word(source) or synonyms.word_for(_name_of_status(source) or "", synonyms.ROLE_WORDS)


def _example(task: str, source: str) -> str:
    """A recipe to begin with."""
    rule = {"ki67": ': "10-15" = midpoint', "her2": ': "2" = unknown'}.get(task, " >= 1")
    return f"the label '{task} = {source}{rule}'"


def _left_out(source: str, cells: "pd.Series[str]", why: str, notes: list[str]) -> str:
    values = most_common([cell.strip() for cell in cells], NAMED)
    notes.append(f"column {source!r} is ignored ({why}); it has {values}")
    return "ignore"
