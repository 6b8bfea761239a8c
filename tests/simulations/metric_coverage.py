"""Coverage of the interval of every metric, for a method of known distribution.

    python tests/simulations/metric_coverage.py [--repeats 4000] [--draws 1000] [--cases 74]
        [--prevalence 0.18] [--folds 5] [--metric rmse --metric mcc]

Folds with calibrations of their own, or one fold. The true value is the mean of the metric over four times as
many other samples of that size, so a metric that is biased in small samples is held against what it reports
on average. Decisions have a fixed threshold. Prints, a metric, the share of 95 % intervals that hold the true
value, of the kind that the metric declares and of the bootstrap's percentiles, and the share of the declared
ones that lie above and below it. The AUC is left out: see ``auc_coverage.py``.
"""

import argparse
from collections.abc import Sequence

import numpy as np

from bench.inference import draw_patients, jackknife_influence, patients_of, percentile_interval
from bench.inference.metric_interval import INTERVALS, Measured
from bench.metrics import METRICS, Array, Metric

SEED = 0
Cases = tuple[Array, Array, Array]


def sample(metric: Metric, cases: int, prevalence: float, folds: int, rng: np.random.Generator) -> Cases:
    """Truth, prediction and what the metric knows beside, each of shape (case,)."""
    fold = np.arange(cases) % folds
    if metric.kind == "continuous":
        truth = rng.gamma(2, 10, cases)
        prediction = 0.5 * truth + 10 + 8 * rng.standard_normal(cases) + fold
        return truth, prediction, fold.astype(float)
    truth = (rng.random(cases) < prevalence).astype(float)
    level = np.log(prevalence / (1 - prevalence))
    logit = level + 1.2 * (truth - prevalence) + rng.standard_normal(cases) + fold / 5
    probability = 1 / (1 + np.exp(-logit))
    prediction = (probability >= prevalence).astype(float) if metric.input == "decision" else probability
    beside = np.full(cases, prevalence) if metric.context == "constant" else fold.astype(float)
    return truth, prediction, beside


def held(metric: Metric, true: float, cases: Cases, drawn: Array) -> tuple[bool, bool, bool, bool]:
    """Whether the declared interval lies above the true value, below it, is none, and percentiles hold it."""
    truth, prediction, beside = cases
    patients = patients_of(np.arange(len(truth)))

    def resampled(weights: Array) -> Array:
        return metric.resampled(truth, prediction[None], beside, weights)

    values, influence = resampled(drawn)[0], np.zeros(len(truth))
    if metric.interval in ("bootstrap_t", "root_t"):
        influence = jackknife_influence(resampled, patients)[0]
    value = metric.value(truth, prediction, beside)
    given = Measured(metric, value, patients, truth, prediction[None], values, influence, drawn)
    low, high = INTERVALS[metric.interval].interval(given)
    left, right = percentile_interval(values)
    return low > true, high < true, bool(np.isnan(low)), left <= true <= right


def measured(metrics: Sequence[Metric], asked: argparse.Namespace) -> None:
    """Print a line a metric; all read the same resamples."""
    setting = (asked.cases, asked.prevalence, asked.folds)
    counts = {metric.name: np.zeros(4) for metric in metrics}
    rng = np.random.default_rng([SEED, asked.cases, round(100 * asked.prevalence), asked.folds])
    true = {
        entry.name: np.nanmean([entry.value(*sample(entry, *setting, rng)) for _ in range(4 * asked.repeats)])
        for entry in metrics
    }
    for repeat in range(asked.repeats):
        drawn = draw_patients(patients_of(np.arange(asked.cases)), asked.draws, repeat)
        for entry in metrics:
            counts[entry.name] += held(entry, true[entry.name], sample(entry, *setting, rng), drawn)
    for entry in metrics:
        above, below, none, percentiles = counts[entry.name] / asked.repeats
        above, below = above / (1 - none), below / (1 - none)
        print(
            f"{entry.name:24s} {true[entry.name]:8.3f}   {entry.interval:12s}{1 - above - below:7.3f}", end=""
        )
        print(f"   percentile {percentiles:.3f}   above {above:.3f}   below {below:.3f}", end="")
        print(f"   no interval {none:.3f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("repeats", 4000), ("draws", 1000), ("cases", 74), ("folds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--prevalence", type=float, default=0.18)
    parser.add_argument("--metric", action="append", choices=[name for name in METRICS if name != "auc"])
    asked = parser.parse_args()
    named = asked.metric or [name for name in METRICS if name != "auc"]
    print(f"{asked.repeats} repeats, {asked.cases} cases, prevalence {asked.prevalence}, {asked.folds} folds")
    measured([METRICS[name] for name in named], asked)


if __name__ == "__main__":
    main()
