"""What may be searched, as data: a method declares its space without importing the searcher."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

OBJECTIVE, SAMPLER, PRUNER = "mean_skill", "tpe", "median"


@dataclass(frozen=True)
class Float:
    """A number from ``low`` to ``high``, both included; ``log`` where its order of magnitude is searched.

    Parameters
    ----------
    low, high
        In the unit of the hyperparameter; above 0 where ``log``.
    log
        Whether equal ratios count as equal steps.

    Examples
    --------
    >>> import bench
    >>> 0.5 in bench.Float(0.1, 10.0, log=True)
    True
    """

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Int:
    """A whole number from ``low`` to ``high``, both included; ``log`` as for :class:`Float`.

    Parameters
    ----------
    low, high
        In the unit of the hyperparameter; from 1 on where ``log``.
    log
        Whether equal ratios count as equal steps.

    Examples
    --------
    >>> import bench
    >>> 2.5 in bench.Int(1, 4)
    False
    """

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Categorical:
    """One of some texts, numbers or truth values, in no order.

    Parameters
    ----------
    choices
        At least one, the default of the hyperparameter among them.

    Examples
    --------
    >>> import bench
    >>> "core" in bench.Categorical(("core", "rim"))
    True
    """

    choices: tuple[str | int | float | bool, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.choices


Dimension = Float | Int | Categorical
Space = Mapping[str, Dimension]
_KINDS: Mapping[str, type[Float] | type[Int] | type[Categorical]] = {
    "float": Float,
    "int": Int,
    "categorical": Categorical,
}


@dataclass(frozen=True)
class SearchBudget:
    """A budget and what it is spent on.

    Parameters
    ----------
    space
        Hyperparameters that are searched, by name.
    trials
        Number of trials, the defaults being the first; 0 where time is the budget.
    seconds
        No trial starts once the trials so far took this long; 0 where trials are the budget.
    inner_folds
        Folds of the inner cross-validation that scores a trial where the validation part is too small for
        it, see :func:`bench.splits.inner.folds_in_need`; 0 for none.
    """

    space: Space
    trials: int = 0
    seconds: int = 0
    inner_folds: int = 0

    @property
    def budget(self) -> str:
        """``20 trials`` or ``20m``."""
        return f"{self.trials} trials" if self.trials else duration_text(self.seconds)

    @property
    def mark(self) -> dict[str, Any]:
        """What names a tuned row, as a parameter would."""
        return {"trials": self.trials} if self.trials else {"tune_time": duration_text(self.seconds)}

    @property
    def reproducible(self) -> bool:
        """Whether another machine makes as many trials."""
        return self.trials > 0

    def as_json(self) -> dict[str, Any]:
        """Plain values: all that determines which parameters win, for a cell's identity."""
        budget = {"trials": self.trials} if self.trials else {"seconds": self.seconds}
        return {
            **budget,
            "space": {name: _plain(value) for name, value in self.space.items()},
            "inner_folds": self.inner_folds,
            "objective": OBJECTIVE,
            "sampler": SAMPLER,
            "pruner": PRUNER,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """The budget that :meth:`as_json` wrote."""
        space = {name: _dimension(row) for name, row in state["space"].items()}
        return cls(space, state.get("trials", 0), state.get("seconds", 0), state["inner_folds"])


def duration_text(seconds: int) -> str:
    """``90s``, ``20m`` or ``2h``: the largest unit that divides."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _plain(dimension: Dimension) -> dict[str, Any]:
    kind = next(name for name, cls in _KINDS.items() if isinstance(dimension, cls))
    return {"kind": kind, **asdict(dimension)}


def _dimension(row: Mapping[str, Any]) -> Dimension:
    kind: Callable[..., Dimension] = _KINDS[row["kind"]]
    return kind(
        **{
            key: tuple(value) if isinstance(value, list) else value
            for key, value in row.items()
            if key != "kind"
        }
    )
