"""Coverage of the percentile bootstrap interval of every metric, for a method of known distribution.

    python tests/simulations/metric_coverage.py [--repeats 4000] [--draws 1000] [--cases 74]
        [--prevalence 0.3]

Five folds with calibrations of their own. The true value is the mean of the metric over ten times as many
other samples of that size, so a metric that is biased in small samples is held against what it reports on
average, and the share of intervals below and above it shows any shift. Decisions have a fixed threshold.
"""

import argparse

import numpy as np

from bench.inference import draw_patients, patients_of, percentile_interval
from bench.metrics import METRICS, Array, Metric

FOLDS, SEED = 5, 0


def sample(metric: Metric, cases: int, prevalence: float, rng: np.random.Generator) -> tuple[Array, ...]:
    """Truth, prediction and what the metric knows beside, each of shape (case,)."""
    fold = np.arange(cases) % FOLDS
    if metric.kind == "continuous":
        truth = rng.gamma(2, 10, cases)
        prediction = 0.5 * truth + 10 + 8 * rng.standard_normal(cases) + fold
        return truth, prediction, fold.astype(float)
    truth = (rng.random(cases) < prevalence).astype(float)
    logit = (
        np.log(prevalence / (1 - prevalence))
        + 1.2 * (truth - prevalence)
        + rng.standard_normal(cases)
        + fold / 5
    )
    probability = 1 / (1 + np.exp(-logit))
    prediction = (probability >= prevalence).astype(float) if metric.takes == "decision" else probability
    return (
        truth,
        prediction,
        np.full(cases, prevalence) if metric.beside == "constant" else fold.astype(float),
    )


def main() -> None:
    """Print a line a metric: share of intervals that hold the true value, that lie above it and below it."""
    parser = argparse.ArgumentParser()
    for name, value in (("repeats", 4000), ("draws", 1000), ("cases", 74)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--prevalence", type=float, default=0.3)
    asked = parser.parse_args()
    for metric in METRICS.values():
        rng = np.random.default_rng(SEED)
        others = [sample(metric, asked.cases, asked.prevalence, rng) for _ in range(10 * asked.repeats)]
        true = np.nanmean([metric.value(*its) for its in others])
        above = below = 0
        for _ in range(asked.repeats):
            truth, prediction, beside = sample(metric, asked.cases, asked.prevalence, rng)
            patients = patients_of(np.arange(asked.cases), truth if metric.by_label else None)
            drawn = draw_patients(patients, asked.draws, int(rng.integers(2**31)))
            low, high = percentile_interval(metric.resampled(truth, prediction[None], beside, drawn)[0])
            above += low > true
            below += high < true
        covers = asked.repeats - above - below
        shares = [f"{100 * its / asked.repeats:5.1f} %" for its in (covers, above, below)]
        print(f"{metric.name:24s} {true:8.3f}   covers {shares[0]}   above {shares[1]}   below {shares[2]}")


if __name__ == "__main__":
    main()
