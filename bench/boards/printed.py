"""Printed figures: what a number prints as on any processor, and whether a text holds such figures.

Sums in another order differ in the last bits, so a number that lies half-way between two printed ones prints
as either. A figure is right where it is what the number, or the number a little above or below, prints as;
the next printed figure is not.
"""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from bench.inference import Difference, Interval
from bench.scoring.scores import Score

# Far above what another order of sums changes, far below the last digit of any table.
ROUNDING = 1e-9

NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?)")
PADDING = re.compile(r"(?<=-)-{2,}|(?<= ) +| +$")


def around(scores: Sequence[Score]) -> tuple[list[Score], list[Score]]:
    """The scores with each of their numbers a little lower, and a little higher."""
    return [_moved(score, -ROUNDING) for score in scores], [_moved(score, ROUNDING) for score in scores]


def same_text(kept: str, again: Sequence[str]) -> bool:
    """Whether a text has the words of the first of ``again``, and each figure as any of them has it.

    Spaces and rules that fill a column are passed over, as their number follows from the figures.
    """
    said, *others = [NUMBER.split(PADDING.sub("", text)) for text in (kept, *again)]
    if len(said) != len(others[0]) or said[::2] != others[0][::2]:
        return False
    alike = [other for other in others if len(other) == len(said)]
    return all(figure in {one[place] for one in alike} for place, figure in enumerate(said) if place % 2)


def _moved(score: Score, by: float) -> Score:
    """The score with its numbers moved by a share of themselves, of 1 where they are smaller."""
    return replace(score, **{field.name: _shifted(getattr(score, field.name), by) for field in fields(score)})


def _shifted(value: Any, by: float) -> Any:
    if isinstance(value, Difference):
        return Difference(_beside(value.value, by), _both_beside(value.interval, by), value.p)
    if isinstance(value, Interval):
        return _both_beside(value, by)
    return _beside(value, by) if isinstance(value, float) else value


def _both_beside(interval: Interval, by: float) -> Interval:
    return Interval(_beside(interval.low, by), _beside(interval.high, by))


def _beside(value: float, by: float) -> float:
    return value + by * max(1.0, abs(value))
