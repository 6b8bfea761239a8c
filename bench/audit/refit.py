"""Methods of a store fitted again, in this process, on cases that the audit has changed."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.audit.check import NotApplicable
from bench.audit.subject import Subject
from bench.audit.tested import NO_RESULTS
from bench.cohorts.cohort import Cohort
from bench.methods.method import Method, MethodSpec, Predictions, Run
from bench.methods.parameters import build
from bench.methods.registry import unavailable_reason
from bench.methods.seeding import seed_global_generators
from bench.splits.fold import Fold

THREADS = 1


@dataclass(frozen=True)
class Refit:
    """A row of a board, as it can be fitted again.

    Parameters
    ----------
    label
        Name of the row.
    spec, params
        The method, and the hyperparameters of the first cell: the best ones of a tuned row.
    """

    label: str
    spec: MethodSpec
    params: Mapping[str, Any]

    def fitted(self, train: Cohort, val: Cohort, seed: int = 0) -> Method:
        """A new method, fitted; whatever it raises is raised."""
        with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
            seed_global_generators(seed)
            return build(self.spec, self.params).fit(train, val, Run(seed, "cpu", THREADS, Path(folder)))

    def predicted(self, train: Cohort, val: Cohort, test: Cohort, seed: int = 0) -> Predictions:
        """Predictions of the test cases, which are handed over without labels."""
        found = self.fitted(train, val, seed).predict(test.blind())
        return {task: np.asarray(values, dtype=float) for task, values in found.items()}


def refits(subject: Subject) -> "list[Refit] | NotApplicable":
    """The rows that can be fitted again here; of a row from elsewhere there is no method."""
    if subject.results is None:
        return NO_RESULTS
    found = []
    for method in subject.results.methods:
        if not method.records or method.is_ensemble:
            continue
        record = method.records[0]
        spec = subject.specs.get(record["identity"].get("method", ""))
        if spec is not None and unavailable_reason(spec) is None:
            params = {**record["identity"].get("params", {}), **record.get("tuning", {}).get("params", {})}
            found.append(Refit(method.label, spec, params))
    return found or NotApplicable("no audited method can be fitted again here")


def parts_of(cohort: Cohort, fold: Fold) -> tuple[Cohort, Cohort, Cohort]:
    """Training, validation and test cases of a fold."""
    return cohort.take(fold.train), cohort.take(fold.val), cohort.take(fold.test)


def timed(start: float) -> float:
    """Seconds since a reading of the clock, never 0."""
    return max(time.perf_counter() - start, 1e-3)


@contextmanager
def own_cache() -> Iterator[Path]:
    """A folder that is the cache meanwhile, so that changed images leave nothing behind."""
    before = os.environ.get("BENCH_CACHE")
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
        os.environ["BENCH_CACHE"] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["BENCH_CACHE"]
            else:
                os.environ["BENCH_CACHE"] = before
