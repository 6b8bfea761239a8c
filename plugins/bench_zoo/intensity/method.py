"""Networks on harmonised crops."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.methods.method import Run
from bench_zoo.intensity.scale import Floats, Landmarks, Scale, TissueScore, Voxels
from bench_zoo.networks.plain_cnn.method import PlainCNN
from bench_zoo.networks.spatial_mtl.method import SpatialMTL
from bench_zoo.torch_parts.examples import Examples, Inputs
from bench_zoo.torch_parts.mixed import MixedIn

FILE = "intensity.json"
SCALES: dict[str, type[Landmarks] | type[TissueScore]] = {"nyul": Landmarks, "zscore": TissueScore}


@dataclass
class Harmonised(MixedIn):
    """A network method whose crops are brought to the grey scale of the training cases; mix it into any.

    The scale is learned from training cases alone, and a case that is predicted is brought to it by its own
    crop alone. Crops are normalised by their median and 99th percentile before, as for every method. The
    first channel is the image, the second the mask.

    Parameters
    ----------
    intensity
        ``nyul``: :class:`bench_zoo.intensity.scale.Landmarks`; ``zscore``:
        :class:`bench_zoo.intensity.scale.TissueScore`.
    """

    intensity: Literal["nyul", "zscore"] = "nyul"

    scale: Scale | None = field(default=None, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Learn the scale, then the network on harmonised crops."""
        self.scale = SCALES[self.intensity].fitted(_crops(train, self._crop()))
        return super().fit(train, val, run)

    def _examples(self, cohort: Cohort) -> Examples:
        examples = super()._examples(cohort)
        return replace(examples, read=lambda indices: self._harmonised(examples.read(indices)))

    def _harmonised(self, inputs: Inputs) -> Inputs:
        if self.scale is None:
            raise RuntimeError("the grey scale has not been learned: call fit or load first")
        images, *others = inputs
        channels = images.numpy().copy()
        for case in channels:
            case[0] = self.scale.apply(case[0], case[1] > 0)
        return (torch.from_numpy(channels), *others)

    def save(self, folder: Path) -> None:
        """Write the scale beside what :meth:`NetworkMethod.save` writes."""
        super().save(folder)
        if self.scale is not None:
            (folder / FILE).write_text(json.dumps(self.scale.as_json()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        method = super().load(folder)
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        method.scale = SCALES[method.intensity].from_json(state)
        return method


def _crops(cohort: Cohort, crop: Crop) -> Iterator[tuple[Floats, Voxels]]:
    """Image and mask of each case."""
    for channels in cohort.crops(crop):
        yield np.asarray(channels[0]), np.asarray(channels[1]) > 0


@dataclass
class HarmonisedCNN(Harmonised, PlainCNN):
    """``multi_task_cnn`` on crops whose grey scale is that of the training cases (:class:`Harmonised`)."""


@dataclass
class HarmonisedSpatial(Harmonised, SpatialMTL):
    """``spatial_mtl`` on crops whose grey scale is that of the training cases (:class:`Harmonised`)."""
