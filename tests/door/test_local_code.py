"""The code hash of a class that a notebook defines follows its source and what it reaches."""

import linecache
from itertools import count
from typing import Any

import pytest

from bench.methods.local_code import local_fingerprint

NUMBERS = count()

CELL = """
from dataclasses import dataclass
import numpy as np

SCALE = 2.0

def helper(x):
    return x * SCALE

@dataclass
class Mine:
    strength: float = 1.0

    def fit(self, train, val, run):
        return self

    def predict(self, cohort):
        return {task.name: np.full(len(cohort), helper(self.strength)) for task in cohort.tasks}
"""


def cell(source: str, **names: Any) -> type:
    """The class of a cell, run as IPython runs one: the source is in linecache and in no file."""
    name = f"<cell {next(NUMBERS)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    space = {"__name__": "__main__", **names}
    exec(compile(source, name, "exec"), space)
    found: type = space["Mine"]  # type: ignore[assignment]
    return found


def test_the_same_source_has_the_same_hash_and_comments_do_not_count() -> None:
    commented = CELL.replace("return self\n", "return self  # nothing to learn\n")
    assert (
        local_fingerprint(cell(CELL)) == local_fingerprint(cell(CELL)) == local_fingerprint(cell(commented))
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return self\n", "return None or self\n"),
        ("x * SCALE", "x + SCALE"),
        ("SCALE = 2.0", "SCALE = 3.0"),
        ("strength: float = 1.0", "strength: float = 2.0"),
    ],
)
def test_a_change_of_the_class_or_of_what_it_reaches_changes_the_hash(old: str, new: str) -> None:
    assert local_fingerprint(cell(CELL)) != local_fingerprint(cell(CELL.replace(old, new)))


def test_what_the_class_does_not_reach_does_not_count() -> None:
    assert local_fingerprint(cell(CELL)) == local_fingerprint(cell(CELL + "\nOTHER = 1\n"))


def test_without_source_the_hash_is_new_every_time() -> None:
    mine = cell(CELL)
    linecache.cache.pop(mine.predict.__code__.co_filename)  # type: ignore[attr-defined]
    assert local_fingerprint(mine) != local_fingerprint(mine)


def test_a_value_that_cannot_be_compared_makes_a_new_hash_every_time() -> None:
    mine = cell(CELL.replace("SCALE = 2.0", "SCALE = object()"))
    assert local_fingerprint(mine) != local_fingerprint(mine)
