"""What each key of an experiment holds, checked where a file or the command line gives it."""

from collections.abc import Callable, Mapping
from typing import Any

from bench.errors import UsageError


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(test, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_TEXTS = ('a list of texts, such as ["a", "b"]', _is_list_of(_is_text))
_COUNT = ("a whole number from 1 on", lambda value: _is_integer(value) and value >= 1)
_FROM_0 = ("a whole number from 0 on", lambda value: _is_integer(value) and value >= 0)
_TEXT = ("a text", _is_text)
_SWITCH = ("true or false", lambda value: isinstance(value, bool))
_TABLE = ("a table", lambda value: isinstance(value, Mapping))
_SEEDS = (
    "a list of different whole numbers from 0 on, such as [0, 1, 2]",
    lambda value: (
        _is_list_of(lambda seed: _FROM_0[1](seed) and seed < 2**32)(value)
        and len(set(value)) == len(value) > 0
    ),
)
_SIZES = (
    "a list of different whole numbers such as [100, 200, 0], where 0 stands for all patients",
    lambda value: _is_list_of(_FROM_0[1])(value) and len(set(value)) == len(value) > 0,
)

EXPECTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("methods", "metric", "plugins"), _TEXTS),
    **dict.fromkeys(("split", "cohort", "preset", "device", "store", "executor", "scheduler"), _TEXT),
    **dict.fromkeys(("cell_timeout", "memory_limit", "tune_time"), _TEXT),
    **dict.fromkeys(("set", "resources"), _TABLE),
    "seeds": _SEEDS,
    "sizes": _SIZES,
    **dict.fromkeys(("threads", "repeats"), _COUNT),
    "jobs": ('a whole number from 1 on, or "auto"', lambda value: _COUNT[1](value) or value == "auto"),
    "inner_folds": ("0 (none) or at least 2", lambda value: _FROM_0[1](value) and value != 1),
    "trials": ("0 (no tuning) or more", _FROM_0[1]),
    **dict.fromkeys(("skip_broken", "contract"), _SWITCH),
}


def check_values(values: Mapping[str, Any], source: str) -> None:
    """Raise UsageError for the first value that is not what its key holds.

    Parameters
    ----------
    source
        Where the values come from, with which the message begins; empty for the command line.
    """
    for key, value in values.items():
        expected, is_right = EXPECTED[key]
        if not is_right(value):
            raise UsageError(f"{source}{key.replace('_', ' ')}: expected {expected}, got {value!r}")
