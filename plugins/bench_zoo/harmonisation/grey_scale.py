"""Crops, and radiomics, on the grey scale of the training cases."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings, recipe_name
from bench.errors import CohortError, UsageError
from bench.imaging.crop import Crop, images_in
from bench.methods.lens import Lens
from bench.methods.method import MethodSpec
from bench_zoo.harmonisation.measured import measures, on_measured
from bench_zoo.harmonisation.scale import Floats, Landmarks, Scale, TissueScore, Voxels
from bench_zoo.harmonisation.scaled import Files, blocks, files_of, in_order, scaled_features
from bench_zoo.radiomics.extraction import Settings

SCALES: dict[str, type[Landmarks] | type[TissueScore]] = {"nyul": Landmarks, "zscore": TissueScore}
MASK = "mask"


@dataclass(frozen=True, eq=False)
class ScaledCrops:
    """Crops that are brought to grey scales as they are read, indexed as those of a cohort.

    Parameters
    ----------
    whole
        The crops with the mask as their last channel.
    channels
        How many of its channels are shown.
    scales
        By the channel that each is for.
    """

    whole: Any
    channels: int
    scales: Mapping[int, Scale]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along case, channel, z, y, x."""
        return (len(self), self.channels, *self.whole.shape[2:])

    def __len__(self) -> int:
        return len(self.whole)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> np.ndarray:
        found = np.array(self.whole[index], dtype=np.float32)
        for case in found.reshape(-1, *found.shape[-4:]):
            for channel, scale in self.scales.items():
                case[channel] = scale.apply(case[channel], case[-1] > 0)
        return found[..., : self.channels, :, :, :]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


@dataclass
class GreyScale(Lens):
    """Shows a method images on the grey scale of the training cases.

    A scale is learned of each image channel of each crop that the method reads, from training cases alone; a
    case that is predicted is brought to it by its own image alone. Crops are normalised by their median and
    99th percentile before, as for every method. Radiomics are measured on images that are changed so, anew in
    each fold, by the method's own process: they are in no cache.

    Parameters
    ----------
    intensity
        ``nyul``: :class:`bench_zoo.harmonisation.scale.Landmarks`; ``zscore``:
        :class:`bench_zoo.harmonisation.scale.TissueScore`.
    """

    intensity: Literal["nyul", "zscore"] = "nyul"

    scales: dict[str, Scale] = field(default_factory=dict, init=False, repr=False)
    rows: dict[tuple[str, Files], dict[str, float]] = field(default_factory=dict, init=False, repr=False)

    def crops(self, cohort: Cohort, crop: Crop) -> ScaledCrops:
        """Crops on the scales of the training cases."""
        whole = replace(crop, channels=(*crop.channels, MASK))
        scales = {
            at: self._scale(
                f"{crop.size_mm} {crop.spacing_mm} {channel}", lambda train, at=at: _images(train, whole, at)
            )
            for at, channel in enumerate(crop.channels)
            if images_in(channel, cohort.images)
        }
        return ScaledCrops(cohort.crops(whole), len(crop.channels), scales)

    def radiomics(self, cohort: Cohort, settings: RadiomicsSettings) -> pd.DataFrame:
        """Features of images on the scale of the training cases."""
        if settings.radiomics_file:
            raise UsageError("radiomics_file: the file decides on intensities, so there is no grey scale")
        name, own = recipe_name(settings), Settings(**asdict(settings))
        scale = self._scale(name, lambda train: blocks(train, own))
        files = files_of(cohort)
        for case_id, places in files.items():
            if (name, places) not in self.rows:
                self.rows[name, places] = scaled_features(case_id, places, own, scale)
        return in_order([self.rows[name, files[case_id]] for case_id in cohort.case_ids], cohort.case_ids)

    def as_json(self) -> dict[str, Any]:
        """The scales."""
        return {name: scale.as_json() for name, scale in self.scales.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """What :meth:`as_json` gave."""
        self.scales = {name: SCALES[self.intensity].from_json(one) for name, one in state.items()}

    @classmethod
    def adapted(cls, spec: MethodSpec, specs: Mapping[str, MethodSpec]) -> MethodSpec:
        """Radiomics methods of this package read their features as a table."""
        if measures(spec):
            return replace(on_measured(spec, specs), on_table="")
        if "volumes" not in spec.needs:
            raise UsageError(f"{spec.name} reads no image")
        return spec

    def _scale(self, name: str, read: Callable[[Cohort], Iterable[tuple[Floats, Voxels]]]) -> Scale:
        if name not in self.scales:
            if self.train is None:
                raise CohortError(f"{self.intensity}: such images were not read when the method was fitted")
            self.scales[name] = SCALES[self.intensity].fitted(read(self.train))
        return self.scales[name]


def _images(cohort: Cohort, crop: Crop, channel: int) -> Iterator[tuple[Floats, Voxels]]:
    """One image and the mask of each case."""
    for channels in cohort.crops(crop):
        yield np.asarray(channels[channel]), np.asarray(channels[-1]) > 0
