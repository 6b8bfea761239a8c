"""Bootstrap and board speed against a plain loop over scikit-learn, in one run.

    python -m tests.benchmarks.board_speed

Prints seconds for 2,000 resamples of the AUC of 20 methods on 4 tasks and 960 cases, the ratio to a loop over
``roc_auc_score`` (timed on a share of it), and seconds for a whole board of that size.
"""

import time

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from bench.metrics import resampled_auc
from bench.predictions.results import MethodResult, Results
from bench.report.board import leaderboard
from bench.task import Task
from tests.benchmarks.figure import Figure, tell

CASES, METHODS, TASKS, DRAWS, LOOPED = 960, 20, 4, 2000, 200


def main() -> None:
    """Time both and print."""
    rng = np.random.default_rng(0)
    truth = (rng.random(CASES) < 0.74).astype(float)
    scores = rng.standard_normal((METHODS, CASES)) + truth
    drawn = rng.integers(CASES, size=(DRAWS, CASES))
    weights = np.stack([np.bincount(row, minlength=CASES) for row in drawn], axis=1).astype(float)
    start = time.perf_counter()
    for _ in range(TASKS):
        resampled_auc(truth, scores, None, weights)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    for row in drawn[:LOOPED]:
        roc_auc_score(truth[row], scores[0][row])
    theirs = (time.perf_counter() - start) / LOOPED * DRAWS * METHODS * TASKS
    print(f"bootstrap   bench {ours:.2f} s   scikit-learn loop {theirs:.0f} s   ratio {theirs / ours:.0f}")
    start = time.perf_counter()
    leaderboard(board_of(truth, scores))
    print(f"board of {METHODS} methods, {TASKS} tasks, {CASES} cases: {time.perf_counter() - start:.1f} s")
    tell(Figure(f"bootstraps of {METHODS} x {TASKS} AUC", "s", ours, theirs, "scikit-learn loop", 0.02))


def board_of(truth: np.ndarray, scores: np.ndarray) -> Results:
    """Results with the same truth and scores for every task."""
    ids = [f"c{number:04d}" for number in range(CASES)]
    tasks = tuple(Task(f"t{number}", "binary") for number in range(TASKS))
    table = pd.DataFrame({"patient_id": ids, "site": "a", "group": "internal"}, index=ids)
    prediction = 1 / (1 + np.exp(-scores))
    methods = tuple(
        MethodResult(
            f"m{row}",
            pd.concat(
                pd.DataFrame(
                    {"seed": 0, "fold": 0, "case_id": ids, "task": task.name, "prediction": prediction[row]}
                )
                for task in tasks
            ),
        )
        for row in range(METHODS)
    )
    return Results(
        tasks=tasks,
        cohort="speed",
        cohort_title="random numbers",
        cohort_fingerprint="none",
        synthetic=True,
        licence="",
        split="internal",
        split_title="",
        estimand="",
        split_seed=0,
        split_fingerprint="none",
        truth=table.assign(**{task.name: truth for task in tasks}),
        methods=methods,
        ceiling=None,
    )


if __name__ == "__main__":
    main()
