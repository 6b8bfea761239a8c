"""Topology of lesion and surround with a linear model, after TopoTxR, arXiv 2411.03464.

The source finds loops and voids of long persistence in the breast parenchyma and reads them by a network
(``topotxr``); this is the plain model beside it. Taken over: sublevel sets of the intensity, components,
loops and voids. Chosen here: crops of 40 mm at 2.5 mm, smoothed over 3 x 3 x 3 voxels; core, rim and
peritumoural region apart; of each diagram six statistics, a Betti curve of 8 levels and a persistence image
of 4 x 4 cells; a ridge-penalised linear model a task, its penalty chosen on the validation cases. A crop
shows the lesion and its surround, not the parenchyma, so what the source says of parenchyma does not carry
over. Persistence by gudhi (MIT); the source's code is GPL and was not read; no reproduction of published
numbers.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.imaging.regions import REGIONS
from bench.methods.method import Predictions, Run
from bench.methods.search_space import Float
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.tabular.linear import Labelled, fit_linear, ridge_path
from bench_zoo.targets import Target, targets_of
from bench_zoo.topology.features import MEASURES, crop_features
from bench_zoo.topology.persistence import DIMENSIONS

FILE = "topo_features.json"
# A feature of a test case that is farther from the training mean is cut off here, in standard deviations.
FARTHEST = 5.0
WIDTH = len(REGIONS) * DIMENSIONS * MEASURES


@dataclass
class TopoFeatures:
    """A ridge-penalised linear model of persistence by region; there is no randomness.

    Parameters
    ----------
    size_mm, spacing_mm
        Edge and voxel of the crop.
    penalties
        Ridge penalties to choose from.
    """

    size_mm: float = 40.0
    spacing_mm: float = 2.5
    penalties: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0), init=False, repr=False)
    scale: np.ndarray = field(default_factory=lambda: np.ones(0), init=False, repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 1)), init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        """Voxels from fine ones, at which persistence takes long, to such as hide small loops."""
        return {"spacing_mm": Float(2.0, 4.0)}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Fit one line a task; ``val`` chooses the penalty."""
        features = self._features(train)
        self.targets = targets_of(train)
        self.mean, deviation = features.mean(axis=0), features.std(axis=0)
        self.scale = np.where(deviation > 0, deviation, 1.0)
        learn, judge = self._standardised(features), self._standardised(self._features(val))
        rows = [
            fit_linear(
                target,
                Labelled.of(target, learn, train),
                Labelled.of(target, judge, val),
                ridge_path(target.binary, self.penalties),
            )
            for target in self.targets
        ]
        self.weights = np.stack(rows)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        outputs = self._standardised(self._features(cohort)) @ self.weights[:, :-1].T + self.weights[:, -1]
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """A weight a feature and an intercept, a task."""
        return int(self.weights.size)

    def save(self, folder: Path) -> None:
        """Write everything as JSON."""
        state = {
            "params": hyperparameters(self),
            "targets": [target.as_json() for target in self.targets],
            **{name: getattr(self, name).tolist() for name in ("mean", "scale", "weights")},
        }
        (folder / FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method = cls(**from_json(state["params"]))
        method.targets = tuple(Target.from_json(row) for row in state["targets"])
        method.mean, method.scale, method.weights = (
            np.array(state[name]) for name in ("mean", "scale", "weights")
        )
        return method

    def _features(self, cohort: Cohort) -> np.ndarray:
        """Shape (case, feature)."""
        crop = Crop(self.size_mm, self.spacing_mm, ("image",))
        pairs = zip(cohort.crops(crop), cohort.regions(crop), strict=True)
        rows = [crop_features(image[0], regions) for image, regions in pairs]
        return np.reshape(rows, (len(cohort), WIDTH))

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return np.clip((features - self.mean) / self.scale, -FARTHEST, FARTHEST)
