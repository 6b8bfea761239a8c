"""Penalised linear models, one a task, the strength of the penalty chosen on the validation cases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVR

from bench.cohorts.cohort import Cohort
from bench_zoo.targets import Target

# Parts of the training cases that choose the penalty where the validation cases cannot.
PARTS = 5
# The validation cases choose with so many of either class, or twice as many values: with fewer, one case
# moves the choice.
LEAST_JUDGES = 10
# Losses closer than this are equal.
TIE = 1e-6

Path = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``path(features, labels)``: models from the most penalised to the least, shape (model, feature + 1)."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Cases whose label is known.

    Parameters
    ----------
    features
        Finite and standardised, shape (case, feature).
    labels
        On the target's scale, shape (case,), finite.
    patients
        Patient of each case, shape (case,).
    """

    features: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    @classmethod
    def of(cls, target: Target, features: np.ndarray, cohort: Cohort) -> Self:
        """The cases of a cohort with a label of that task; ``features`` has shape (case, feature)."""
        labels = target.encode(cohort.labels(target.task))
        known = ~np.isnan(labels)
        return cls(features[known], labels[known], cohort.patient_ids[known])

    def take(self, chosen: np.ndarray) -> "Labelled":
        """The cases where ``chosen``, bool, shape (case,), is true."""
        return Labelled(self.features[chosen], self.labels[chosen], self.patients[chosen])


def fit_linear(target: Target, train: Labelled, val: Labelled, path: Path) -> np.ndarray:
    """Weights and intercept of one task; a model's output is ``features @ weights + intercept``.

    All models are fitted to the training cases. The one of least mean loss on the validation cases is kept
    (log loss, or absolute error of the encoded label), as other methods stop by the validation loss. Where
    these are too few (:func:`suffices`), the held-out fifths of the training patients choose instead.

    Parameters
    ----------
    target
        The task, as its training labels define it.
    train, val
        Labelled cases.
    path
        Makes the models to choose from.

    Returns
    -------
    numpy.ndarray
        Shape (feature + 1,); all 0, which :meth:`Target.decode` reads as the constant prediction of a task
        that cannot be learnt, where the labels do not differ.
    """
    if not target.learnable or not train.labels.size:
        return np.zeros(train.features.shape[1] + 1)
    if not train.features.shape[1]:
        return np.array([target.prior])
    models = path(train.features, train.labels)
    if suffices(target.binary, val.labels):
        losses = losses_of(target.binary, models, val).mean(axis=1)
    else:
        losses = held_out_losses(target.binary, train, path)
    return models[least(losses)]


def suffices(binary: bool, labels: np.ndarray) -> bool:
    """Whether labels, shape (case,), are enough to choose by."""
    if not binary:
        return labels.size >= 2 * LEAST_JUDGES
    return bool(min((labels > 0).sum(), (labels <= 0).sum()) >= LEAST_JUDGES)


def least(losses: np.ndarray) -> int:
    """Place of the least loss, shape (model,); the first, most penalised, where several are or none is known.

    Losses within :data:`TIE` are equal, so that rounding, which differs between processors, chooses nothing.
    """
    return 0 if np.isnan(losses).all() else int(np.argmax(losses <= np.nanmin(losses) + TIE))


def losses_of(binary: bool, models: np.ndarray, cases: Labelled) -> np.ndarray:
    """Loss of every case under every model, shape (model, case)."""
    outputs = models[:, :-1] @ cases.features.T + models[:, -1:]
    if not binary:
        return np.abs(outputs - cases.labels)
    return np.logaddexp(0, np.where(cases.labels > 0, -outputs, outputs))


def held_out_losses(binary: bool, train: Labelled, path: Path) -> np.ndarray:
    """Mean loss of each fifth of the patients under the models of the others, shape (model,).

    NaN where too few patients differ for every fifth to have a model.
    """
    parts = deal_patients(train.labels, train.patients, PARTS)
    found = []
    for part in np.unique(parts):
        rest = train.take(parts != part)
        if np.unique(rest.labels).size < 2:
            return np.array([np.nan])
        found.append(losses_of(binary, path(rest.features, rest.labels), train.take(parts == part)))
    return np.concatenate(found, axis=1).mean(axis=1)


def deal_patients(labels: np.ndarray, patients: np.ndarray, parts: int) -> np.ndarray:
    """A part, 0 to ``parts - 1``, for every case, shape (case,); a patient's cases share it.

    Patients are put in order of their mean label and dealt out in turn, so every part has its share of
    each class, or of high and low values.
    """
    names, of_patient = np.unique(patients.astype(str), return_inverse=True)
    mean = np.bincount(of_patient, weights=labels) / np.bincount(of_patient)
    place = np.empty(len(names), dtype=int)
    place[np.argsort(mean, kind="stable")] = np.arange(len(names))
    return (place % parts)[of_patient]


def ridge_path(binary: bool, penalties: Sequence[float]) -> Path:
    """Models with a ridge penalty, from the strongest penalty to the weakest; see :func:`solve_ridge`."""
    strongest_first = sorted(penalties, reverse=True)

    def path(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.stack([solve_ridge(binary, features, labels, penalty) for penalty in strongest_first])

    return path


def solve_ridge(binary: bool, features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Weights and intercept at one penalty, shape (feature + 1,).

    Minimises the mean loss plus ``penalty / 2`` times the squared norm of the weights; the intercept is free.
    Binary: the log loss of a logit. Continuous: the absolute error of the encoded label, that is
    ridge-penalised median regression (Koenker and Bassett 1978), solved as a linear support vector machine
    with a tube of no width, because the benchmark's error is absolute. Both are convex, so there is no
    randomness.
    """
    strength = 1 / (penalty * len(labels))  # scikit-learn weighs the sum of the losses instead
    if binary:
        model = LogisticRegression(C=strength, solver="newton-cholesky")
    else:
        model = SVR(kernel="linear", C=strength, epsilon=0.0)
    model.fit(features, labels)
    return np.append(np.ravel(model.coef_), model.intercept_)
