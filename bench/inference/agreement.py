"""How far repeated measurements of the same patients agree."""

from typing import NamedTuple

import numpy as np

from bench.inference.estimate import ALPHA, NO_INTERVAL, Interval
from bench.metrics import Array


class Agreement(NamedTuple):
    """An intraclass correlation with its interval; NaN where the values do not differ between patients."""

    value: float
    interval: Interval


def absolute_agreement(first: Array, second: Array) -> Agreement:
    r"""ICC(A,1) of two measurements: two-way, absolute agreement, single measurement.

    .. math:: \frac{MS_R - MS_E}{MS_R + MS_E + \frac{2}{n} (MS_C - MS_E)}

    and its 95 % interval by F quantiles (McGraw & Wong 1996, with Satterthwaite's degrees of freedom). It
    assumes normal deviations.

    Parameters
    ----------
    first, second
        Both measurements of each patient, shape (patient,).
    """
    from scipy.stats import f as fisher

    values = np.stack([first, second], axis=1)
    n, k = values.shape
    if n < 3 or np.ptp(values) < 1e-12:
        return Agreement(float("nan"), NO_INTERVAL)
    rows, columns, total = values.mean(axis=1), values.mean(axis=0), values.mean()
    between = k * ((rows - total) ** 2).sum() / (n - 1)
    raters = n * ((columns - total) ** 2).sum() / (k - 1)
    rest = ((values - rows[:, None] - columns + total) ** 2).sum() / ((n - 1) * (k - 1))
    value = (between - rest) / (between + (k - 1) * rest + k / n * (raters - rest))
    if rest < 1e-18:
        return Agreement(float(value), Interval(float(value), float(value)))
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * raters + b * rest) ** 2 / (
        (a * raters) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    )
    upper = fisher.ppf(1 - ALPHA / 2, n - 1, freedom)
    lower = fisher.ppf(1 - ALPHA / 2, freedom, n - 1)
    spread = k * raters + (k * n - k - n) * rest
    low = n * (between - upper * rest) / (upper * spread + n * between)
    high = n * (lower * between - rest) / (spread + n * lower * between)
    return Agreement(float(value), Interval(float(max(low, -1.0)), float(min(high, 1.0))))
