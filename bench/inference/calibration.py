"""The interval of a calibration error."""

import numpy as np

from bench.inference.bootstrap import Patients, sum_by
from bench.inference.estimate import ALPHA, NEGLIGIBLE, NO_INTERVAL, Interval, normal_quantile
from bench.metrics import CALIBRATION_BINS, Array, bin_shares


def calibration_interval(
    value: float, truth: Array, rows: Array, patients: Patients, factor: float = 1.0
) -> Interval:
    r"""95 % interval of :func:`bench.metrics.calibration_error`, which holds the value.

    The gaps :math:`g` of the B bins are nearly normal with a covariance V that patients determine. Where
    chance explains them, :math:`Q = \nu\, g^\top g / \mathrm{tr} V` is a chi-square number with :math:`\nu =
    (\mathrm{tr} V)^2 / \mathrm{tr}(V^2)` degrees of freedom, otherwise a non-central one; the
    non-centralities :math:`\lambda` with .975 and .025 of its distribution below Q bound the length of the
    true gaps, and so the error, by :math:`\sqrt{\lambda / Q}\, \sum_b |g_b| / B` (0 where Q is too small for
    any). Where gaps are clear of chance the error is normal with the variance :math:`u^\top V u / B^2`, with
    u their signs. The interval spans both: neither holds everywhere, which
    ``tests/simulations/calibration_coverage.py`` measures.

    Parameters
    ----------
    value
        Mean over seeds of the calibration error.
    truth, rows
        Shapes (case,) and (seed, case); gaps are means over seeds of those of each seed's own bins.
    patients
        Of the cases.
    factor
        By what the covariance is multiplied, see :func:`bench.splits.shared_training.variance_factor`.
    """
    parts = [_gaps(truth - row, bin_shares(row), patients) for row in rows]
    lengths = [_ends(gaps, factor * covariance) for gaps, covariance in parts]
    if np.isnan(lengths).any():
        return NO_INTERVAL
    low, high, error = np.mean(lengths, axis=0)
    reach = normal_quantile() * error
    return Interval(max(0.0, min(low, value - reach)), max(high, value + reach))


def _gaps(error: Array, shares: Array, patients: Patients) -> tuple[Array, Array]:
    """Mean error of each bin, shape (bin,), and the covariance of these means over patients."""
    size = len(error) / CALIBRATION_BINS
    gaps = shares @ error / size
    people = len(patients.group)
    contributed = sum_by(patients.codes, shares * (error - gaps[:, None])) / size
    return gaps, contributed @ contributed.T * people / max(people - CALIBRATION_BINS, 1)


def _ends(gaps: Array, covariance: Array) -> tuple[float, float, float]:
    """Lowest and highest error that the length of the gaps allows, and the error's standard error."""
    from scipy.special import chndtr, chndtrinc

    trace, signs = float(np.trace(covariance)), np.sign(gaps)
    error = float(np.sqrt(signs @ covariance @ signs)) / len(gaps)
    plain = float(np.abs(gaps).mean())
    if trace < NEGLIGIBLE or (gaps**2).sum() < NEGLIGIBLE:
        return plain, plain, error
    freedom = trace**2 / float((covariance**2).sum())
    length = freedom * float((gaps**2).sum()) / trace
    ends = []
    for below in (1 - ALPHA / 2, ALPHA / 2):
        central = chndtr(length, freedom, 0.0) < below
        ends.append(0.0 if central else float(np.sqrt(chndtrinc(length, freedom, below) / length)))
    return ends[0] * plain, ends[1] * plain, error
