"""What a metric is: how it is computed, what it needs, and which way is better."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")
Array = NDArray[np.float64]
Codes = NDArray[np.intp]
# What a metric may know of a case beside truth and prediction.
Context = NDArray[Any] | None

# Resamples that are computed together: a block of 1,000 cases then stays in the processor's cache.
DRAWS_AT_ONCE = 128

KINDS = ("binary", "continuous")
INPUTS = ("score", "decision")
CONTEXTS = ("fold", "constant")
INTERVALS = ("percentile", "bootstrap_t", "root_t", "logit", "wilson", "delong", "calibration")
RENAMED_FIELDS = {"takes": "input", "by_label": "stratify_by_class", "beside": "context"}
# Intervals that are of one value alone: what the function of a metric that declares it must be.
OF_ONE_VALUE = {
    "delong": ("bench.metrics.area", "auc"),
    "calibration": ("bench.metrics.calibration", "calibration_error"),
}


class Resample(Protocol):
    """A metric of several predictions in many resamples."""

    def __call__(self, truth: Array, predictions: Array, context: Context, weights: Array, /) -> Array:
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
        ``value(truth, prediction, context) -> float``, all of shape (case,); NaN where it has no value.
    resampled
        ``resampled(truth, predictions, context, weights)``, shape (prediction, draw): the same in many
        resamples, ``weights`` (case, draw) saying how often each holds each case. Where left out, ``value``
        is computed on the repeated cases of every resample, which is exact and slow.
    decimals
        Digits behind the point that tables print.
    stratify_by_class
        Whether patients are resampled within each class, so that no resample lacks one. That holds the share
        of positives fixed, so it is for metrics alone on which that share has no bearing (the AUC): one that
        depends on it, such as average precision, varies with it from sample to sample.
    input
        ``score``: the prediction itself; ``decision``: 1 where it reaches the threshold of its cell, else 0.
    context
        What the third argument holds: ``fold`` of each case, within which scores are comparable, or
        ``constant``, what the baseline predicts for it (the prevalence or median of its training cases).
    interval
        Which 95 % interval its value has, by the bootstrap of patients: ``percentile``; ``bootstrap_t``
        (:func:`bench.inference.studentised_interval`), for means and their like; ``root_t``
        (:func:`bench.inference.root_interval`), for roots of means of squares; ``logit``
        (:func:`bench.inference.logit_interval`), for values between 0 and 1; ``wilson``
        (:func:`bench.inference.wilson_interval`), for shares of the cases that ``share_of`` names. ``delong``
        (:func:`bench.inference.auc_interval`) is for :func:`bench.metrics.auc` as ``value`` alone, and
        ``calibration`` (:func:`bench.inference.calibration_interval`) for
        :func:`bench.metrics.calibration_error`.
        ``bench/docs/statistics.md`` has how often each holds the true value.
    share_of
        ``share_of(truth, prediction)``: of which cases it is a share, shape (case,); for ``wilson`` alone.
    case_loss
        ``case_loss(truth, predictions)``, shapes (case,) and (seed, case) to (seed, case), where ``value`` is
        its mean over cases: influence values then cost no jackknife.
    bounds
        Lowest and highest possible value: no interval leaves them.
    in_unit
        Whether it is in the unit of its task.
    summary
        One line for ``bench metrics --list``.

    Raises
    ------
    ValueError
        ``kind``, ``input``, ``context`` or ``interval`` is not one of the above, ``wilson`` lacks its
        ``share_of``, or ``delong`` or ``calibration`` is declared for another value than its own.

    Examples
    --------
    >>> import bench
    >>> import numpy as np
    >>> def brier(truth, probability, beside):
    ...     return float(np.mean((truth - probability) ** 2))
    >>> metric = bench.Metric("brier2", "Brier", "binary", best=0, higher_is_better=False, value=brier)
    >>> metric.value(np.array([0.0, 1.0]), np.array([0.5, 0.5]), np.zeros(2))
    0.25
    """

    name: str
    title: str
    kind: Literal["binary", "continuous"]
    best: float
    higher_is_better: bool | None
    value: Callable[[Array, Array, Context], float]
    resampled: Resample = None  # type: ignore[assignment]
    decimals: int = 3
    stratify_by_class: bool = False
    input: Literal["score", "decision"] = "score"
    context: Literal["fold", "constant"] = "fold"
    interval: Literal["percentile", "bootstrap_t", "root_t", "logit", "wilson", "delong", "calibration"] = (
        "percentile"
    )
    share_of: Callable[[Array, Array], NDArray[np.bool_]] | None = None
    case_loss: Callable[[Array, Array], Array] | None = None
    bounds: tuple[float, float] = (-math.inf, math.inf)
    in_unit: bool = False
    summary: str = ""

    def __new__(cls, *args: Any, **fields: Any) -> "Metric":
        """Reject a field by a name it no longer has; raises TypeError, which names the new one."""
        for old, new in RENAMED_FIELDS.items():
            if old in fields:
                raise TypeError(f"Metric has no field {old!r}: it is {new!r} now")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        fields = {"kind": KINDS, "input": INPUTS, "context": CONTEXTS, "interval": INTERVALS}
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
    def is_auc(self) -> bool:
        """Whether it is the AUC, with its own interval and tests; the one metric over pairs of cases."""
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
    value: Callable[[Array, Array, Context], float],
    truth: Array,
    predictions: Array,
    context: Context,
    weights: Array,
) -> Array:
    """Any metric in many resamples: its ``value`` on the explicitly repeated cases of each.

    Arguments and result as for :attr:`Metric.resampled`; whole weights. The definition that every faster
    ``resampled`` is tested against: O(predictions x draws) calls.
    """
    result = np.empty((len(predictions), weights.shape[1]))
    for draw, held in enumerate(weights.T):
        rows = np.repeat(np.arange(len(truth)), held.astype(np.intp))
        known = None if context is None else context[rows]
        result[:, draw] = [value(truth[rows], prediction[rows], known) for prediction in predictions]
    return result


def single(resampled: Resample, truth: Array, prediction: Array, context: Context = None) -> float:
    """The value of a metric on the cases as they are, from its resampled form; NaN without a case."""
    if not len(truth):
        return float("nan")
    return float(
        resampled(truth, np.asarray(prediction, dtype=float)[None], context, np.ones((len(truth), 1)))[0, 0]
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
