"""How networks train with their defaults: time, whether the loss had settled, and what they predict.

    python -m tests.benchmarks.network_training phantom@301 resnet18_3d tiph_mil ... --test phantom@302

Each method learns from the split ``internal`` of the cohort, on one thread, and predicts all cases of another
draw of the same population, or the test cases of the split. Take seeds that no board uses. Prints a row a
method:

* seconds of a core to fit, and per training case;
* the epoch of the least validation loss, and by how much the last quarter of the epochs lowered it, in parts
  of what a predictor without an image costs: a loss that has settled is lowered by less than 0.01;
* the AUC of each binary task with the 95 % interval, and the mean absolute error of each other task beside
  that of the training median.
"""

import argparse
import importlib
import tempfile
import time
from pathlib import Path

import numpy as np

import bench
from bench.cohorts.cohort import Cohort
from bench.inference.delong import auc_interval, delong
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench.task import Task


def main() -> None:
    """Train the methods named on the command line and print a row each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("learn")
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--test", default="")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    cohort = bench.open_cohort(asked.learn)
    fold = bench.make_split(cohort, "internal").folds[0]
    test = bench.open_cohort(asked.test) if asked.test else cohort.take(fold.test)
    for name in asked.methods:
        found = row(name, cohort.take(fold.train), cohort.take(fold.val), test, asked.seed)
        print(f"{name}: {found}", flush=True)


def row(name: str, train: Cohort, val: Cohort, test: Cohort, seed: int) -> str:
    """What one method costs, how it settles and what it predicts."""
    spec = load_registry().spec(name)
    module, _, kind = spec.target.partition(":")
    method = getattr(importlib.import_module(module), kind)(**spec.params)
    losses: list[float] = []
    with tempfile.TemporaryDirectory() as folder:

        def report(step: int, total: int, score: float | None) -> None:
            losses.append(np.nan if score is None else -score)

        start = time.process_time()
        method.fit(train, val, Run(seed, "cpu", 1, Path(folder), report))
        seconds = time.process_time() - start
        predictions = method.predict(test.blind())
    found = [found_of(task, train, test, predictions[task.name]) for task in test.tasks]
    return "; ".join([f"{seconds:.0f} s, {seconds / len(train):.3f} s a case", *settled(losses), *found])


def settled(losses: list[float]) -> list[str]:
    """Epoch of the least validation loss, and what the last quarter of the epochs gained."""
    if not losses:
        return []
    early = losses[: len(losses) * 3 // 4]
    gain = min(early) - min(losses)
    best = f"epoch {int(np.argmin(losses)) + 1} of {len(losses)}"
    return [f"{best}, loss {min(losses):.3f}, last quarter {gain:.3f}"]


def found_of(task: Task, train: Cohort, test: Cohort, prediction: np.ndarray) -> str:
    """The score of one task on the test cases."""
    truth = test.labels(task.name)
    known = np.isfinite(truth)
    truth, prediction = truth[known], prediction[known]
    if task.kind == "binary":
        sample = delong(truth, [prediction[None]])
        reach = auc_interval(sample, 0)
        return f"{task.name} {float(sample.auc[0]):.3f} [{reach.low:.3f}, {reach.high:.3f}]"
    median = np.nanmedian(train.labels(task.name))
    errors = abs(truth - prediction).mean(), abs(truth - median).mean()
    return f"{task.name} {errors[0]:.2f} of {errors[1]:.2f}"


if __name__ == "__main__":
    main()
