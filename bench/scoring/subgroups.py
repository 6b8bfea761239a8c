"""Methods group by group: values, differences between groups, disparity of decisions, the MAMA-MIA score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bench.inference import ALPHA, NO_INTERVAL, Bootstrap, Interval, effective_patients
from bench.inference.shares import difference_interval, largest_gap, wilson
from bench.metrics import METRICS, Metric
from bench.metrics.metric import NAN
from bench.predictions.results import Results
from bench.scoring.groups import UNKNOWN
from bench.scoring.sample import Sample, sample_of
from bench.scoring.seeds import on_shared_seeds
from bench.scoring.sites import SiteScore, site_scores
from bench.task import Task

# Fewer patients than these, or in either class, are not shown: they could be recognised, and say little.
SMALLEST, SMALLEST_CLASS = 20, 5


@dataclass(frozen=True)
class Gap:
    """A number between groups with its interval; NaN where fewer than two groups are shown."""

    value: float = NAN
    interval: Interval = NO_INTERVAL


@dataclass(frozen=True)
class Subgroups:
    """One method on one task, by one grouping.

    Parameters
    ----------
    groups
        Every group; those that are too small have a status and no value.
    worst, best
        Names of the groups with the worst and the best value; empty where fewer than two are shown.
    difference
        Best less worst value, oriented, with an interval for a pair that was chosen beforehand.
    disparity
        Equalised odds: half the largest gap in sensitivity and half that in specificity between groups.
    joint_disparity
        The same with an interval that holds together with those of the other groupings.
    status
        ``ok``, or why the method has no value.
    """

    task: Task
    metric: Metric
    method: str
    by: str
    groups: tuple[SiteScore, ...] = ()
    worst: str = ""
    best: str = ""
    difference: Gap = Gap()
    disparity: Gap = Gap()
    joint_disparity: Gap = Gap()
    status: str = "ok"


@dataclass(frozen=True)
class Fairness:
    """The MAMA-MIA challenge's score of a method on a binary task, over all groupings."""

    task: Task
    method: str
    accuracy: Gap
    disparity: Gap
    score: Gap


def subgroup_scores(
    results: Results,
    groupings: Mapping[str, "pd.Series[str]"],
    smallest: int = SMALLEST,
    bootstrap: Bootstrap = Bootstrap(),
) -> tuple[Subgroups, ...]:
    """Every method on every task in every group of every grouping.

    Parameters
    ----------
    groupings
        Name to the group of each case, by case id.
    smallest
        Patients below which a group is suppressed.
    """
    results = on_shared_seeds(results)
    return tuple(
        found
        for name, groups in groupings.items()
        for found in _by(results, name, groups, (smallest, ALPHA / (len(groupings) + 1)), bootstrap)
    )


def _by(
    results: Results, name: str, groups: "pd.Series[str]", limits: tuple[int, float], bootstrap: Bootstrap
) -> list[Subgroups]:
    by_group = replace(results, truth=results.truth.assign(site=groups.reindex(results.truth.index)))
    smallest, level = limits
    rows = []
    for scores in site_scores(by_group, bootstrap):
        shown = tuple(_suppressed(group, smallest) for group in scores.sites)
        found = Subgroups(scores.task, scores.metric, scores.method, name, shown, status=scores.status)
        kept = [group.site for group in shown if group.status == "ok" and group.site != UNKNOWN]
        rows.append(_with_gaps(found, by_group, kept, level))
    return rows


def _suppressed(group: SiteScore, smallest: int) -> SiteScore:
    """The group, or its name alone where it is too small."""
    people, ill = group.patients, group.positive_patients
    rare = people if ill is None else min(ill, people - ill)
    if people >= smallest and (ill is None or rare >= SMALLEST_CLASS):
        return group
    few = f"suppressed: fewer than {smallest} patients"
    return SiteScore(
        group.site, 0, None, status=few if ill is None else f"{few}, or {SMALLEST_CLASS} of a class"
    )


def _with_gaps(found: Subgroups, results: Results, kept: Sequence[str], level: float) -> Subgroups:
    """Worst and best group, and the gaps between groups."""
    shown = [group for group in found.groups if group.site in kept and not np.isnan(group.value)]
    if len(shown) < 2:
        return found
    ordered = sorted(shown, key=lambda group: found.metric.sign * group.value)
    worst, best = ordered[0], ordered[-1]
    pair = (best, worst) if found.metric.higher_is_better else (worst, best)
    (one, two) = pair
    gap = Gap(one.value - two.value, difference_interval(one.value, one.interval, two.value, two.interval))
    found = replace(found, worst=worst.site, best=best.site, difference=gap)
    if found.task.kind != "binary":
        return found
    alone, joint = (_disparity(results, found, kept, alpha) for alpha in (ALPHA, level))
    return replace(found, disparity=alone, joint_disparity=joint)


def _disparity(results: Results, found: Subgroups, kept: Sequence[str], alpha: float) -> Gap:
    sample = _decided(results, found.task)
    if found.method not in sample.predictions:
        return Gap()
    gaps = [largest_gap(*_shares(sample, found.method, label, kept), alpha / 2) for label in (1.0, 0.0)]
    return _mean([Gap(*gap) for gap in gaps])


def _decided(results: Results, task: Task) -> Sample:
    return sample_of(results, task, METRICS["balanced_accuracy"])


def _shares(
    sample: Sample, method: str, label: float, kept: Sequence[str]
) -> tuple[list[float], list[float]]:
    """Share of the cases of a class that are called positive in each group, and the patients it is of."""
    called = sample.predictions[method].mean(axis=0)
    shares, counts = [], []
    for name in kept:
        chosen = (sample.site == sample.site_names.index(name)) & (sample.truth == label)
        shares.append(float(called[chosen].mean()) if chosen.any() else NAN)
        worth = effective_patients(chosen.astype(np.intp), sample.patients.codes, 2)[1]
        counts.append(float(worth) if chosen.any() else 0.0)
    return shares, counts


def _mean(gaps: Sequence[Gap]) -> Gap:
    """Mean of numbers whose intervals all hold together."""
    value, low, high = np.mean([(gap.value, *gap.interval) for gap in gaps], axis=0)
    return Gap(float(value), Interval(float(low), float(high)))


def fairness_scores(results: Results, found: Sequence[Subgroups]) -> tuple[Fairness, ...]:
    r"""The score of the MAMA-MIA challenge for every method and binary task.

    .. math:: \frac{1}{2} \mathrm{BA} + \frac{1}{2} (1 - \bar D)

    with BA the balanced accuracy and D the equalised-odds disparity, its mean over the groupings. Its
    interval adds those of its parts, each at such a level that all hold together with 95 %, so it is
    on the safe side.
    """
    shared = on_shared_seeds(results)
    keys = dict.fromkeys((one.task.name, one.method) for one in found if not np.isnan(one.disparity.value))
    tasks = {task.name: task for task in shared.tasks}
    return tuple(_fairness(shared, tasks[task], method, found) for task, method in keys)


def _fairness(results: Results, task: Task, method: str, found: Sequence[Subgroups]) -> Fairness:
    mine = [one.joint_disparity for one in found if (one.task.name, one.method) == (task.name, method)]
    disparity = _mean([gap for gap in mine if not np.isnan(gap.value)])
    sample = _decided(results, task)
    level = ALPHA / (2 * len(mine) + 2)
    rates = [_rate(sample, method, label, level) for label in (1.0, 0.0)]
    accuracy = _mean(rates)
    score = Gap(
        0.5 * accuracy.value + 0.5 * (1 - disparity.value),
        Interval(
            0.5 * accuracy.interval.low + 0.5 * (1 - disparity.interval.high),
            0.5 * accuracy.interval.high + 0.5 * (1 - disparity.interval.low),
        ),
    )
    return Fairness(task, method, accuracy, disparity, score)


def _rate(sample: Sample, method: str, label: float, alpha: float) -> Gap:
    """Sensitivity or specificity over all cases, with its share of the confidence."""
    chosen = sample.truth == label
    called = sample.predictions[method].mean(axis=0)[chosen]
    share = float((called if label else 1 - called).mean())
    worth = float(effective_patients(chosen.astype(np.intp), sample.patients.codes, 2)[1])
    return Gap(share, wilson(share, worth, alpha))


def columns_of(table: pd.DataFrame, sizes: "pd.Series[Any] | None" = None) -> dict[str, "pd.Series[Any]"]:
    """What cases may be grouped by: the columns of a cohort's table, and ``lesion_size`` in mm³."""
    columns = {str(name): table[name] for name in table if name != "patient_id"}
    return columns if sizes is None else {**columns, "lesion_size": sizes}
