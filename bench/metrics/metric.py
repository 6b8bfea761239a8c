"""What a metric is: how it is computed, what it needs, and which way is better."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
# What a metric may know of a case beside truth and prediction.
Beside = NDArray[Any] | None

# Resamples that are computed together: a block of 1,000 cases then stays in the processor's cache.
DRAWS_AT_ONCE = 128

KINDS = ("binary", "continuous")
TAKES = ("score", "decision")
BESIDE = ("fold", "constant")
INTERVALS = ("percentile", "bootstrap_t", "root_t", "logit", "wilson", "delong", "calibration")
# Intervals that are of one value alone: what the function of a metric that declares it must be.
OF_ONE_VALUE = {
    "delong": ("bench.metrics.area", "auc"),
    "calibration": ("bench.metrics.calibration", "calibration_error"),
}


class Resample(Protocol):
    """A metric of several predictions in many resamples."""

    def __call__(self, truth: Array, predictions: Array, beside: Beside, weights: Array, /) -> Array:
        """Shapes (case,), (prediction, case), (case,), (case, draw); returns (prediction, draw)."""


@dataclass(frozen=True)
class Metric:
    """A metric as tables and inference need it; what the hook ``bench_metrics`` offers.

    Parameters
    ----------
    name
        What users type after ``--metric`` and declare in ``cohort.toml``.
    title
        What tables print.
    kind
        Which tasks it is for, ``binary`` or ``continuous``.
    best
        The value of a perfect prediction; NaN where that depends on the cases.
    higher_is_better
        Direction; None where nearest to ``best`` is better, as for a calibration slope: such a metric is
        shown and cannot rank.
    value
        ``value(truth, prediction, beside) -> float``, all of shape (case,); NaN where it has no value.
    resampled
        ``resampled(truth, predictions, beside, weights)``, shape (prediction, draw): the same in many
        resamples, ``weights`` (case, draw) saying how often each holds each case. Where left out, ``value``
        is asked of the repeated cases of every resample, which is right and slow.
    decimals
        Digits behind the point that tables print.
    by_label
        Whether patients are resampled within each class, so that no resample lacks one. That holds the share
        of positives fixed, so it is for metrics alone on which that share has no bearing (the AUC): one that
        depends on it, such as average precision, varies with it from sample to sample.
    takes
        ``score``: the prediction itself; ``decision``: 1 where it reaches the threshold of its cell, else 0.
    beside
        What the third argument holds: ``fold`` of each case, within which scores are comparable, or
        ``constant``, what the constant predictor says of it (the prevalence or median of its training cases).
    interval
        Which 95 % interval its value has, by the bootstrap of patients: ``percentile``; ``bootstrap_t``
        (:func:`bench.inference.studentised_interval`), for means and their like; ``root_t``
        (:func:`bench.inference.root_interval`), for roots of means of squares; ``logit``
        (:func:`bench.inference.logit_interval`), for values between 0 and 1; ``wilson``
        (:func:`bench.inference.wilson_interval`), for shares of the cases that ``share_of`` names. ``delong``
        (:func:`bench.inference.auc_interval`) is for :func:`bench.metrics.auc` as ``value`` alone, and
        ``calibration`` (:func:`bench.inference.calibration_interval`) for
        :func:`bench.metrics.calibration_error`.
        ``bench/STATISTICS.md`` has how often each holds the true value.
    share_of
        ``share_of(truth, prediction)``: of which cases it is a share, shape (case,); for ``wilson`` alone.
    bounds
        Lowest and highest possible value: no interval leaves them.
    in_unit
        Whether it is in the unit of its task.
    summary
        One line for ``bench metrics --list``.

    Raises
    ------
    ValueError
        ``kind``, ``takes``, ``beside`` or ``interval`` is not one of the above, ``wilson`` lacks its
        ``share_of``, or ``delong`` or ``calibration`` is declared for another value than its own.
    """

    name: str
    title: str
    kind: Literal["binary", "continuous"]
    best: float
    higher_is_better: bool | None
    value: Callable[[Array, Array, Beside], float]
    resampled: Resample = None  # type: ignore[assignment]
    decimals: int = 3
    by_label: bool = False
    takes: Literal["score", "decision"] = "score"
    beside: Literal["fold", "constant"] = "fold"
    interval: Literal["percentile", "bootstrap_t", "root_t", "logit", "wilson", "delong", "calibration"] = (
        "percentile"
    )
    share_of: Callable[[Array, Array], NDArray[np.bool_]] | None = None
    bounds: tuple[float, float] = (-math.inf, math.inf)
    in_unit: bool = False
    summary: str = ""

    def __post_init__(self) -> None:
        fields = {"kind": KINDS, "takes": TAKES, "beside": BESIDE, "interval": INTERVALS}
        for field, known in fields.items():
            given = getattr(self, field)
            if given not in known:
                raise ValueError(f"metric {self.name!r}: {field} must be {' or '.join(known)}, got {given!r}")
        if self.interval == "wilson" and self.share_of is None:
            raise ValueError(
                f"metric {self.name!r}: the interval 'wilson' needs share_of, the cases it is of"
            )
        _refuse_the_interval_of_another_value(self)
        if self.resampled is None:
            object.__setattr__(self, "resampled", partial(resampled_by_repetition, self.value))

    @property
    def ranks(self) -> bool:
        """Whether methods can be put in order by it."""
        return self.higher_is_better is not None

    @property
    def is_area(self) -> bool:
        """Whether it is the area under the ROC curve, with its own interval and tests."""
        return self.interval == "delong"

    @property
    def arrow(self) -> str:
        """``↑`` where higher is better, ``↓`` where lower is, ``→1`` where nearest to 1 is."""
        if self.higher_is_better is None:
            return f"→{self.best:g}"
        return "↑" if self.higher_is_better else "↓"

    @property
    def sign(self) -> int:
        """What a difference is multiplied with so that positive means better; 0 where neither way is."""
        return 0 if self.higher_is_better is None else 1 if self.higher_is_better else -1

    def unit(self, of_task: str) -> str:
        """Unit of its values on a task with this unit; empty where it has none, such as a correlation."""
        return of_task if self.in_unit else ""


def _refuse_the_interval_of_another_value(metric: Metric) -> None:
    """Raise ValueError where a metric declares an interval that is computed for another value."""
    owner = OF_ONE_VALUE.get(metric.interval)
    given = (getattr(metric.value, "__module__", ""), getattr(metric.value, "__qualname__", ""))
    if owner and given != owner:
        raise ValueError(
            f"metric {metric.name!r}: the interval {metric.interval!r} is that of bench.metrics.{owner[1]} "
            f"alone, its value is {given[1] or 'another function'}; use another one, such as 'percentile'"
        )


def unfit_to_rank(metric: Metric, kind: str) -> str | None:
    """Why the tasks of a kind cannot be ranked by a metric, or None where they can."""
    if metric.kind != kind:
        return f"metric {metric.name!r} is for {metric.kind} tasks, this one is {kind}"
    if not metric.ranks:
        return (
            f"metric {metric.name!r} is best at {metric.best:g}, neither high nor low: it is shown by "
            "`bench metrics` and cannot rank"
        )
    return None


def resampled_by_repetition(
    value: Callable[[Array, Array, Beside], float],
    truth: Array,
    predictions: Array,
    beside: Beside,
    weights: Array,
) -> Array:
    """Any metric in many resamples: its ``value`` on the explicitly repeated cases of each.

    Arguments and result as for :attr:`Metric.resampled`; whole weights. The definition that every faster
    ``resampled`` is tested against: O(predictions x draws) calls.
    """
    result = np.empty((len(predictions), weights.shape[1]))
    for draw, held in enumerate(weights.T):
        rows = np.repeat(np.arange(len(truth)), held.astype(np.intp))
        its = None if beside is None else beside[rows]
        result[:, draw] = [value(truth[rows], prediction[rows], its) for prediction in predictions]
    return result


def single(resampled: Resample, truth: Array, prediction: Array, beside: Beside = None) -> float:
    """The value of a metric on the cases as they are, from its resampled form; NaN without a case."""
    if not len(truth):
        return float("nan")
    return float(
        resampled(truth, np.asarray(prediction, dtype=float)[None], beside, np.ones((len(truth), 1)))[0, 0]
    )


def weighted_mean(values: Array, weights: Array) -> Array:
    """Mean over cases in each resample: ``values`` (prediction, case), ``weights`` (case, draw)."""
    mean: Array = values @ weights / weights.sum(axis=0)
    return mean


def ratio(part: Array, whole: Array) -> Array:
    """``part / whole``, NaN where the whole is not positive."""
    shape = np.broadcast_shapes(np.shape(part), np.shape(whole))
    found = np.full(shape, np.nan)
    np.divide(part, whole, out=found, where=np.broadcast_to(whole > 0, shape))
    return found
