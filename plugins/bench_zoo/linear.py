"""Ridge-penalised linear models, one a task, the strength of the penalty chosen inside the training cases."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVR

from bench_zoo.targets import Target

# Parts of the training cases that choose the penalty.
PARTS = 5


def fit_linear(
    target: Target,
    features: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    penalties: Sequence[float],
) -> np.ndarray:
    """Weights and intercept of one task; a model's output is ``features @ weights + intercept``.

    Minimises the mean loss of the labelled cases plus ``penalty / 2`` times the squared norm of the weights;
    the intercept is free. Binary: the log loss of a logit. Continuous: the absolute error of the encoded
    label, that is ridge-penalised median regression (Koenker and Bassett 1978), solved as a linear support
    vector machine with a tube of no width, because the benchmark's error is absolute. Both are convex, so
    there is no randomness. The penalty is the one of least mean loss on held-out fifths of the training
    patients.

    Parameters
    ----------
    target
        The task, as its training labels define it.
    features
        Finite and standardised, shape (case, feature).
    labels
        On the target's scale, shape (case,), NaN where unknown.
    patients
        Patient of each case, shape (case,): no patient helps to choose the penalty of a model that saw it.
    penalties
        Strengths to choose from.

    Returns
    -------
    numpy.ndarray
        Shape (feature + 1,); all 0, which :meth:`Target.decode` reads as the constant prediction of a task
        that cannot be learnt, where the labels do not differ.
    """
    known = ~np.isnan(labels)
    if not target.learnable or not known.any():
        return np.zeros(features.shape[1] + 1)
    if not features.shape[1]:
        return np.array([target.prior])
    features, labels, patients = features[known], labels[known], patients[known]
    penalty = choose_penalty(target.binary, features, labels, patients, penalties)
    return solve(target.binary, features, labels, penalty)


def choose_penalty(
    binary: bool, features: np.ndarray, labels: np.ndarray, patients: np.ndarray, penalties: Sequence[float]
) -> float:
    """The penalty of least held-out loss; the strongest where too few patients differ to tell."""
    strongest_first = sorted(penalties, reverse=True)
    parts = deal_patients(labels, patients, PARTS)
    losses = np.array([held_out_loss(binary, features, labels, parts, its) for its in strongest_first])
    return strongest_first[0] if np.isnan(losses).all() else strongest_first[int(np.nanargmin(losses))]


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


def held_out_loss(
    binary: bool, features: np.ndarray, labels: np.ndarray, parts: np.ndarray, penalty: float
) -> float:
    """Mean loss of each part under the model of the others; NaN where one cannot be fitted."""
    losses = np.empty(len(labels))
    for part in np.unique(parts):
        out = parts == part
        if np.unique(labels[~out]).size < 2:
            return np.nan
        weights = solve(binary, features[~out], labels[~out], penalty)
        outputs = features[out] @ weights[:-1] + weights[-1]
        wrong = np.where(labels[out] > 0, -outputs, outputs) if binary else outputs - labels[out]
        losses[out] = np.logaddexp(0, wrong) if binary else np.abs(wrong)
    return float(losses.mean())


def solve(binary: bool, features: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Weights and intercept at one penalty, shape (feature + 1,)."""
    strength = 1 / (penalty * len(labels))  # scikit-learn weighs the sum of the losses instead
    if binary:
        model = LogisticRegression(C=strength, solver="newton-cholesky")
    else:
        model = SVR(kernel="linear", C=strength, epsilon=0.0)
    model.fit(features, labels)
    return np.append(np.ravel(model.coef_), model.intercept_)
