"""Whether a method is as good as another, within a margin that was fixed beforehand."""

import math
from collections.abc import Mapping, Sequence

from bench.errors import UsageError, unknown_name
from bench.scoring.comparison import Comparison
from bench.task import Task

MARGIN = "margin"


def margins_of(tasks: Sequence[Task], given: Sequence[str]) -> dict[str, float]:
    """Margin of each task, from ``0.05`` for all of them or ``ki67=1.5`` for one, the latter first.

    Raises UsageError for another task, and for a margin that is not a positive number.
    """
    names = [task.name for task in tasks]
    found: dict[str, float] = {}
    for text in sorted(given, key=lambda text: "=" in text):
        task, _, number = text.rpartition("=")
        if task and task not in names:
            raise unknown_name("task", task, names)
        found |= dict.fromkeys([task] if task else names, _positive(number))
    return found


def _positive(number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"a margin of {number!r}, expected a positive number such as 0.05 or ki67=1.5")
    return value


def within_margin(comparison: Comparison, margins: Mapping[str, float]) -> str:
    """What the 95 % interval of a difference says of a margin, in words.

    ``equivalent`` where it lies within the margin on both sides, ``not inferior`` where it lies above the
    lower one (that is a one-sided test at 2.5 %, as regulators ask; equivalence so is two of them),
    ``inferior`` where it lies below, else ``not shown``. ``-`` without a margin or an interval.
    """
    low, high = comparison.difference.interval
    margin = margins.get(comparison.task.name)
    if margin is None or math.isnan(low):
        return "-"
    if low > -margin:
        return "equivalent" if high < margin else "not inferior"
    return "inferior" if high < -margin else "not shown"
