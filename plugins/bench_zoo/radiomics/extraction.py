"""pyradiomics features of one case: the grid, the intensities, the regions, and the settings behind them.

Choices, in the terms of the Image Biomarker Standardisation Initiative (IBSI, Zwanenburg et al., Radiology
295, 2020):

* Interpolation: a cube round the lesion on an isotropic grid, linear after smoothing to its resolution; the
  mask by shape-based interpolation. All that :func:`bench.imaging.cut.cut_crop` does for every image method,
  so that methods differ by how they read and not by what they are given. The cube grows with the lesion:
  nothing is cut off.
* Intensity: MRI has no unit, so per cent of the way from the cube's median to its 99th percentile, clipped to
  [-300, 400]. No resegmentation.
* Discretisation: fixed bin width, as the intensities have a common scale.
* Texture: three-dimensional matrices at distance 1, features averaged over the 13 directions ("3D_avg").
* Filtered images: response maps of the whole cube by pyradiomics' own filters (LoG: ITK's, scaled by sigma
  squared; wavelet: undecimated coiflet 1, eight bands). Their values have no common unit, so they are
  discretised to a fixed number of equal bins, as the second part of the IBSI advises (Whybra et al.,
  Radiology 310, 2024). Features of the first order and of co-occurrence, whose maximal correlation
  coefficient alone costs as much as the other features: left out there.
* Regions: as :func:`bench.imaging.regions.region_masks`, less what lies beyond the image. Shape features of
  the lesion alone: the other regions' shapes follow from it.

pyradiomics 3.0.1 agrees with IBSI's consensus values but for these definitions: its kurtosis does not take
the 3 off; its axis lengths come from the covariance over n voxels, not n - 1; its bins of fixed width begin
at multiples of the width, not at the least intensity. Total energy, the maximal correlation coefficient and
diameters within slices, rows and columns are its own.
"""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import crop_grid, cut_crop
from bench.imaging.grid import Grid
from bench.imaging.regions import REGIONS, region_masks
from bench.imaging.volume import open_file, read_volume
from bench_zoo.radiomics.own import native_regions, own_extractor
from bench_zoo.radiomics.parameters import FIELD

# Raised whenever the features of unchanged files change: part of a cached table's name.
EXTRACTION_VERSION = 2
# The cube is at least this wide, so that what normalises the intensity is alike for all but the largest
# lesions.
LEAST_SIZE_MM = 48.0
LOG_SIGMAS_MM = (2.0, 4.0)
FILTERED_BINS = 32
TOO_COSTLY = ("MCC",)
IMAGE_TYPES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "original": ("Original", {}),
    "wavelet": ("Wavelet", {}),
    "log": ("LoG", {"sigma": list(LOG_SIGMAS_MM)}),
}


@dataclass(frozen=True)
class Settings:
    """What is measured.

    Parameters
    ----------
    regions
        Any of ``lesion``, ``core``, ``rim`` and ``surround``.
    spacing_mm
        Edge of a voxel of the isotropic grid.
    bin_width
        Width of a grey level of the original image in per cent of the normalised intensity.
    surround_mm
        From where to where outside the boundary the surround reaches.
    image_types
        Any of ``original``, ``wavelet`` (eight coiflet bands) and ``log`` (Laplacian of Gaussian of
        2 and 4 mm).
    radiomics_file
        Parameters of pyradiomics itself as JSON text, or '' for the choices above. They replace grid,
        intensities, bins and image types: image and mask reach pyradiomics as they are.
    """

    regions: tuple[str, ...]
    spacing_mm: float
    bin_width: float
    surround_mm: tuple[float, float]
    image_types: tuple[str, ...]
    radiomics_file: str = ""

    def __post_init__(self) -> None:
        for asked, known in ((self.regions, ("lesion", *REGIONS)), (self.image_types, tuple(IMAGE_TYPES))):
            if not asked or set(asked) - set(known):
                raise ValueError(f"radiomics: expected any of {', '.join(known)}, got {asked}")

    def parts(self) -> list["Settings"]:
        """The settings for the original and for the filtered images, as far as they are asked for."""
        if self.radiomics_file:
            return [self]
        filtered = tuple(name for name in IMAGE_TYPES if name != "original" and name in self.image_types)
        original = ("original",) if "original" in self.image_types else ()
        return [replace(self, image_types=types) for types in (original, filtered) if types]

    def recipe(self) -> dict[str, Any]:
        """All that determines the features of unchanged files: what names a cached table."""
        own = ("regions", "surround_mm", FIELD)
        return {
            name: value
            for name, value in asdict(self).items()
            if (name in own if self.radiomics_file else name != FIELD)
        }


def settings_of(method: Any) -> Settings:
    """The settings among a method's hyperparameters."""
    return Settings(**{its.name: getattr(method, its.name) for its in fields(Settings)})


@dataclass(frozen=True, eq=False)
class Block:
    """A lesion's cube: ``percent``, ``distance`` (mm), both float32, ``inside`` the image; each (z, y, x)."""

    percent: np.ndarray
    distance: np.ndarray
    inside: np.ndarray


def case_features(
    case_id: str, image_path: Path, mask_path: Path, settings: Settings, lesion_label: Sequence[float] = ()
) -> tuple[dict[str, float], str]:
    """Features of one case by ``<region>_<pyradiomics name>``, and why some are absent ('' where none is)."""
    try:
        images = _images_of(case_id, image_path, mask_path, settings, lesion_label)
    except (CohortError, RuntimeError, ValueError) as error:
        return {}, str(error)
    features: dict[str, float] = {}
    failures = []
    for region, pair in images.items():
        try:
            found = [features_of(extractor, *pair) for extractor in _extractors(settings, region)]
        except Exception as error:  # pyradiomics raises whatever its numerics run into
            failures.append(f"{region}: {type(error).__name__}: {error}")
            continue
        features |= {f"{region}_{name}": value for part in found for name, value in part.items()}
    return features, "; ".join(failures)


def _images_of(
    case_id: str, image_path: Path, mask_path: Path, settings: Settings, lesion_label: Sequence[float]
) -> dict[str, tuple[sitk.Image, sitk.Image]]:
    """Image and mask of each region: on the case's own grid for a parameter file, else on its cube's."""
    if settings.radiomics_file:
        volume = read_volume(case_id, image_path, mask_path, lesion_label)
        masks = native_regions(volume, settings.regions, settings.surround_mm)
        return {name: (volume.image, mask) for name, mask in masks.items()}
    block = lesion_block(case_id, image_path, mask_path, settings, lesion_label)
    return {
        name: _as_images(block.percent, mask, settings.spacing_mm)
        for name, mask in region_voxels(block, settings).items()
    }


def _extractors(settings: Settings, region: str) -> list[Any]:
    """What measures a region's original and filtered images, as far as they are asked for."""
    if settings.radiomics_file:
        return [own_extractor(settings.radiomics_file)]
    found = []
    if "original" in settings.image_types:
        found.append(feature_extractor({"binWidth": settings.bin_width}, shape=region == "lesion"))
    filtered = tuple(name for name in settings.image_types if name != "original")
    if filtered:
        found.append(filtered_extractor(filtered))
    return found


def lesion_block(
    case_id: str, image_path: Path, mask_path: Path, settings: Settings, lesion_label: Sequence[float] = ()
) -> Block:
    """The cube round a case's lesion that holds the lesion and its surround whole; errors as ``cut_crop``."""
    mask = open_file(case_id, "mask", mask_path)
    lesion = mask.lesion(lesion_label)
    centres = mask.grid.points((np.argwhere(lesion.inside) + lesion.first)[:, ::-1])
    extent = float(np.ptp(centres, axis=0).max() + mask.grid.spacing.max())
    margin = max(settings.surround_mm[1], 0.0) + 2 * settings.spacing_mm
    crop = Crop(max(LEAST_SIZE_MM, extent + 2 * margin), settings.spacing_mm)
    image, _, distance = cut_crop(case_id, image_path, mask_path, crop, lesion_label)
    inside = within_image(mask.grid, crop_grid(mask.grid, lesion.inside, lesion.first, crop))
    return Block(100 * image, distance, inside)


def within_image(native: Grid, target: Grid) -> np.ndarray:
    """Whether each voxel's centre of the target grid lies in the native image, bool, shape (z, y, x)."""
    shape = tuple(target.size.tolist())
    indices = native.indices(target.points(np.indices(shape).reshape(3, -1).T))
    inside = (np.abs(indices - (native.size - 1) / 2) <= native.size / 2).all(axis=1)
    return np.asarray(inside.reshape(shape).T)


def region_voxels(block: Block, settings: Settings) -> dict[str, np.ndarray]:
    """The voxels of each region asked for, bool, shape (z, y, x)."""
    parts = region_masks(block.distance, surround_mm=settings.surround_mm)
    voxels = {"lesion": block.distance <= 0, **dict(zip(REGIONS, parts, strict=True))}
    return {name: voxels[name] & block.inside for name in settings.regions}


def feature_extractor(
    settings: Mapping[str, Any], image_types: tuple[str, ...] = ("original",), shape: bool = True
) -> Any:
    """A quiet ``RadiomicsFeatureExtractor`` of every feature class, shape of three dimensions where asked.

    ``settings`` are pyradiomics' own (``binWidth`` and so on); what they leave out keeps its default there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of what pyradiomics imports
        from radiomics.featureextractor import RadiomicsFeatureExtractor

        logging.getLogger("radiomics").setLevel(logging.ERROR)
        extractor = RadiomicsFeatureExtractor(additionalInfo=False, **settings)
    extractor.disableAllImageTypes()
    for name in image_types:
        image_type, options = IMAGE_TYPES[name]
        extractor.enableImageTypeByName(image_type, customArgs=options)
    if not shape:
        extractor.enableFeatureClassByName("shape", enabled=False)
    return extractor


def filtered_extractor(image_types: tuple[str, ...]) -> Any:
    """A ``RadiomicsFeatureExtractor`` of filtered images: first order and co-occurrence in equal bins."""
    extractor = feature_extractor({"binCount": FILTERED_BINS}, image_types, shape=False)
    from radiomics.glcm import RadiomicsGLCM

    offered = RadiomicsGLCM.getFeatureNames()
    wanted = [name for name, deprecated in offered.items() if not deprecated and name not in TOO_COSTLY]
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=[], glcm=wanted)
    return extractor


def features_of(extractor: Any, image: sitk.Image, mask: sitk.Image) -> dict[str, float]:
    """Features of the voxels where the mask is 1, by pyradiomics' names; NaN where one is not defined."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # divisions by zero in flat regions: the value itself says so
        found = {name: float(value) for name, value in extractor.execute(image, mask).items()}
    return {name: value if math.isfinite(value) else math.nan for name, value in found.items()}


def _as_images(percent: np.ndarray, mask: np.ndarray, spacing_mm: float) -> tuple[sitk.Image, sitk.Image]:
    images = sitk.GetImageFromArray(percent), sitk.GetImageFromArray(mask.astype(np.uint8))
    for image in images:
        image.SetSpacing((spacing_mm,) * 3)
    return images
