"""Recipes of labels: how a task's label follows from columns of the user's table, in a line that is kept.

er = Allred >= 3                 1 from there on, 0 below
her2 = ihc + fish                0 and 1+ negative, 3+ positive, 2+ by FISH (words, or a ratio from 2.0 on)
hr = er + pr                     1 where one of them is, 0 where none is
ki67: "<1" = 0.5, "10-15" = midpoint
her2 = HER2 status: "2" = unknown
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from bench.cohorts.proposal import synonyms
from bench.cohorts.table import lines_named
from bench.errors import UsageError

FISH_RATIO = 2.0
"""HER2 / CEP17 from which FISH is positive (ASCO/CAP 2018)."""
AMPLIFIED = "amplified amp pos positive + yes y true"
NOT_AMPLIFIED = "notamplified nonamplified unamplified neg negative - no n false"
EXAMPLE = 'such as "er = Allred >= 3", "her2 = ihc + fish" or \'ki67: "<1" = 0.5, "10-15" = midpoint\''
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
}
_RANGE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:-|\u2013|to)\s*(\d+(?:[.,]\d+)?)\s*%?")
_ITEM = re.compile(r'\s*(?:"([^"]*)"|\'([^\']*)\'|([^="\']+?))\s*=\s*([^,]+?)\s*')


@dataclass(frozen=True)
class Recipe:
    """How the label of ``task`` is made of ``columns``; ``text`` is what the user wrote.

    ``compare`` and ``limit`` cut numbers; ``values`` maps cells to labels, before any other rule.
    """

    text: str
    task: str
    columns: tuple[str, ...]
    compare: str
    limit: float
    values: dict[str, str]

    @property
    def binary(self) -> bool:
        """Whether the label is 0 or 1."""
        if self.task == "ki67":
            return False
        return bool(self.compare) or len(self.columns) > 1 or set(self.values.values()) <= {"0", "1", ""}


def parse_recipe(text: str, names: list[str]) -> Recipe:
    """The recipe of one label; raises UsageError where it is none, or names no column of the table."""
    left, _, right = _split_at_colon(text)
    named = re.fullmatch(r"\s*([A-Za-z][\w-]*)\s*=\s*(?!=)(.+)", left)
    task, made_of = (named[1], named[2]) if named else ("", left)
    cut = re.fullmatch(r"\s*(.+?)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*%?\s*", made_of)
    parts = [cut[1]] if cut else re.split(r"\s+\+\s+", made_of.strip())
    if not all(parts) or len(parts) > 2:
        raise UsageError(f"label {text!r} is no recipe; write one {EXAMPLE}")
    columns = tuple(_column(part, names, text) for part in parts)
    if not task:
        known = synonyms.word_for(synonyms.without_unit(columns[0]), synonyms.TASK_WORDS)
        task = known or re.sub(r"\W+", "_", columns[0].lower()).strip("_")
    values = _values(right, text) if right else {}
    return Recipe(text, task, columns, cut[2] if cut else "", float(cut[3]) if cut else np.nan, values)


def _split_at_colon(text: str) -> tuple[str, str, str]:
    """What stands before and behind the first colon outside quotation marks."""
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", lambda quoted: "x" * len(quoted[0]), text)
    at = bare.find(":")
    return (text, "", "") if at < 0 else (text[:at], ":", text[at + 1 :])


def _column(wanted: str, names: list[str], text: str) -> str:
    """The column that a recipe means: by its name, by its letters, or as the only one that has the word."""
    wanted = wanted.strip().strip("\"'")
    plain = synonyms.plain(wanted)
    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: name == wanted,
        lambda name: synonyms.plain(name) == plain,
        lambda name: synonyms.plain(synonyms.without_unit(name)) == plain,
        lambda name: plain in [synonyms.plain(word) for word in re.split(r"[^A-Za-z0-9]+", name)],
        lambda name: synonyms.word_for(synonyms.without_unit(name), synonyms.TASK_WORDS) == plain,
    )
    for rule in rules:
        found = [name for name in names if rule(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"label {text!r}: {wanted!r} may be {' or '.join(map(repr, found))}; name one")
    raise UsageError(f"label {text!r}: no column {wanted!r}; the table has {', '.join(map(repr, names))}")


def _values(text: str, whole: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in _items(text):
        found = _ITEM.fullmatch(item)
        if not found:
            raise UsageError(
                f'label {whole!r}: {item.strip()!r} is not of the form "value" = label; write it so'
            )
        cell = next(text for text in found.groups()[:3] if text is not None).strip()
        values[cell.casefold()] = _outcome(cell, found[4].strip("\"' "), whole)
    return values


def _items(text: str) -> list[str]:
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", lambda quoted: "x" * len(quoted[0]), text)
    edges = [-1, *(at for at, letter in enumerate(bare) if letter == ","), len(text)]
    return [text[first + 1 : last] for first, last in pairwise(edges)]


def _outcome(cell: str, said: str, whole: str) -> str:
    """The label that a recipe gives to a value."""
    if said == "midpoint":
        ends = _RANGE.fullmatch(cell)
        if not ends:
            raise UsageError(f"label {whole!r}: {cell!r} is no range such as 10-15 and has no midpoint")
        return f"{np.mean([synonyms.number(end) for end in ends.groups()]):g}"
    if said in ("unknown", "missing", "empty"):
        return ""
    label = synonyms.binary_label(said)
    value = synonyms.number(said)
    if np.isnan(value) and not label:
        raise UsageError(f"label {whole!r}: {said!r} is no label; expected a number, midpoint or unknown")
    return label if label in ("0", "1") else f"{value:g}"


def apply_recipe(recipe: Recipe, table: pd.DataFrame) -> "pd.Series[str]":
    """Labels as cases.csv has them, empty where unknown; raises UsageError for values without a rule."""
    made = [_label(recipe, cells) for cells in table[list(recipe.columns)].itertuples(index=False, name=None)]
    labels = pd.Series(made, index=table.index, dtype=object)
    odd = labels.isna()
    if odd.any():
        said = table.loc[odd, list(recipe.columns)].agg(" + ".join, axis=1)
        first = str(said.iloc[0])
        lines = [int(str(line)) for line in said.index[said == first]]
        raise UsageError(
            f"label {recipe.text!r} says nothing of {first!r} ({lines_named(lines)}) and "
            f"{said.nunique() - 1} more "
            f'values; add what it means, such as "{first}" = unknown'
        )
    return labels


def _label(recipe: Recipe, cells: tuple[str, ...]) -> str | None:
    """The label of one line; None where the recipe does not say it."""
    for cell in cells:
        mapped = recipe.values.get(cell.strip().casefold())
        if mapped is not None:
            return mapped
    if len(cells) > 1:
        return _her2(*cells) if recipe.task == "her2" else _either(*cells)
    if synonyms.is_unknown(cells[0]):
        return ""
    if recipe.compare:
        return _cut(recipe, cells[0])
    if recipe.binary:
        return synonyms.binary_label(cells[0])
    value = synonyms.number(cells[0])
    return None if np.isnan(value) else f"{value:g}"


def _cut(recipe: Recipe, cell: str) -> str | None:
    """1 or 0 by the limit; a cell such as ``<1`` or ``>90`` where both of its sides say the same."""
    bound = re.fullmatch(r"\s*(<|>|<=|>=|≤|≥)\s*(\d.*)", cell)
    if not bound:
        value = synonyms.number(cell)
        if np.isnan(value):
            return synonyms.binary_label(cell)
        return str(int(COMPARE[recipe.compare](value, recipe.limit)))
    edge = synonyms.number(bound[2])
    step = 1e-9 * max(1.0, abs(edge)) * (-1 if bound[1] in "<" else 1 if bound[1] in ">" else 0)
    ends = (edge + step, -np.inf if bound[1] in ("<", "<=", "≤") else np.inf)
    said = {COMPARE[recipe.compare](end, recipe.limit) for end in ends}
    return str(int(said.pop())) if len(said) == 1 and not np.isnan(edge) else None


def _her2(ihc: str, fish: str) -> str | None:
    """HER2 of immunohistochemistry and, where that is 2+ or unknown, of in-situ hybridisation."""
    score = re.fullmatch(r"\s*([0-3])(?:\.0)?\s*\+*\s*", ihc)
    if score and score[1] in "013":
        return "1" if score[1] == "3" else "0"
    if not score and not synonyms.is_unknown(ihc):
        return None
    if synonyms.is_unknown(fish):
        return ""
    word = synonyms.plain(fish) or fish.strip()
    if word in AMPLIFIED.split() or word in NOT_AMPLIFIED.split():
        return "1" if word in AMPLIFIED.split() else "0"
    ratio = synonyms.number(fish)
    return None if np.isnan(ratio) else str(int(ratio >= FISH_RATIO))


def _either(*cells: str) -> str | None:
    """1 where one cell is positive, 0 where all are negative, else unknown."""
    labels = [synonyms.binary_label(cell) for cell in cells]
    if "1" in labels:
        return "1"
    return None if None in labels else "0" if all(label == "0" for label in labels) else ""


def said_by(recipe: Recipe) -> str:
    """The rule in words, for the label rule of the cohort."""
    if recipe.task == "her2" and len(recipe.columns) > 1:
        ihc, fish = recipe.columns
        return (
            f"her2: {ihc} 3+ positive, 0 and 1+ negative, 2+ or unknown by {fish} (positive where "
            f"amplified, or from a ratio of {FISH_RATIO:g} on)"
        )
    if len(recipe.columns) > 1:
        return f"{recipe.task}: {' or '.join(recipe.columns)} positive"
    rule = f"{recipe.columns[0]} {recipe.compare} {recipe.limit:g}" if recipe.compare else recipe.columns[0]
    mapped = ", ".join(f"'{cell}' = {label or 'unknown'}" for cell, label in recipe.values.items())
    return f"{recipe.task}: {rule}{f' ({mapped})' if mapped else ''}"
