"""Subtype rules and simulated classes."""

import numpy as np

from bench.scoring.subtypes.rules import (
    RULES,
)
from bench.task import Task

DUKE, ST_GALLEN, MAISONNEUVE = (
    RULES[name] for name in ("receptor_only", "st_gallen_2013", "maisonneuve_2014")
)


RECEPTOR_TASKS = tuple(Task(name, "binary") for name in ("er", "pr", "her2"))


def codes(n=150, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    predicted = np.where(rng.random(n) < 0.5, truth, rng.integers(-1, classes, n))
    return truth, predicted


def soft(truth, classes=4, seed=1):
    rng = np.random.default_rng(seed)
    raw = rng.random((len(truth), classes + 1)) + np.eye(classes + 1)[truth]
    return raw / raw.sum(axis=1, keepdims=True)
