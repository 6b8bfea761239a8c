"""A fence round metrics of plugins: what they raise or return wrongly is a value that is not there."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bench.metrics.metric import Array, Metric, resampled_by_repetition

OWN = "bench"


@dataclass
class _Guarded:
    """A metric's function; ``failure`` describes its last error."""

    name: str
    function: Any
    failure: str = ""

    def _computed(self, *arguments: Any) -> Any:
        try:
            return self.function(*arguments)
        except Exception as error:  # a stranger's metric may raise anything; the other rows stand
            self.failure = f"metric {self.name!r} raised {type(error).__name__}: {error}"
            return None


class GuardedValue(_Guarded):
    """``value`` of a metric: a number, or NaN with the failure."""

    def __call__(self, *arguments: Any) -> float:
        """The value on these cases."""
        self.failure = ""
        found = self._computed(*arguments)
        if not self.failure and _is_number(found):
            return float(found)
        self.failure = self.failure or f"metric {self.name!r} returned {_shown(found)}, expected a number"
        return float("nan")


class GuardedResamples(_Guarded):
    """``resampled`` of a metric: an array of its shape, NaN where it fails."""

    def __call__(self, truth: Array, predictions: Array, context: Any, weights: Array) -> Array:
        """Values, shape (prediction, draw)."""
        shape = len(predictions), weights.shape[1]
        found = self._computed(truth, predictions, context, weights)
        try:
            values = np.asarray(found, dtype=float)
        except (TypeError, ValueError):
            return np.full(shape, np.nan)
        return values if values.shape == shape else np.full(shape, np.nan)


def guarded(metric: Metric) -> Metric:
    """The metric of a plugin, with NaN for what it raises or returns wrongly."""
    value = metric.value if _is_own(metric.value) else GuardedValue(metric.name, metric.value)
    if isinstance(metric.resampled, partial) and metric.resampled.func is resampled_by_repetition:
        return replace(metric, value=value, resampled=None)  # type: ignore[arg-type]
    if _is_own(metric.resampled):
        return replace(metric, value=value)
    return replace(metric, value=value, resampled=GuardedResamples(metric.name, metric.resampled))


def failure_of(metric: Metric) -> str:
    """The error of the metric when its value was last computed; empty without one."""
    return metric.value.failure if isinstance(metric.value, GuardedValue) else ""


def _is_own(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == OWN


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float | np.number | np.bool_) or (
        isinstance(found, np.ndarray) and found.ndim == 0 and found.dtype.kind in "biuf"
    )


def _shown(found: Any) -> str:
    return f"an array of shape {found.shape}" if isinstance(found, np.ndarray) else repr(found)
