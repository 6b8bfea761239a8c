"""One prediction from those of several methods, by rules that learn from validation cases alone.

``mean`` learns nothing. ``best`` takes, for each fold and task, the member with the best validation score.
``stack`` weights the members (Wolpert, Neural Networks 5:241, 1992) without negative weights, which is what
makes stacking work where members agree (Breiman, Machine Learning 24:49, 1996).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from bench.metrics.metric import Array
from bench.metrics.skill import TaskCases
from bench.task import Task

# Beyond, a probability says more than a hundred validation cases can bear out: one member that is sure of
# itself and wrong would set all weights.
NEAREST = 1e-3
# Of the squared distance of the weights from those of the mean: with few validation cases the stack is it.
PENALTY = 1.0
PARTS = 5


@dataclass(frozen=True, eq=False)
class Members:
    """What several methods predict of one task in one fold, and the labels that a rule learns from.

    Parameters
    ----------
    task
        Binary or continuous.
    test, validation
        Predictions, shapes (test case, member) and (validation case, member); a probability, or the value in
        the task's unit.
    labels
        Of the validation cases, NaN where unknown, shape (validation case,).
    patients
        Of the validation cases, shape (validation case,).
    constant
        What the baseline predicts in this fold.
    seed
        From which validation patients are parted.
    """

    task: Task
    test: Array
    validation: Array
    labels: Array
    patients: NDArray[np.object_]
    constant: float
    seed: int


@dataclass(frozen=True, eq=False)
class Combined:
    """Predictions of test and validation cases, shape (case,), and the weight of each member, (member,)."""

    test: Array
    validation: Array
    weights: Array


def combine(kind: str, members: Members) -> Combined:
    """One prediction a case by a rule of :data:`RULES`.

    Examples
    --------
    >>> from bench.task import Task
    >>> said = np.array([[0.2, 0.4], [0.8, 0.6]])
    >>> names = np.array(["a", "b"], dtype=object)
    >>> pair = Members(Task("er", "binary"), said, said, np.array([0.0, 1.0]), names, 0.5, 0)
    >>> combine("mean", pair).test.round(2).tolist()
    [0.3, 0.7]
    """
    return RULES[kind](members)


def mean(members: Members) -> Combined:
    """The mean of the members' predictions, for probabilities the linear opinion pool.

    Unlike a mean of logits it is not set by the one member that is nearest to 0 or 1.
    """
    count = members.test.shape[1]
    return _weighted(members, np.full(count, 1 / count))


def best(members: Members) -> Combined:
    """The member with the best validation score (AUC, or MAE), the first of equal ones.

    Raises
    ------
    ValueError
        No member can be scored, as where the validation cases lack a class.
    """
    fold = np.zeros(len(members.labels))
    constant = np.full(len(members.labels), members.constant)
    cases = TaskCases(members.task, members.labels, fold, constant)
    skills = np.array([cases.skill(said) for said in members.validation.T])
    if np.isnan(skills).any():
        raise ValueError(f"the validation cases cannot score {members.task.name}: a class or all is lacking")
    return _weighted(members, np.eye(len(skills))[int(skills.argmax())])


def stack(members: Members) -> Combined:
    """Weights of at least 0 and an offset that fit the validation labels best.

    A binary task has a logistic model of the members' logits, a continuous one least squares. The penalty
    draws all weights towards those of the mean. Validation predictions are cross-fitted over five parts of
    the patients: a threshold chosen on them is not chosen on what the weights were fitted to.
    """
    binary = members.task.kind == "binary"
    scale = 1.0 if binary else _spread(members.labels)
    validation, test = (_inputs(said, binary) / scale for said in (members.validation, members.test))
    labels = members.labels / scale
    offset, weights = _fitted(validation, labels, binary)
    crossed = np.empty(len(labels))
    parts = _parts(members.patients, members.seed)
    for part in range(PARTS):
        held = parts == part
        inner_offset, inner = _fitted(validation[~held], labels[~held], binary)
        crossed[held] = inner_offset + validation[held] @ inner
    return Combined(
        _outputs(offset + test @ weights, members.task, scale),
        _outputs(crossed, members.task, scale),
        weights,
    )


RULES: Mapping[str, Callable[[Members], Combined]] = {"mean": mean, "stack": stack, "best": best}


def _weighted(members: Members, weights: Array) -> Combined:
    return Combined(members.test @ weights, members.validation @ weights, weights)


def _inputs(said: Array, binary: bool) -> Array:
    if not binary:
        return said
    logits: Array = logit(np.clip(said, NEAREST, 1 - NEAREST))
    return logits


def _outputs(linear: Array, task: Task, scale: float) -> Array:
    return expit(linear) if task.kind == "binary" else np.clip(linear * scale, *task.bounds)


def _spread(labels: Array) -> float:
    """Standard deviation of the known labels; 1 where they do not vary."""
    known = labels[~np.isnan(labels)]
    return float(known.std()) if len(known) > 1 and known.std() > 0 else 1.0


def _parts(patients: NDArray[np.object_], seed: int) -> NDArray[np.intp]:
    """Part of each case, shape (case,); all cases of a patient are in one."""
    names, patient = np.unique(patients.astype(str), return_inverse=True)
    order: NDArray[np.intp] = np.random.default_rng(seed).permutation(len(names)) % PARTS
    return order[patient]


def _fitted(inputs: Array, labels: Array, binary: bool) -> tuple[float, Array]:
    """Offset and weights; those of the mean where the labels do not vary."""
    known = ~np.isnan(labels)
    inputs, labels = inputs[known], labels[known]
    count = inputs.shape[1]
    start = np.r_[0.0, np.full(count, 1 / count)]
    if len(np.unique(labels)) < 2:
        return 0.0, start[1:]

    def loss(point: Array) -> tuple[float, Array]:
        """Penalised negative log-likelihood and the slope of it."""
        linear = point[0] + inputs @ point[1:]
        away = point[1:] - start[1:]
        wrong = (expit(linear) if binary else linear) - labels
        lost = np.sum(np.logaddexp(0, linear) - labels * linear) if binary else wrong @ wrong / 2
        slope = np.r_[wrong.sum(), inputs.T @ wrong + 2 * PENALTY * away]
        return float(lost + PENALTY * away @ away), slope

    bounds = [(None, None)] + [(0.0, None)] * count
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-12})
    return float(found.x[0]), found.x[1:]
