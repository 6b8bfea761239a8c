"""What each row of a board was tuned with, and what its inner scores were worth on the tested cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.methods.search_space import SearchBudget
from bench.metrics.skill import mean_skill
from bench.predictions.results import MethodResult, Results

DEFAULT, UNTUNED, UNKNOWN = "default", "untuned", "unknown"


@dataclass(frozen=True)
class Gap:
    """The objective on the cases that trials were evaluated on, and on the tested ones; means over cells."""

    inner: float
    outer: float
    cells: int

    @property
    def value(self) -> float:
        """Inner minus outer score: what tuning promised and did not keep."""
        return self.inner - self.outer


def tuning_of(method: MethodResult) -> SearchBudget | None:
    """The budget of a row; None where it was not tuned or has no finished cell."""
    for record in method.records:
        if "tuning" in record["identity"]:
            return SearchBudget.from_json(record["identity"]["tuning"])
    return None


def tuned_methods(results: Results) -> list[MethodResult]:
    """The rows that were tuned."""
    return [method for method in results.methods if tuning_of(method) is not None]


def budget_of(method: MethodResult, results: Results) -> str:
    """What a row's hyperparameters come from.

    ``20 trials`` or ``20m a cell``; ``default`` where a tuned row starts from the same parameters;
    ``unknown`` for predictions made elsewhere; ``untuned`` for all others.
    """
    tuning = tuning_of(method)
    if tuning is not None:
        return tuning.budget if tuning.reproducible else f"{tuning.budget} a cell"
    if any("params" not in record["identity"] for record in method.records):
        return UNKNOWN
    starts = [_start(tuned) for tuned in tuned_methods(results)]
    return DEFAULT if method.records and _start(method) in starts else UNTUNED


def default_of(method: MethodResult, results: Results) -> MethodResult | None:
    """The untuned row that starts from the parameters of a tuned one."""
    rows = (row for row in results.methods if row.records and tuning_of(row) is None)
    return next((row for row in rows if _start(row) == _start(method)), None)


def tuned_gap(method: MethodResult, results: Results) -> Gap:
    """The gap of a tuned row."""
    return _gap(method, results, {_key(record): record["tuning"]["inner_best"] for record in method.records})


def default_gap(method: MethodResult, results: Results) -> Gap | None:
    """The gap of a tuned row's defaults, which nothing was chosen for: what is not due to tuning."""
    default = default_of(method, results)
    if default is None:
        return None
    return _gap(
        default, results, {_key(record): record["tuning"]["inner_default"] for record in method.records}
    )


def outer_score(method: MethodResult, results: Results, seed: int, fold: int) -> float:
    """The objective on the tested cases of one cell; NaN where they do not allow it."""
    table = method.predictions
    cell = table[(table["seed"] == seed) & (table["fold"] == fold)]
    return mean_skill(results.tasks, results.truth, cell, method.constants)


def _gap(method: MethodResult, results: Results, inner: Mapping[tuple[int, int], float | None]) -> Gap:
    pairs = [(score, outer_score(method, results, *key)) for key, score in inner.items() if score is not None]
    known = [pair for pair in pairs if not np.isnan(pair[1])]
    if not known:
        return Gap(float("nan"), float("nan"), 0)
    # Sums in another order would print another digit where a mean lies half-way between two.
    first, second = np.mean(known, axis=0).round(9)
    return Gap(float(first), float(second), len(known))


def _start(method: MethodResult) -> Sequence[Any]:
    identity = method.records[0]["identity"]
    return [identity["method"], identity.get("params")]


def _key(record: Mapping[str, Any]) -> tuple[int, int]:
    return record["identity"]["seed"], record["identity"]["fold"]
