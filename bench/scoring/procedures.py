"""Procedures over repeated cross-validation: which method learns better, whatever the cut.

:func:`bench.scoring.comparison.compare` uses one cut of the cases. Here the same cases are cut several times
and every method is fitted anew in each fold of each repeat; the corrected resampled t-test
(:func:`bench.inference.resampled_t.nadeau_bengio`) compares what the methods reach fold by fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.inference import ALPHA, MIN_PATIENTS, NO_INTERVAL, Difference, Interval
from bench.inference.resampled_t import nadeau_bengio
from bench.metrics import Array, Metric
from bench.metrics.metric import NAN
from bench.predictions.results import Results
from bench.scoring.comparison import Family, Pair, pairs_of
from bench.scoring.sample import Sample, context_of, metric_of, sample_of
from bench.splits.population import one_population
from bench.splits.split import Split
from bench.task import Task


@dataclass(frozen=True, eq=False)
class ProcedureScore:
    """A method on a task over all repeats; numbers are NaN where it has no value.

    Parameters
    ----------
    folds
        The metric in every fold of every repeat, averaged over training seeds, shape (repeat, fold).
    n, positives
        Cases with a known label, each tested once a repeat, and the positive ones of them.
    can_be_tested
        Whether there are enough patients to compare methods.
    status
        ``ok``, or why there is no value.
    """

    task: Task
    metric: Metric
    method: str
    folds: Array
    n: int
    positives: int | None
    can_be_tested: bool
    status: str = "ok"

    @property
    def by_repeat(self) -> Array:
        """Mean over the folds of each repeat, shape (repeat,)."""
        means: Array = self.folds.mean(axis=1)
        return means


@dataclass(frozen=True)
class ProcedureComparison:
    """Two methods on a task; ``difference`` is first minus second, positive where the first is better.

    ``adjusted_p`` is the p of the corrected resampled t-test after Holm's correction for the comparisons of
    the task, ``family_size`` of them. ``status`` is why there is no difference, ``untested`` why no p.
    """

    first: ProcedureScore
    second: ProcedureScore
    difference: Difference
    adjusted_p: float = NAN
    family_size: int = 0
    untested: str = ""

    @property
    def status(self) -> str:
        """``ok``, or which of the two has no value and why."""
        lacking = [f"{one.method} {one.status}" for one in (self.first, self.second) if one.status != "ok"]
        return "; ".join(lacking) or "ok"

    @property
    def verdict(self) -> str:
        """The finding in words, about procedures; it follows the adjusted p."""
        if self.status != "ok":
            return f"not compared: {self.status}"
        if np.isnan(self.adjusted_p):
            return f"not separable: {self.untested}"
        repeats, folds = self.first.folds.shape
        if not self.adjusted_p < ALPHA:
            return f"not separable as procedures over {repeats} repeats of {folds} folds"
        first_better = self.difference.value > 0
        better, worse = (self.first, self.second) if first_better else (self.second, self.first)
        amount = f"{abs(self.difference.value):.{better.metric.decimals}f}"
        unit = f" {better.metric.unit(better.task.unit)}".rstrip()
        return f"as a procedure, {better.method} is better than {worse.method} by {amount}{unit}"


def procedure_scores(repeats: Sequence[Results], splits: Sequence[Split]) -> tuple[ProcedureScore, ...]:
    """What every method reaches in every fold of every repeat, a row a task and method.

    Parameters
    ----------
    repeats
        Results of the same methods on each of the splits.

    Raises
    ------
    StoreError
        The predictions of a repeat contradict each other or the truth.
    """
    first = repeats[0]
    labels = [method.label for method in first.methods]
    rows = []
    for task in first.tasks:
        metric = metric_of(first, task)
        samples = [sample_of(repeat, task) for repeat in repeats]
        rows += [_score(task, metric, label, samples, splits) for label in labels]
    return tuple(rows)


def compare_procedures(
    scores: Sequence[ProcedureScore],
    splits: Sequence[Split],
    reference: str | None = None,
    family: Family | None = None,
) -> tuple[ProcedureComparison, ...]:
    """Compare the methods of these scores on each task, as :func:`bench.scoring.comparison.compare` does.

    Raises
    ------
    UsageError
        There are fewer than two methods, or the family ``reference`` is asked for without one.
    SplitError
        The splits are not repeats of a cross-validation of one population.
    """
    sizes = one_population(splits)
    wanted = pairs_of(list(dict.fromkeys(score.method for score in scores)), reference, family)
    found = {(score.task.name, score.method): score for score in scores}
    return tuple(
        row
        for task in dict.fromkeys(score.task.name for score in scores)
        for row in _adjusted([_compared(found[task, a], found[task, b], sizes) for a, b in wanted])
    )


def holm(p: Array) -> Array:
    """Each p after the step-down correction of Holm (Scand J Stat 6:65, 1979), shape (comparison,)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _score(
    task: Task, metric: Metric, label: str, samples: Sequence[Sample], splits: Sequence[Split]
) -> ProcedureScore:
    sample = samples[0]
    blank = ProcedureScore(
        task=task,
        metric=metric,
        method=label,
        folds=np.full((len(splits), len(splits[0].folds)), NAN),
        n=len(sample.truth),
        positives=int((sample.truth == 1).sum()) if task.kind == "binary" else None,
        can_be_tested=sample.can_be_tested,
    )
    values = []
    for one, split in zip(samples, splits, strict=True):
        if label not in one.predictions:
            return replace(blank, status=f"in {split.name}: {one.statuses[label]}")
        values.append(_fold_values(metric, one, label))
        if len(values[-1]) < len(split.folds) or np.isnan(values[-1]).any():
            return replace(blank, status=f"in {split.name}: a fold without a value of {metric.title}")
    return replace(blank, folds=np.array(values))


def _fold_values(metric: Metric, sample: Sample, label: str) -> Array:
    """The metric in each fold that has labelled cases, averaged over seeds, shape (fold,)."""
    known = context_of(metric, sample)
    members = [sample.fold == code for code in np.unique(sample.fold)]
    rows = sample.predictions[label]
    return np.array(
        [
            np.mean([metric.value(sample.truth[member], row[member], known[member]) for row in rows])
            for member in members
        ]
    )


def _compared(
    first: ProcedureScore, second: ProcedureScore, sizes: tuple[float, float]
) -> ProcedureComparison:
    """The difference with its own p; ``sizes`` are the cases learned from and tested in a fold."""
    blank = ProcedureComparison(first, second, Difference(NAN, NO_INTERVAL, NAN))
    if blank.status != "ok":
        return blank
    metric = first.metric
    tested = nadeau_bengio(metric.sign * (first.folds - second.folds), *sizes).difference
    if not first.can_be_tested:
        few = f"fewer than {MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class"
        return replace(blank, difference=Difference(tested.value, NO_INTERVAL, NAN), untested=few)
    if np.isnan(tested.p):
        return replace(blank, difference=tested, untested="the same difference in every fold")
    reach = metric.bounds[1] - metric.bounds[0]
    low, high = (float(np.clip(end, -reach, reach)) for end in tested.interval)
    return replace(blank, difference=Difference(tested.value, Interval(low, high), tested.p))


def _adjusted(family: Sequence[ProcedureComparison]) -> list[ProcedureComparison]:
    """The comparisons of a task with their p corrected for each other."""
    tested = [one for one in family if not np.isnan(one.difference.p)]
    corrected: Mapping[Pair, float] = dict(
        zip(map(_pair, tested), holm(np.array([one.difference.p for one in tested])).tolist(), strict=True)
    )
    return [
        replace(one, adjusted_p=corrected.get(_pair(one), NAN), family_size=len(tested)) for one in family
    ]


def _pair(comparison: ProcedureComparison) -> Pair:
    return comparison.first.method, comparison.second.method
