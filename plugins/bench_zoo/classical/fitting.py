"""One task: features selected, an estimator chosen and calibrated on held-out patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench_zoo.classical.families import Family, Sample
from bench_zoo.classical.selection import select_features
from bench_zoo.tabular.linear import PARTS, Labelled, deal_patients, least, solve_ridge
from bench_zoo.targets import Target

# Keeps the slope of the calibration finite where the scores separate the classes.
CALIBRATION_PENALTY = 0.01


@dataclass(frozen=True)
class Choice:
    """What is tried for one task.

    Parameters
    ----------
    family
        Estimators to choose from.
    counts
        Numbers of selected features to choose from.
    trees, seed
        See :class:`bench_zoo.classical.families.Sample`.
    """

    family: Family
    counts: tuple[int, ...]
    trees: int
    seed: int

    def estimators(self, binary: bool, cases: int) -> list[Any]:
        """Unfitted estimators for so many cases."""
        return self.family(Sample(binary, cases, self.trees, self.seed))


@dataclass(frozen=True, eq=False)
class FittedTask:
    """A fitted estimator and what makes a model's output of its score.

    Parameters
    ----------
    place
        Which of the candidates it is: the counts in order, and for each the estimators in order.
    columns
        Features that it reads, shape (selected,), int.
    slope, shift
        The output is ``slope * score + shift``.
    train
        What it was fitted to, of the selected features alone.
    estimator
        Of scikit-learn, fitted; None where the constant is all that is predicted.
    """

    place: int
    columns: np.ndarray
    slope: float
    shift: float
    train: Labelled
    estimator: Any

    def outputs(self, features: np.ndarray) -> np.ndarray:
        """On the target's scale, shape (case,); ``features`` has shape (case, feature)."""
        if self.estimator is None:
            return np.full(len(features), self.shift)
        return self.slope * scores_of(self.estimator, features[:, self.columns]) + self.shift


def fit_task(target: Target, train: Labelled, choice: Choice) -> FittedTask:
    """Choose among all numbers of features and estimators, and fit the choice to the training cases.

    Every fifth of the training patients is scored by models of the other four, which select their features
    anew. The candidate of least held-out loss is kept: log loss, or absolute error of the encoded label. The
    held-out scores also calibrate it (:func:`calibrated`).

    Parameters
    ----------
    target
        The task.
    train
        Cases with a label.
    choice
        What is tried.

    Returns
    -------
    FittedTask
        The constant, where too few patients differ for every fifth to have a model, or where the scores
        put held-out patients in the wrong order.
    """
    held_out = held_out_scores(target.binary, train, choice) if target.learnable else None
    if held_out is None:
        return constant_task(target, train)
    scales = [calibrated(target.binary, scores, train.labels) for scores in held_out]
    losses = [
        mean_loss(target.binary, slope * scores + shift, train.labels)
        for scores, (slope, shift) in zip(held_out, scales, strict=True)
    ]
    place = least(np.array(losses))
    slope, shift = scales[place]
    if not slope:
        return constant_task(target, train)
    columns = select_features(train.features, train.labels, _count(choice, target.binary, place))
    kept = Labelled(train.features[:, columns], train.labels, train.patients)
    return FittedTask(place, columns, slope, shift, kept, fitted(target.binary, kept, choice, place))


def constant_task(target: Target, train: Labelled) -> FittedTask:
    """The constant prediction."""
    return FittedTask(
        0, np.empty(0, int), 0.0, target.prior, train.take(np.zeros(len(train.labels), bool)), None
    )


def fitted(binary: bool, kept: Labelled, choice: Choice, place: int) -> Any:
    """The estimator of a candidate, fitted to selected features."""
    estimators = choice.estimators(binary, len(kept.labels))
    return estimators[place % len(estimators)].fit(kept.features, kept.labels)


def _count(choice: Choice, binary: bool, place: int) -> int:
    """Number of features that a candidate has."""
    return choice.counts[place // len(choice.estimators(binary, 1))]


def held_out_scores(binary: bool, train: Labelled, choice: Choice) -> np.ndarray | None:
    """Scores of every case by models of the other patients, shape (candidate, case).

    None where too few patients differ for every fifth to have a model.
    """
    parts = deal_patients(train.labels, train.patients, PARTS)
    rests = [(train.take(parts != part), parts == part) for part in np.unique(parts)]
    if any(np.unique(rest.labels).size < 2 for rest, _ in rests):
        return None
    found = [candidate_scores(binary, rest, train.features[out], choice) for rest, out in rests]
    scores = np.empty((len(found[0]), len(train.labels)))
    for (_, out), values in zip(rests, found, strict=True):
        scores[:, out] = values
    return scores


def candidate_scores(binary: bool, train: Labelled, features: np.ndarray, choice: Choice) -> np.ndarray:
    """Scores of cases, features of shape (case, feature), by every candidate, shape (candidate, case)."""
    order = select_features(train.features, train.labels, max(choice.counts))
    rows = []
    for columns in (order[:count] for count in choice.counts):
        for estimator in choice.estimators(binary, len(train.labels)):
            estimator.fit(train.features[:, columns], train.labels)
            rows.append(scores_of(estimator, features[:, columns]))
    return np.stack(rows)


def scores_of(estimator: Any, features: np.ndarray) -> np.ndarray:
    """Score of each case, shape (case,): a distance or log odds, else a probability or a value."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(features))
    if hasattr(estimator, "predict_joint_log_proba"):
        joint: np.ndarray = estimator.predict_joint_log_proba(features)
        return np.asarray(joint[:, 1] - joint[:, 0])
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(features)[:, 1])
    return np.ravel(estimator.predict(features))


def calibrated(binary: bool, scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Slope and shift from score to output, learnt from held-out scores; both arguments have shape (case,).

    Binary: logistic regression of the label on the score (Platt 1999); the slope is 0 where it would be
    negative. Continuous: slope 1 and the median residual, as many estimators aim at the mean and the
    benchmark's error asks for the median.
    """
    if not binary:
        return 1.0, float(np.median(labels - scores))
    mean, spread = scores.mean(), scores.std() or 1.0
    weight, shift = solve_ridge(True, ((scores - mean) / spread)[:, None], labels, CALIBRATION_PENALTY)
    slope = max(float(weight / spread), 0.0)
    return slope, float(shift - slope * mean)


def mean_loss(binary: bool, outputs: np.ndarray, labels: np.ndarray) -> float:
    """Mean log loss of logits, or mean absolute error; both arguments have shape (case,)."""
    if not binary:
        return float(np.abs(outputs - labels).mean())
    return float(np.logaddexp(0, np.where(labels > 0, -outputs, outputs)).mean())


def arrays_of(tasks: Sequence[FittedTask]) -> dict[str, Any]:
    """Arrays from which :func:`load_tasks` fits the same estimators again."""
    return {
        f"{at}.{name}": value
        for at, task in enumerate(tasks)
        for name, value in (
            ("columns", task.columns),
            ("candidate", np.array([task.place, task.slope, task.shift])),
            ("features", task.train.features),
            ("labels", task.train.labels),
        )
    }


def load_tasks(arrays: Any, targets: Sequence[Target], choice: Choice) -> tuple[FittedTask, ...]:
    """The fitted tasks of :func:`arrays_of`; the estimators are fitted anew to the same cases."""
    found = []
    for at, target in enumerate(targets):
        features, labels = arrays[f"{at}.features"], arrays[f"{at}.labels"]
        place, slope, shift = arrays[f"{at}.candidate"].tolist()
        train = Labelled(features, labels, np.arange(len(labels)).astype(str))
        estimator = fitted(target.binary, train, choice, int(place)) if len(labels) else None
        found.append(FittedTask(int(place), arrays[f"{at}.columns"], slope, shift, train, estimator))
    return tuple(found)
