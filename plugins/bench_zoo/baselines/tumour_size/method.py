"""Biomarkers from the size of the lesion mask alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import SimpleITK as sitk
from sklearn.linear_model import LogisticRegression, QuantileRegressor

from bench.cohorts.cohort import Cohort
from bench.methods.method import Predictions, Run
from bench_zoo.targets import Target, targets_of

FEATURES = ("log_volume", "equivalent_diameter_mm", "longest_axis_mm")
FILE = "tumour_size.json"


@dataclass
class TumourSize:
    """A linear model of three sizes: what is left to a method that sees no intensity.

    Volume (its logarithm, as lesion volumes are about log-normal), diameter of the sphere of equal volume and
    longest axis, measured on the mask's native grid and standardised on the training cases. Binary tasks:
    ridge-penalised logistic regression. Continuous tasks: linear median regression with a small L1 penalty
    (the benchmark's error is absolute, and its minimiser is the median) on the scale of
    :class:`bench_zoo.targets.Target`. There is no randomness; a task whose training labels do not differ gets
    their constant.

    Parameters
    ----------
    inverse_penalty
        Inverse strength of the ridge penalty, as scikit-learn's ``C``.
    median_penalty
        Strength of the L1 penalty of the median regression, as scikit-learn's ``alpha``.
    """

    inverse_penalty: float = 1.0
    median_penalty: float = 0.01

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    mean: np.ndarray = field(default_factory=lambda: np.zeros(len(FEATURES)), init=False, repr=False)
    scale: np.ndarray = field(default_factory=lambda: np.ones(len(FEATURES)), init=False, repr=False)
    weights: np.ndarray = field(
        default_factory=lambda: np.zeros((0, len(FEATURES) + 1)), init=False, repr=False
    )

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Fit one line a task; nothing is tuned, so ``val`` is not used."""
        sizes = size_features(train)
        self.targets = targets_of(train)
        self.mean, deviation = sizes.mean(axis=0), sizes.std(axis=0)
        self.scale = np.where(deviation > 0, deviation, 1.0)
        normal = (sizes - self.mean) / self.scale
        labels = [target.encode(train.labels(target.task)) for target in self.targets]
        pairs = zip(self.targets, labels, strict=True)
        self.weights = np.stack([self._fit_task(target, known, normal) for target, known in pairs])
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        normal = (size_features(cohort) - self.mean) / self.scale
        outputs = normal @ self.weights[:, :-1].T + self.weights[:, -1]
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """A weight a feature and an intercept, a task."""
        return int(self.weights.size)

    def save(self, folder: Path) -> None:
        """Write everything as JSON."""
        state = {
            "params": {"inverse_penalty": self.inverse_penalty, "median_penalty": self.median_penalty},
            "targets": [target.as_json() for target in self.targets],
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "weights": self.weights.tolist(),
        }
        (folder / FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**state["params"])
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.mean, method.scale = np.array(state["mean"]), np.array(state["scale"])
        method.weights = np.array(state["weights"])
        return method

    def _fit_task(self, target: Target, labels: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Weights and intercept of one task, shape (feature + 1,)."""
        if not target.learnable:
            return np.zeros(len(FEATURES) + 1)
        known = ~np.isnan(labels)
        if target.binary:
            model = LogisticRegression(C=self.inverse_penalty)
        else:
            model = QuantileRegressor(quantile=0.5, alpha=self.median_penalty)
        model.fit(normal[known], labels[known])
        return np.append(np.ravel(model.coef_), model.intercept_)


def size_features(cohort: Cohort) -> np.ndarray:
    """The ``FEATURES`` of every case, shape (case, 3)."""
    rows = []
    for case_id in cohort.case_ids:
        mask = cohort.volume(case_id).mask
        rows.append(mask_sizes(sitk.GetArrayViewFromImage(mask) != 0, mask.GetSpacing()[::-1]))
    return np.array(rows).reshape(-1, len(FEATURES))


def mask_sizes(mask: np.ndarray, spacing: Sequence[float]) -> tuple[float, float, float]:
    """Sizes of one lesion.

    Parameters
    ----------
    mask
        True inside, shape (z, y, x), with at least one voxel.
    spacing
        Voxel edges in mm, (z, y, x).

    Returns
    -------
    tuple
        Logarithm of the volume in mm3; diameter in mm of the sphere of equal volume; length in mm of the
        longest axis of the ellipsoid with the mask's second moments, which is 2 sqrt(5) standard deviations,
        a voxel's own extent (variance edge squared over 12) included.
    """
    points = np.argwhere(mask) * np.asarray(spacing)
    volume = len(points) * float(np.prod(spacing))
    spread = np.cov(points.T, bias=True) + np.diag(np.square(spacing)) / 12
    longest = 2 * np.sqrt(5 * np.linalg.eigvalsh(spread)[-1])
    return float(np.log(volume)), float((6 * volume / np.pi) ** (1 / 3)), float(longest)
