"""Paired comparisons of methods on the same cases: pure functions of stored predictions.

A difference is ``first - second`` oriented so that positive means the first is better, whatever the metric.
It says which of two fitted methods reads new patients of this kind better; how much each would change with
other training cases is not in its interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from bench.cohorts.cohort import Task
from bench.errors import UsageError
from bench.inference import (
    ALPHA,
    DRAW_SEED,
    DRAWS,
    FEWEST_PATIENTS,
    NEGLIGIBLE,
    NO_INTERVAL,
    Difference,
    cases_needed,
    detectable_difference,
    draw_patients,
    is_undecided,
    probability_better,
    reach_factor,
)
from bench.metrics import Array, Metric
from bench.scores import (
    NAN,
    NO_DIFFERENCE,
    Chance,
    Results,
    Sample,
    beside,
    chance_of,
    difference_of,
    family_p,
    metric_of,
    of_methods,
    sample_of,
    seed_means,
    with_values,
)

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
        :func:`bench.scores.difference_of`. No interval and no p with fewer than
        :data:`bench.inference.FEWEST_PATIENTS` patients (in a class).
    adjusted_p
        The same p adjusted for the family, :func:`bench.scores.family_p`, never below p.
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
        Whether the most resamples place the adjusted p on neither side of 5 %: not separable.
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
        excludes 0; in a larger one an interval that excludes 0 may not survive the correction, which is said.
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
    draws: int = DRAWS,
    seed: int = DRAW_SEED,
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
    draws, seed
        Of the bootstrap.

    Raises
    ------
    UsageError
        Fewer than two methods, a method named twice or not in the results, or the family ``reference``
        without one.
    StoreError
        The predictions contradict each other or the truth.
    """
    wanted = list(names) if reference is None or reference in names else [*names, reference]
    if len(wanted) < 2:
        raise UsageError(f"a comparison needs at least two methods, got: {', '.join(wanted) or 'none'}")
    if family == "reference" and reference is None:
        raise UsageError("the family 'reference' needs one: add --reference NAME, or use --family all")
    chosen = restricted(results, wanted)
    pairs = _pairs(wanted, reference, family or ("all" if reference is None else "reference"))
    return tuple(
        comparison
        for task in chosen.tasks
        for comparison in _task_comparisons(chosen, task, pairs, reference, draws, seed)
    )


def restricted(results: Results, names: Sequence[str]) -> Results:
    """The results of these methods alone, in this order.

    Raises UsageError for a name that is given twice and for one that the results lack.
    """
    if len(set(names)) < len(names):
        raise UsageError(f"expected each method once, got: {', '.join(names)}")
    return of_methods(results, names)


def _pairs(names: Sequence[str], reference: str | None, family: Family) -> list[Pair]:
    """Who is set against whom; the reference always stands second."""
    others = [name for name in names if name != reference]
    against = [] if reference is None else [(name, reference) for name in others]
    return against if family == "reference" else [*against, *combinations(others, 2)]


@dataclass(frozen=True, eq=False)
class _Evidence:
    """All that pairs of methods of a task are judged from, the methods in the order of ``labels``.

    ``values`` (method,), ``drawn`` (patient, draw) from ``seed`` and, oriented so that higher is better,
    ``resampled`` (method, draw).
    """

    sample: Sample
    metric: Metric
    labels: tuple[str, ...]
    values: Array
    chance: Chance
    resampled: Array
    drawn: Array
    seed: int

    @property
    def oriented(self) -> Array:
        """The values, higher is better."""
        return self.metric.sign * self.values

    def rows(self, comparison: Comparison) -> tuple[int, int]:
        """Where the two methods stand."""
        return self.labels.index(comparison.first), self.labels.index(comparison.second)


def _task_comparisons(
    results: Results, task: Task, pairs: Sequence[Pair], reference: str | None, draws: int, seed: int
) -> list[Comparison]:
    metric = metric_of(results, task)
    sample = with_values(metric, sample_of(results, task))
    blank = [_blank(metric, sample, pair) for pair in pairs]
    usable = [its for its in blank if its.status == "ok"]
    if not usable:
        return blank
    evidence = _evidence(metric, sample, draws, seed)
    against = reference if all(its.second == reference for its in usable) else None
    family = _family(len(usable), len({name for its in usable for name in (its.first, its.second)}), against)
    contrasts = [evidence.rows(its) for its in usable]
    given = (metric, sample, evidence.oriented, evidence.chance, evidence.drawn, seed)
    adjusted = family_p(*given, contrasts)
    return [
        its
        if its.status != "ok"
        else _compared(
            replace(its, family=family, family_size=len(usable)),
            evidence,
            float(adjusted[evidence.rows(its)]),
        )
        for its in blank
    ]


def _evidence(metric: Metric, sample: Sample, draws: int, seed: int) -> _Evidence:
    drawn = draw_patients(sample.patients, draws, seed)
    rows, known = sample.predictions.values(), beside(metric, sample)
    resampled = metric.resampled(sample.truth, np.concatenate([*rows]), known, drawn[sample.patients.codes])
    return _Evidence(
        sample=sample,
        metric=metric,
        labels=tuple(sample.predictions),
        values=np.array([np.mean([metric.value(sample.truth, its, known) for its in row]) for row in rows]),
        chance=chance_of(metric, sample),
        resampled=metric.sign * seed_means(resampled, sample),
        drawn=drawn,
        seed=seed,
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


def _compared(blank: Comparison, evidence: _Evidence, adjusted: float) -> Comparison:
    """The comparison with its numbers; ``adjusted`` is the p of the joint bootstrap."""
    first, second = evidence.rows(blank)
    filled = replace(
        blank,
        first_value=float(evidence.values[first]),
        second_value=float(evidence.values[second]),
        difference=Difference(float(evidence.oriented[first] - evidence.oriented[second]), NO_INTERVAL, NAN),
        probability=_probability(evidence, first, second),
    )
    if not evidence.sample.can_be_judged:
        few = f"fewer than {FEWEST_PATIENTS} patients, or {FEWEST_PATIENTS} in a class"
        return replace(filled, untested=few)
    given = (evidence.metric, evidence.sample, evidence.oriented, evidence.chance)
    difference, error = difference_of(*given, (first, second), evidence.drawn, evidence.seed)
    if np.isnan(difference.p):
        return replace(filled, untested="too few patients a fold for a standard error")
    return replace(
        filled,
        difference=difference,
        # The joint bootstrap and the difference's own test differ in the third digit; never the smaller one.
        adjusted_p=(corrected := difference.p if blank.family_size == 1 else max(adjusted, difference.p)),
        unclear=is_undecided(corrected),
        error=error,
        detectable=detectable_difference(error),
        cases_needed=cases_needed(blank.n, error, difference.value),
    )


def _probability(evidence: _Evidence, first: int, second: int) -> float:
    """:func:`bench.inference.probability_better`, with all that makes the difference uncertain."""
    moved = evidence.resampled[first] - evidence.resampled[second]
    value = evidence.oriented[first] - evidence.oriented[second]
    seeds = evidence.chance.between(first, second)[1]
    grown = reach_factor(float(np.nanvar(moved)), seeds, evidence.sample.variance_factor)
    return probability_better(value + grown * (moved - value)) if np.isfinite(grown) else NAN


def _separated(its: Comparison) -> str:
    """``A is better than B by 0.041 [0.012, 0.070]``, the better one first."""
    value, (low, high), _ = its.difference
    better, worse = (its.first, its.second) if value > 0 else (its.second, its.first)
    near, far = (low, high) if value > 0 else (-high, -low)
    interval = "" if np.isnan(low) else f" [{_amount(its, near)}, {_amount(its, far)}]"
    shown = "< 0.001" if its.adjusted_p < 0.001 else f"{its.adjusted_p:.3f}"
    corrected = "" if its.family_size == 1 else f" (adjusted p {shown}, {its.family})"
    return f"{better} is better than {worse} by {_amount(its, abs(value))}{_unit(its)}{interval}{corrected}"


def _not_separated(its: Comparison) -> str:
    """``not separable on 74 cases; the smallest difference this cohort can show is 0.09``."""
    corrected = its.difference.p < ALPHA
    after = f" once {its.family_size} comparisons are corrected for" if corrected else ""
    smallest = f"; the smallest difference this cohort can show is {_amount(its, its.detectable)}{_unit(its)}"
    return f"not separable on {its.n} cases{after}{smallest if its.detectable > 0 else ''}"


def _unit(its: Comparison) -> str:
    return f" {its.metric.unit(its.task.unit)}".rstrip()


def _amount(its: Comparison, value: float) -> str:
    return f"{value:z.{its.metric.decimals}f}"
