"""Simulated cases with scores of several methods."""

import numpy as np


def cases(n: int = 80, prevalence: float = 0.35, methods: int = 2, levels: int | None = None, seed: int = 0):
    """Truth (case,) and scores (method, case); with few levels most scores are tied."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < prevalence).astype(float)
    scores = rng.standard_normal((methods, n)) + rng.standard_normal(n) + truth
    return truth, scores if levels is None else np.floor(scores * levels) / levels


def one_seed(scores):
    return [row[None] for row in scores]
