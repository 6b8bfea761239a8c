"""Molecular subtypes derived from the biomarkers by a named, versioned rule.

A class comes from the *statuses* of a case (ER, PR and HER2 positive or not, the Ki-67 index), never from an
image. Every rule states its source and what stands in for what the source asks. A case that lacks one of the
rule's inputs is undetermined, even where the others would settle the class: were only those settled ones
kept, the classes that need fewer inputs would be over-represented among the scored cases.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import UsageError, parameter, unknown_name
from bench.metrics import Array, Codes
from bench.predictions.thresholds import reaches
from bench.task import Task

RECEPTORS = ("er", "pr", "her2")
KI67 = "ki67"

# Codes of cases without a class: an input is missing, or the rule has no class for this combination.
UNDETERMINED, OUTSIDE = -2, -1

ST_GALLEN_HIGH = 20.0
MAISONNEUVE_INTERMEDIATE, MAISONNEUVE_HIGH = 14.0, 20.0

# The relative standard error of a standard deviation is 1 / sqrt(2 n): a quarter at 8 cases.
MIN_CASES_FOR_SPREAD = 8
# Indices are reported in whole percentage points; half of one keeps the logit of 0 and 100 finite.
MIN_INDEX = 0.5

Statuses = Mapping[str, Array]


@dataclass(frozen=True)
class Rule:
    """How statuses become a class.

    Parameters
    ----------
    name, version
        A changed definition is another version; two rules never share a table.
    definition, source
        Sentences for the foot of a table.
    roles
        Inputs, of ``er``, ``pr``, ``her2`` and ``ki67``; a cohort's tasks are mapped to them.
    classes
        In order.
    members
        From statuses (role to array) to one boolean array a class, no two of them true for the same case.
    cutoffs
        Values of Ki-67, in percentage points, from which a higher level begins.
    """

    name: str
    version: str
    definition: str
    source: str
    roles: tuple[str, ...]
    classes: tuple[str, ...]
    members: Callable[[Statuses], list[NDArray[np.bool_]]] = field(repr=False)
    cutoffs: tuple[float, ...] = ()


def _receptor_only(status: Statuses) -> list[NDArray[np.bool_]]:
    er, pr, her2 = (status[role] == 1 for role in RECEPTORS)
    luminal = er | pr
    return [luminal & ~her2, luminal & her2, ~luminal & her2, ~luminal & ~her2]


def _st_gallen_2013(status: Statuses) -> list[NDArray[np.bool_]]:
    pr = status["pr"] == 1
    return _with_luminal_a(status, (status[KI67] < ST_GALLEN_HIGH) & pr)


def _maisonneuve_2014(status: Statuses) -> list[NDArray[np.bool_]]:
    pr, ki67 = status["pr"] == 1, status[KI67]
    return _with_luminal_a(status, (ki67 < MAISONNEUVE_INTERMEDIATE) | (ki67 < MAISONNEUVE_HIGH) & pr)


def _with_luminal_a(status: Statuses, quiet: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The five surrogate classes; ``quiet`` separates luminal A from luminal B among ER+ HER2- cases."""
    er, pr, her2 = (status[role] == 1 for role in RECEPTORS)
    neither = ~er & ~pr
    return [er & ~her2 & quiet, er & ~her2 & ~quiet, er & her2, neither & her2, neither & ~her2]


SURROGATE_CLASSES = (
    "luminal A-like",
    "luminal B-like HER2-negative",
    "luminal B-like HER2-positive",
    "HER2-positive non-luminal",
    "triple-negative",
)
NO_SINGLE_PR = "It has no class for ER-negative PR-positive cases."

DUKE = (
    "luminal A-like: ER or PR positive, HER2 negative; luminal B-like: ER or PR positive, HER2 positive; "
    "HER2-enriched-like: HER2 positive alone; triple-negative: none of the three. Without Ki-67 the luminal "
    "A-like class holds every HER2-negative luminal case."
)
DUKE_SOURCE = (
    "Column Mol Subtype of the Duke-Breast-Cancer-MRI data dictionary (there: luminal-like; ER/PR pos, HER2 "
    "pos; her2; trip neg); Saha et al. 2018, doi:10.1038/s41416-018-0185-8."
)
ST_GALLEN = (
    "luminal A-like: ER positive, HER2 negative, PR positive and Ki-67 < 20 %; luminal B-like HER2-negative: "
    "ER positive, HER2 negative, and PR negative or Ki-67 >= 20 %; luminal B-like HER2-positive: ER and HER2 "
    "positive; HER2-positive non-luminal: HER2 positive, ER and PR negative; triple-negative: none of the "
    f"three. PR status stands in for the PR >= 20 % of the source. {NO_SINGLE_PR}"
)
ST_GALLEN_SOURCE = (
    "Goldhirsch et al. 2013, doi:10.1093/annonc/mdt303: surrogate definitions; the majority of the panel "
    "took Ki-67 >= 20 % as clearly high."
)
MAISONNEUVE = (
    "luminal A-like: ER positive, HER2 negative, and Ki-67 < 14 %, or 14 % <= Ki-67 < 20 % with PR positive; "
    "luminal B-like HER2-negative: the other ER positive, HER2 negative cases; the three other classes as in "
    "St Gallen 2013. PR status stands in for the PR >= 20 % of the source, whose 14-19 % in whole per cent "
    f"is read as 14 to below 20. {NO_SINGLE_PR}"
)
MAISONNEUVE_SOURCE = "Maisonneuve et al. 2014, doi:10.1186/bcr3679; Goldhirsch et al. 2013."

RULES = {
    one.name: one
    for one in (
        Rule(
            name="receptor_only",
            version="1",
            definition=DUKE,
            source=DUKE_SOURCE,
            roles=RECEPTORS,
            classes=("luminal A-like", "luminal B-like", "HER2-enriched-like", "triple-negative"),
            members=_receptor_only,
        ),
        Rule(
            name="st_gallen_2013",
            version="1",
            definition=ST_GALLEN,
            source=ST_GALLEN_SOURCE,
            roles=(*RECEPTORS, KI67),
            classes=SURROGATE_CLASSES,
            members=_st_gallen_2013,
            cutoffs=(ST_GALLEN_HIGH,),
        ),
        Rule(
            name="maisonneuve_2014",
            version="1",
            definition=MAISONNEUVE,
            source=MAISONNEUVE_SOURCE,
            roles=(*RECEPTORS, KI67),
            classes=SURROGATE_CLASSES,
            members=_maisonneuve_2014,
            cutoffs=(MAISONNEUVE_INTERMEDIATE, MAISONNEUVE_HIGH),
        ),
    )
}


def find_rule(name: str) -> Rule:
    """The rule of that name; raises UsageError that names the nearest ones."""
    if name not in RULES:
        raise unknown_name("subtype rule", name, RULES)
    return RULES[name]


def role_tasks(
    rule: Rule, tasks: Sequence[Task], renamed: Mapping[str, str] | None = None
) -> dict[str, Task]:
    """The task that plays each role of a rule: the one of the same name, or the one it is renamed to.

    Raises
    ------
    UsageError
        The rule has no such role, there is no such task, two roles share one, a receptor is not binary, or
        Ki-67 is not declared in percentage points (continuous, range 0 to 100), as the rule's cut-offs are.
    """
    named = {role: role for role in rule.roles} | dict(renamed or {})
    declared = {task.name: task for task in tasks}
    for role, name in named.items():
        if role not in rule.roles:
            raise unknown_name("role", role, rule.roles, f"(rule {rule.name})")
        if name not in declared:
            raise UsageError(
                f"rule {rule.name} needs {', '.join(rule.roles)}, and no task {name!r} exists for {role}: "
                f"the cohort declares {', '.join(declared)}. Name one with "
                f"{parameter('role', f'{role}=TASK')}, or take another rule"
            )
        _require_kind(rule, role, declared[name])
    if len(set(named.values())) < len(named):
        raise UsageError(f"two roles of rule {rule.name} name one task: {named}; each needs its own")
    return {role: declared[name] for role, name in named.items()}


def _require_kind(rule: Rule, role: str, task: Task) -> None:
    good = task.range == (0.0, 100.0) and task.kind == "continuous" if role == KI67 else task.kind == "binary"
    if not good:
        expected = "continuous with range [0, 100] (percentage points)" if role == KI67 else "binary"
        raise UsageError(
            f"rule {rule.name} expects the task {task.name!r} for {role} to be {expected}, it is declared "
            f"{task.kind} with bounds {task.bounds[0]:g} to {task.bounds[1]:g}; correct cohort.toml"
        )


def classes_of(rule: Rule, statuses: Mapping[str, ArrayLike]) -> Codes:
    """Class of each case, numbered as in ``rule.classes``.

    Parameters
    ----------
    statuses
        A role to an array; receptors are 1, 0 or NaN, Ki-67 is in percentage points or NaN. All of one shape.

    Returns
    -------
    numpy.ndarray
        That shape: a class, :data:`OUTSIDE` where the rule has none for this combination, or
        :data:`UNDETERMINED` where any input is NaN.

    Raises
    ------
    UsageError
        A role is missing, or a receptor status is neither 0, 1 nor NaN, as when it is a probability.
    """
    given = {role: _status(rule, role, statuses) for role in rule.roles}
    unknown = np.any([np.isnan(status) for status in given.values()], axis=0)
    codes = np.select(rule.members(given), range(len(rule.classes)), OUTSIDE)
    result: Codes = np.where(unknown, UNDETERMINED, codes).astype(np.intp)
    return result


def _status(rule: Rule, role: str, statuses: Mapping[str, ArrayLike]) -> Array:
    if role not in statuses:
        raise UsageError(f"rule {rule.name} needs the roles {', '.join(rule.roles)}, {role} was not given")
    values = np.asarray(statuses[role], dtype=float)
    if role in RECEPTORS and not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise UsageError(
            f"statuses of {role} must be 0, 1 or NaN, got others; predictions go to predicted_classes, with "
            "their thresholds"
        )
    return values


def predicted_classes(
    rule: Rule, predictions: Mapping[str, ArrayLike], thresholds: Mapping[str, ArrayLike]
) -> Codes:
    """Hard classes: a receptor is positive from its threshold on, Ki-67 goes by the rule's cut-offs.

    Parameters
    ----------
    predictions
        A role to P(positive), or to the Ki-67 index in percentage points; all of one shape.
    thresholds
        A receptor to its threshold, a number or an array that broadcasts to that shape; NaN leaves the case
        undetermined. None is assumed.

    Raises
    ------
    UsageError
        A receptor of the rule has no threshold, or a role no prediction.
    """
    statuses = dict(predictions)
    for role in rule.roles:
        if role in RECEPTORS and role in predictions:
            if role not in thresholds:
                raise UsageError(f"hard classes need a threshold for {role}; none is assumed")
            cut = np.asarray(thresholds[role], dtype=float)
            positive = reaches(np.asarray(predictions[role], dtype=float), cut)
            statuses[role] = np.where(np.isnan(cut), np.nan, positive)
    return classes_of(rule, statuses)


def class_probabilities(
    rule: Rule, predictions: Mapping[str, ArrayLike], spread: ArrayLike = 0.0
) -> NDArray[np.float64]:
    r"""Soft classes: the probability of each class, propagated through the rule.

    .. math:: P(k) = \sum_{s \in k} \prod_{r} P(s_r)

    over the combinations ``s`` of receptor statuses and Ki-67 levels. The assumption is that, given what the
    method predicts, the biomarkers are independent. They are not: PR is seldom positive where ER is negative,
    so the sum puts too much on that combination.

    The Ki-67 prediction ``m`` is a point. With a spread, the true index is normal on the logit scale around
    it, :math:`P(\mathrm{Ki67} < c) = \Phi((\mathrm{logit}\,c - \mathrm{logit}\,m) / \sigma)`; with a spread
    of 0 that is the step [m < c].

    Parameters
    ----------
    predictions
        A role to P(positive) in 0 to 1, or to the Ki-67 index in percentage points; all of one shape.
    spread
        Standard deviation on the logit scale, a number or an array that broadcasts to that shape.

    Returns
    -------
    numpy.ndarray
        Shape (..., class + 1): the classes of the rule, and last the combinations for which it has none. They
        add up to 1.
    """
    given = {role: np.asarray(predictions[role], dtype=float) for role in rule.roles}
    chances = [
        _level_chances(chance, rule.cutoffs, np.asarray(spread, dtype=float))
        if role == KI67
        else [1 - chance, chance]
        for role, chance in given.items()
    ]
    levels = [(0.0, *rule.cutoffs) if role == KI67 else (0.0, 1.0) for role in rule.roles]
    states = np.array(list(product(*levels)))
    codes = classes_of(rule, dict(zip(rule.roles, states.T, strict=True)))
    result = np.zeros((*given[rule.roles[0]].shape, len(rule.classes) + 1))
    for factors, code in zip(product(*chances), codes, strict=True):
        result[..., code] += np.prod(factors, axis=0)
    return result


def _level_chances(value: Array, cutoffs: Sequence[float], spread: Array) -> list[Array]:
    """Probability of each level of Ki-67, each of the shape of ``value``."""
    inner = [_chance_below(value, cutoff, spread) for cutoff in cutoffs]
    return [high - low for low, high in pairwise([np.zeros_like(value), *inner, np.ones_like(value)])]


def _chance_below(value: Array, cutoff: float, spread: Array) -> Array:
    from scipy.special import ndtr

    distance = _logit(np.full_like(value, cutoff)) - _logit(value)
    chance: Array = np.where(spread > 0, ndtr(distance / np.where(spread > 0, spread, 1.0)), value < cutoff)
    return chance


def _logit(index: Array) -> Array:
    """Log odds of an index in percentage points."""
    clipped = np.clip(index, MIN_INDEX, 100 - MIN_INDEX)
    odds: Array = np.log(clipped / (100 - clipped))
    return odds


def ki67_spread(truth: Array, prediction: Array) -> float:
    r"""Root mean square of the residuals :math:`\mathrm{logit}\,y_i - \mathrm{logit}\,m_i` of Ki-67.

    Both in percentage points, shape (case,), NaN where unknown; values outside 0.5 to 99.5 count as those. 0,
    which makes :func:`class_probabilities` a step, from fewer than :data:`MIN_CASES_FOR_SPREAD` known cases.
    """
    known = ~np.isnan(truth)
    if known.sum() < MIN_CASES_FOR_SPREAD:
        return 0.0
    return float(np.sqrt(np.mean((_logit(truth[known]) - _logit(prediction[known])) ** 2)))
