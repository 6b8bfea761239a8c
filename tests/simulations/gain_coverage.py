"""Coverage of two intervals of the boards: the gain over the baseline, and the oracle skill.

    python tests/simulations/gain_coverage.py --repeats 4000

Scores one method beside a constant and a ceiling as a board does, on 74 or 177 cases in five folds. Binary:
probabilities of a binormal score, of AUC .75, and of a better one, of AUC .9, which is the ceiling; both have
the right prior. Continuous: a label of variance one, half of which the method's prediction explains and .8
the ceiling's. The true gain is its mean over four times as many other samples of that size; the true share
that of the means. Prints, a metric, the true values, the share of 95 % intervals that hold them, and of
samples in which a share has none.
"""

import argparse
from itertools import product
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.inference import Bootstrap, patients_of
from bench.metrics import METRICS, Metric
from bench.predictions.results import MethodResult, Results
from bench.scoring.sample import Sample
from bench.scoring.scores import Score, sample_scores
from bench.task import Task

FOLDS, SEED = 5, 0
AREAS = (0.75, 0.9)
EXPLAINED = (0.5, 0.8)
BINARY = ("auc", "average_precision", "brier", "log_loss", "net_benefit")
CONTINUOUS = ("mae", "rmse", "r2")


class Setting(NamedTuple):
    """One metric on cohorts of one size; the prevalence plays no part in a continuous one."""

    metric: Metric
    cases: int
    prevalence: float

    @property
    def results(self) -> Results:
        """A board of one method, without its predictions: those come with each sample."""
        words = dict.fromkeys(("cohort", "cohort_title", "licence", "split", "split_title", "estimand"), "")
        prints = dict.fromkeys(("cohort_fingerprint", "split_fingerprint"), "")
        task = Task("task", self.metric.kind)
        return Results(
            tasks=(task,),
            synthetic=True,
            split_seed=0,
            truth=pd.DataFrame(),
            methods=(MethodResult("method", None),),
            metrics={"task": self.metric},
            **words,
            **prints,
        )


def drawn(setting: Setting, rng: np.random.Generator) -> Sample:
    """Truth and predictions of new cases."""
    binary = setting.metric.kind == "binary"
    truth, method, ceiling = (binary_cases if binary else continuous_cases)(setting, rng)
    middle = np.full(setting.cases, setting.prevalence if binary else 0.0)
    fold = np.arange(setting.cases) % FOLDS
    patients = patients_of(np.arange(setting.cases), truth if setting.metric.stratify_by_class else None)
    task = Task("task", setting.metric.kind)
    site = np.zeros(setting.cases, dtype=np.intp)
    return Sample(task, truth, fold, site, patients, {"method": method[None]}, {}, middle, ceiling)


def binary_cases(setting: Setting, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Labels, and P(positive) given a weaker and a stronger score, shape (case,)."""
    positive = (np.arange(setting.cases) < round(setting.cases * setting.prevalence)).astype(float)
    truth = rng.permutation(positive)
    level = np.log(setting.prevalence / (1 - setting.prevalence))
    noise = rng.standard_normal(setting.cases)
    found = []
    for area in AREAS:
        distance = np.sqrt(2) * NormalDist().inv_cdf(area)
        noise = np.sqrt(0.5) * noise + np.sqrt(0.5) * rng.standard_normal(setting.cases)
        score = distance * truth + noise
        found.append(1 / (1 + np.exp(-(level + distance * score - distance**2 / 2))))
    return truth, *found


def continuous_cases(setting: Setting, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Labels, and predictions that explain less and more of them, shape (case,)."""
    parts = rng.standard_normal((3, setting.cases))
    less, more = EXPLAINED
    method = np.sqrt(less) * parts[0]
    ceiling = method + np.sqrt(more - less) * parts[1]
    return ceiling + np.sqrt(1 - more) * parts[2], method, ceiling


def scored(setting: Setting, sample: Sample, draws: int, seed: int) -> Score:
    """The method's row."""
    return sample_scores(setting.results, sample, Bootstrap(draws, seed))[0]


def true_values(setting: Setting, rng: np.random.Generator, samples: int) -> tuple[float, float]:
    """Mean gain, and the share of the mean gap that it is."""
    metric, values = setting.metric, []
    for _ in range(samples):
        entry = drawn(setting, rng)
        beside = entry.constant if metric.context == "constant" else entry.fold
        rows = entry.predictions["method"][0], entry.ceiling, entry.constant
        values.append([metric.value(entry.truth, row, beside) for row in rows])
    method, ceiling, constant = np.mean(values, axis=0)
    return metric.sign * (method - constant), (method - constant) / (ceiling - constant)


def measured(setting: Setting, repeats: int, draws: int) -> tuple[float, ...]:
    """True gain and share, coverage of each, and how often the share has no interval."""
    rng = np.random.default_rng(
        [SEED, setting.cases, round(100 * setting.prevalence), len(setting.metric.name)]
    )
    gain, share = true_values(setting, rng, 4 * repeats)
    rows = [scored(setting, drawn(setting, rng), draws, repeat) for repeat in range(repeats)]
    gains = [row.gain.interval.low <= gain <= row.gain.interval.high for row in rows]
    ends = [row.oracle_skill_interval for row in rows if not np.isnan(row.oracle_skill_interval.low)]
    held = np.mean([low <= share <= high for low, high in ends]) if ends else np.nan
    return gain, share, float(np.mean(gains)), float(held), 1 - len(ends) / repeats


def main() -> None:
    """Print a line a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("repeats", 4000), ("draws", 600)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    print("metric               n  prevalence    gain   share  gain held  share held  no share")
    settings = [*product(BINARY, (74, 177), (0.18, 0.74)), *product(CONTINUOUS, (74, 177), (0.5,))]
    for name, cases, prevalence in settings:
        setting = Setting(METRICS[name], cases, prevalence)
        gain, share, *held = measured(setting, asked.repeats, asked.draws)
        print(f"{name:18s}{cases:4d}{prevalence:12.2f}{gain:8.3f}{share:8.3f}", end="")
        print(f"{held[0]:11.3f}{held[1]:12.3f}{held[2]:10.3f}", flush=True)


if __name__ == "__main__":
    main()
