"""Simulated cases for metrics of every kind."""

import numpy as np
import pytest

from bench.metrics import (
    METRICS,
)


def cases(n: int = 60, prevalence: float = 0.4, levels: int | None = None, seed: int = 0):
    """Truth and score; with few levels most scores are tied."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < prevalence).astype(float)
    score = rng.standard_normal(n) + truth
    return truth, score if levels is None else np.floor(score * levels) / levels


FOLD = np.arange(60) % 4


CONSTANT = np.array([0.31, 0.4, 0.29, 0.33])[FOLD]


def metric_cases(metric, levels=None, seed=0):
    """Truth, two predictions and what a metric knows beside, of 60 cases."""
    rng = np.random.default_rng(seed)
    truth, score = cases(levels=levels, seed=seed)
    if metric.kind == "continuous":
        truth = np.round(rng.gamma(2, 10, 60), 1 if levels else 6)
        score = 0.5 * truth + 8 * rng.standard_normal(60)
        rows = np.stack([np.round(score) if levels else score, np.full(60, 20.0)])
    else:
        rows = np.stack([1 / (1 + np.exp(-score)), CONSTANT])
    if metric.input == "decision":
        rows = np.stack([rows[0] >= 0.5, rows[1] >= 0.32]).astype(float)
    return truth, rows, FOLD if metric.context == "fold" else CONSTANT


EVERY = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
