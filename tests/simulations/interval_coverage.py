"""Coverage of six kinds of interval for MAE, RMSE and average precision, by simulation.

    python tests/simulations/interval_coverage.py --repeats 4000

Absolute errors are half-normal, exponential (skewness 2) or log-normal (skewness 6); scores for the average
precision are binormal with an AUC of 0.75, its true value that of the population. Prints one row a setting:
the share of 95 % intervals that hold the true value, for the percentile, BCa and bootstrap-t (studentised)
interval; for the jackknife's standard error on the scale of the logarithm (logit for average precision); for
the bootstrap-t of the logarithm of the square (``root_interval``) and for the bootstrap's standard deviation
on the logit scale (``logit_interval``). Resamples are of 600 draws.
"""

import argparse
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr, ndtri

from bench.inference import (
    NO_INTERVAL,
    Interval,
    draw_patients,
    jackknife_influence,
    logit_interval,
    patients_of,
    percentile_interval,
    root_interval,
    studentised_interval,
)
from bench.inference.estimate import ALPHA, NEGLIGIBLE

ERRORS: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float, float]] = {
    "half-normal": (lambda rng, n: np.abs(rng.standard_normal(n)), np.sqrt(2 / np.pi), 1.0),
    "exponential": (lambda rng, n: rng.standard_exponential(n), 1.0, np.sqrt(2)),
    "log-normal": (lambda rng, n: rng.lognormal(size=n), np.exp(0.5), np.e),
}
DISTANCE = np.sqrt(2) * NormalDist().inv_cdf(0.75)
KINDS = ("percentile", "BCa", "bootstrap-t", "jackknife log/logit", "root-t", "bootstrap logit")
DRAWS = 600


def mean_absolute(error: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """MAE in each resample, shape (draw,)."""
    return error @ weights / weights.sum(axis=0)


def root_mean_square(error: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """RMSE in each resample, shape (draw,)."""
    return np.sqrt(error**2 @ weights / weights.sum(axis=0))


def precision(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision in each resample, shape (draw,); no ties."""
    order = np.argsort(-score)
    gained = weights[order] * truth[order, None]
    above = np.cumsum(weights[order], axis=0)
    return (gained * np.cumsum(gained, axis=0) / np.maximum(above, 1)).sum(axis=0) / gained.sum(axis=0)


def true_precision(prevalence: float) -> float:
    """Average precision of the binormal population, by integration over its positive cases."""
    normal = NormalDist()
    points = np.array([normal.inv_cdf(u) for u in (np.arange(20000) + 0.5) / 20000])
    won = np.array([1 - normal.cdf(x) for x in points]) * prevalence
    lost = np.array([1 - normal.cdf(x + DISTANCE) for x in points]) * (1 - prevalence)
    return float((won / (won + lost)).mean())


def intervals(
    metric: Callable[[np.ndarray], np.ndarray], label: np.ndarray | None, n: int, seed: int
) -> list[Interval]:
    """The six intervals of one data set; the last one for values between 0 and 1 alone."""
    patients = patients_of(np.arange(n))
    drawn = draw_patients(patients, DRAWS, seed)
    value, resampled = float(metric(np.ones((n, 1)))[0]), metric(drawn)
    influence = jackknife_influence(lambda weights: metric(weights)[None], patients)[0]
    return [
        percentile_interval(resampled),
        bca_interval(value, resampled, influence),
        studentised_interval(value, resampled, influence, patients, drawn),
        jackknife_interval(value, influence, label is not None),
        root_interval(value, resampled, influence, patients, drawn),
        NO_INTERVAL if label is None else logit_interval(value, resampled),
    ]


def bca_interval(value: float, resampled: np.ndarray, influence: np.ndarray) -> Interval:
    r"""95 % bias-corrected and accelerated interval (Efron 1987; Efron & Tibshirani 1993, section 14.3).

    .. math:: \alpha_{1,2} = \Phi\Big(z_0 + \frac{z_0 \pm z}{1 - a (z_0 \pm z)}\Big), \quad
              a = \frac{\sum_i u_i^3}{6 (\sum_i u_i^2)^{3/2}}

    are the quantiles of the resampled values that bound it; :math:`\Phi(z_0)` is the share of them below the
    value (ties count half) and :math:`u_i` the influence value of patient i, so that groups of
    patients are allowed for (Davison & Hinkley 1997, equation 5.31).

    Parameters
    ----------
    value
        The metric itself.
    resampled
        The metric in resamples of patients, shape (draw,); those without a value (NaN) are left out.
    influence
        Influence value of each patient, shape (patient,), see
        :func:`bench.inference.jackknife_influence`.

    Returns
    -------
    Interval
        NaN where no resample has a value, or all lie on one side of the metric.
    """
    valid = resampled[~np.isnan(resampled)]
    below = ((valid < value).mean() + (valid <= value).mean()) / 2 if len(valid) else 0.0
    squares = float((influence**2).sum())
    if not 0 < below < 1 or squares < NEGLIGIBLE:
        return Interval(value, value) if len(valid) and np.ptp(valid) == 0 else NO_INTERVAL
    bias, acceleration = ndtri(below), float((influence**3).sum()) / (6 * squares**1.5)
    ends = bias + ndtri(np.array([ALPHA / 2, 1 - ALPHA / 2]))
    low, high = np.quantile(valid, ndtr(bias + ends / (1 - acceleration * ends)))
    return Interval(float(low), float(high))


def jackknife_interval(value: float, influence: np.ndarray, logit: bool) -> Interval:
    """Symmetric on the scale of the logarithm, or the logit, with the jackknife's standard error."""
    if not 0 < value < (1 if logit else np.inf):
        return Interval(value, value)
    middle = np.log(value / (1 - value)) if logit else np.log(value)
    slope = 1 / (value * (1 - value)) if logit else 1 / value
    reach = NormalDist().inv_cdf(0.975) * np.sqrt((influence**2).sum()) * slope
    ends = np.exp([middle - reach, middle + reach])
    return Interval(*(ends / (1 + ends) if logit else ends))


def covered(
    draw: Callable[[np.random.Generator], tuple[Callable, np.ndarray | None]],
    true: float,
    n: int,
    repeats: int,
    seed: int,
) -> np.ndarray:
    """Share of repeats in which each interval holds the true value, shape (kind,)."""
    rng = np.random.default_rng([seed, n])
    held = []
    for repeat in range(repeats):
        metric, label = draw(rng)
        held.append([low <= true <= high for low, high in intervals(metric, label, n, repeat)])
    return np.mean(held, axis=0)


def error_sample(kind: str, measure: Callable, n: int) -> Callable:
    """Draws errors and gives their metric."""

    def draw(rng: np.random.Generator) -> tuple[Callable, None]:
        error = ERRORS[kind][0](rng, n)
        return lambda weights: measure(error, weights), None

    return draw


def score_sample(prevalence: float, n: int) -> Callable:
    """Draws labels and scores and gives their average precision."""

    def draw(rng: np.random.Generator) -> tuple[Callable, np.ndarray]:
        truth = (rng.random(n) < prevalence).astype(float)
        score = rng.standard_normal(n) + DISTANCE * truth
        return lambda weights: precision(truth, score, weights), truth

    return draw


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{'metric':7s}{'cases':>5s}  {'errors':14s}" + "".join(f"{kind:>21s}" for kind in KINDS))
    for n in (74, 177):
        rows = [
            (name, kind, error_sample(kind, measure, n), ERRORS[kind][place])
            for name, measure, place in (("MAE", mean_absolute, 1), ("RMSE", root_mean_square, 2))
            for kind in ERRORS
        ]
        rows += [
            ("AP", f"prev. {share}", score_sample(share, n), true_precision(share)) for share in (0.18, 0.74)
        ]
        for name, kind, draw, true in rows:
            shares = covered(draw, true, n, chosen.repeats, chosen.seed)
            print(f"{name:7s}{n:5d}  {kind:14s}" + "".join(f"{share:21.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
