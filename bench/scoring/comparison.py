"""Paired comparisons of methods on the same cases: pure functions of stored predictions.

A difference is ``first - second`` oriented so that positive means the first is better, whatever the metric.
It says which of two fitted methods predicts new patients of this kind better; how much each would change with
other training cases is not in its interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from bench.errors import UsageError, parameter
from bench.inference import (
    ALPHA,
    MIN_PATIENTS,
    NEGLIGIBLE,
    NO_INTERVAL,
    Bootstrap,
    Difference,
    cases_needed,
    detectable_difference,
    is_close,
    probability_better,
    reach_factor,
)
from bench.metrics import Array, Metric
from bench.metrics.metric import NAN
from bench.predictions.results import Results, label_of, of_methods
from bench.scoring.evidence import Evidence, Resamples
from bench.scoring.sample import Sample, context_of, metric_of, sample_of, with_values
from bench.scoring.seeds import on_shared_seeds
from bench.scoring.uncertainty import NO_DIFFERENCE, chance_of, differences_of, family_p
from bench.task import Task

Family = Literal["reference", "all"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """One pair of methods on one task; numbers are NaN where there is none.

    Parameters
    ----------
    first, second
        Labels of the two methods.
    n, positives
        Cases with a known label that every compared method was tested on, and the positive ones of them.
    status
        ``ok``, or which of the two has no value and why.
    first_value, second_value
        The metric of each, averaged over seeds.
    difference
        ``first - second``, positive where the first is better, with its own 95 % interval and two-sided p:
        :func:`bench.scoring.uncertainty.differences_of`. No interval and no p with fewer than
        :data:`bench.inference.MIN_PATIENTS` patients (in a class).
    adjusted_p
        The same p adjusted for the family, :func:`bench.scoring.uncertainty.family_p`, never below p.
    family, family_size
        Which comparisons of this task are corrected for together, and how many they are.
    probability
        :func:`bench.inference.probability_better` over bootstrap resamples of the patients.
    error
        Standard error of the difference.
    detectable
        :func:`bench.inference.detectable_difference`, for a single comparison.
    cases_needed
        :func:`bench.inference.cases_needed`; None where there is no such number.
    untested
        Why there is no p.
    patients, positive_patients
        Of the cases, and of those with a positive case; None for a continuous task.
    unclear
        Whether the adjusted p is close to 5 %, see :func:`bench.inference.is_close`.
    """

    task: Task
    metric: Metric
    first: str
    second: str
    n: int
    positives: int | None
    status: str = "ok"
    first_value: float = NAN
    second_value: float = NAN
    difference: Difference = NO_DIFFERENCE
    adjusted_p: float = NAN
    family: str = ""
    family_size: int = 0
    probability: float = NAN
    error: float = NAN
    detectable: float = NAN
    cases_needed: int | None = None
    untested: str = ""
    patients: int = 0
    positive_patients: int | None = None
    unclear: bool = False

    @property
    def verdict(self) -> str:
        """The finding in words.

        It follows the adjusted p. In a family of one that is p itself, below .05 exactly where the interval
        excludes 0; in a larger one an interval that excludes 0 may not survive the correction.
        """
        if self.status != "ok":
            return f"not compared: {self.status}"
        if np.isnan(self.difference.p):
            return f"not separable: {self.untested}"
        if max(self.error, abs(self.difference.value)) <= NEGLIGIBLE**0.5:
            return f"no difference on any of {self.n} cases"
        return _separated(self) if self.adjusted_p < ALPHA else _not_separated(self)


def compare(
    results: Results,
    names: Sequence[str],
    reference: str | None = None,
    family: Family | None = None,
    bootstrap: Bootstrap = Bootstrap(),
) -> tuple[Comparison, ...]:
    """Compare the named methods on each task, on the cases that they share.

    With a reference every other method is set against it (``method - reference``: an ablation's component
    effect), and these comparisons are the family, or with the family ``all`` every pair is made and corrected
    for. Without a reference every pair is made, in the order of the names.

    Parameters
    ----------
    results
        Of one cohort and split.
    names
        Labels of at least two methods, each once; the reference may be among them.
    bootstrap
        Resamples of patients.

    Raises
    ------
    UsageError
        Fewer than two methods, a method named twice or not in the results, or the family ``reference``
        without one.
    StoreError
        The predictions contradict each other or the truth.
    """
    names = [label_of(results, name) for name in names]
    reference = None if reference is None else label_of(results, reference)
    wanted = names if reference is None or reference in names else [*names, reference]
    pairs = pairs_of(wanted, reference, family)
    chosen = on_shared_seeds(restricted(results, wanted))
    return tuple(
        comparison
        for task in chosen.tasks
        for comparison in _task_comparisons(chosen, task, pairs, reference, bootstrap)
    )


def restricted(results: Results, names: Sequence[str]) -> Results:
    """The results of these methods alone, in this order.

    Raises UsageError for a name that is given twice and for one that the results lack.
    """
    labels = [label_of(results, name) for name in names]
    if len(set(labels)) < len(labels):
        raise UsageError(f"expected each method once, got: {', '.join(names)}")
    return of_methods(results, labels)


def pairs_of(names: Sequence[str], reference: str | None, family: Family | None) -> list[Pair]:
    """Who is set against whom; the reference always stands second.

    Raises UsageError for fewer than two methods, and for the family ``reference`` without one.
    """
    if len(names) < 2:
        raise UsageError(f"a comparison needs at least two methods, got: {', '.join(names) or 'none'}")
    if family == "reference" and reference is None:
        raise UsageError(
            f"the family 'reference' needs one: add {parameter('reference', 'NAME')}, or give "
            f"{parameter('family', 'all')}"
        )
    family = family or ("all" if reference is None else "reference")
    others = [name for name in names if name != reference]
    against = [] if reference is None else [(name, reference) for name in others]
    return against if family == "reference" else [*against, *combinations(others, 2)]


@dataclass(frozen=True, eq=False)
class _Compared(Evidence):
    """All that pairs of methods of a task are compared by, the methods in the order of ``labels``.

    ``values`` are those of the metric, shape (method,).
    """

    labels: tuple[str, ...]
    values: Array

    def rows(self, comparison: Comparison) -> tuple[int, int]:
        """Where the two methods stand."""
        return self.labels.index(comparison.first), self.labels.index(comparison.second)


def _task_comparisons(
    results: Results, task: Task, pairs: Sequence[Pair], reference: str | None, bootstrap: Bootstrap
) -> list[Comparison]:
    metric = metric_of(results, task)
    sample = with_values(metric, sample_of(results, task))
    blank = [_blank(metric, sample, pair) for pair in pairs]
    usable = [row for row in blank if row.status == "ok"]
    if not usable:
        return blank
    evidence = _evidence(metric, sample, bootstrap)
    against = reference if all(comparison.second == reference for comparison in usable) else None
    family = _family(
        len(usable),
        len({name for comparison in usable for name in (comparison.first, comparison.second)}),
        against,
    )
    contrasts = [evidence.rows(comparison) for comparison in usable]
    adjusted = family_p(evidence, contrasts)
    differences = dict(zip(contrasts, differences_of(evidence, contrasts), strict=True))
    return [
        row
        if row.status != "ok"
        else _compared(
            replace(row, family=family, family_size=len(usable)),
            evidence,
            float(adjusted[evidence.rows(row)]),
            differences[evidence.rows(row)],
        )
        for row in blank
    ]


def _evidence(metric: Metric, sample: Sample, bootstrap: Bootstrap) -> _Compared:
    rows, known = sample.predictions.values(), context_of(metric, sample)
    values = np.array([np.mean([metric.value(sample.truth, one, known) for one in row]) for row in rows])
    return _Compared(
        metric=metric,
        sample=sample,
        oriented=metric.sign * values,
        chance=chance_of(metric, sample),
        resamples=Resamples(metric, sample, bootstrap),
        labels=tuple(sample.predictions),
        values=values,
    )


def _blank(metric: Metric, sample: Sample, pair: Pair) -> Comparison:
    """A pair before it is compared; its status names the methods without a value."""
    return Comparison(
        task=sample.task,
        metric=metric,
        first=pair[0],
        second=pair[1],
        n=len(sample.truth),
        positives=int((sample.truth == 1).sum()) if sample.task.kind == "binary" else None,
        status=_lacking(sample.statuses, pair) or "ok",
        patients=sample.people[0],
        positive_patients=sample.people[1],
    )


def _lacking(statuses: Mapping[str, str], pair: Pair) -> str:
    """Why a pair cannot be compared, a common reason once; empty where both have values."""
    reasons = {name: statuses[name] for name in pair if name in statuses}
    if len(reasons) == len(pair) and len(set(reasons.values())) == 1:
        return f"both {reasons[pair[0]]}"
    return "; ".join(f"{name} {reason}" for name, reason in reasons.items())


def _family(comparisons: int, methods: int, reference: str | None) -> str:
    if comparisons == 1:
        return "a single comparison"
    if reference is None:
        return f"all {comparisons} pairs of {methods} methods"
    return f"{comparisons} methods against {reference}"


def _compared(
    blank: Comparison, evidence: _Compared, adjusted: float, found: tuple[Difference, float]
) -> Comparison:
    """The comparison with its numbers.

    ``adjusted`` is the p of the joint bootstrap, ``found`` the difference and its standard error.
    """
    first, second = evidence.rows(blank)
    filled = replace(
        blank,
        first_value=float(evidence.values[first]),
        second_value=float(evidence.values[second]),
        difference=Difference(float(evidence.oriented[first] - evidence.oriented[second]), NO_INTERVAL, NAN),
        probability=_probability(evidence, first, second),
    )
    if not evidence.sample.can_be_tested:
        few = f"fewer than {MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class"
        return replace(filled, untested=few)
    difference, error = found
    if np.isnan(difference.p):
        return replace(filled, untested="too few patients a fold for a standard error")
    return replace(
        filled,
        difference=difference,
        # The joint bootstrap and the difference's own test differ in the third digit; never the smaller one.
        adjusted_p=(corrected := difference.p if blank.family_size == 1 else max(adjusted, difference.p)),
        unclear=is_close(corrected, blank.family_size),
        error=error,
        detectable=detectable_difference(error),
        cases_needed=cases_needed(blank.n, error, difference.value),
    )


def _probability(evidence: _Compared, first: int, second: int) -> float:
    """:func:`bench.inference.probability_better`, with all that makes the difference uncertain."""
    resampled = evidence.metric.sign * evidence.resamples.values.methods
    moved = resampled[first] - resampled[second]
    value = evidence.oriented[first] - evidence.oriented[second]
    seeds = evidence.chance.between(first, second)[1]
    grown = reach_factor(float(np.nanvar(moved)), seeds, evidence.sample.variance_factor)
    return probability_better(value + grown * (moved - value)) if np.isfinite(grown) else NAN


def _separated(comparison: Comparison) -> str:
    """``A is better than B by 0.041 [0.012, 0.070]``, the better one first."""
    value, (low, high), _ = comparison.difference
    better, worse = (
        (comparison.first, comparison.second) if value > 0 else (comparison.second, comparison.first)
    )
    near, far = (low, high) if value > 0 else (-high, -low)
    interval = "" if np.isnan(low) else f" [{_amount(comparison, near)}, {_amount(comparison, far)}]"
    shown = "< 0.001" if comparison.adjusted_p < 0.001 else f"{comparison.adjusted_p:.3f}"
    corrected = "" if comparison.family_size == 1 else f" (adjusted p {shown}, {comparison.family})"
    amount = f"{_amount(comparison, abs(value))}{_unit(comparison)}"
    return f"{better} is better than {worse} by {amount}{interval}{corrected}"


def _not_separated(comparison: Comparison) -> str:
    """``not separable on 74 cases; the smallest difference this cohort can show is 0.09``."""
    corrected = comparison.difference.p < ALPHA
    after = f" once {comparison.family_size} comparisons are corrected for" if corrected else ""
    amount = f"{_amount(comparison, comparison.detectable)}{_unit(comparison)}"
    smallest = f"; the smallest difference this cohort can show is {amount}"
    return f"not separable on {comparison.n} cases{after}{smallest if comparison.detectable > 0 else ''}"


def _unit(comparison: Comparison) -> str:
    return f" {comparison.metric.unit(comparison.task.unit)}".rstrip()


def _amount(comparison: Comparison, value: float) -> str:
    return f"{value:z.{comparison.metric.decimals}f}"
