"""From a case's files to its crop: only the block that the crop covers is read, smoothed and resampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from bench.imaging.crop import Crop
from bench.imaging.distance import signed_distance
from bench.imaging.grid import Grid
from bench.imaging.intensity import in_unit, normalise, unit_of
from bench.imaging.padding import padding_note
from bench.imaging.volume import VolumeFile, check_same_grid, open_file

# Gaussian tails beyond this many standard deviations are cut.
TRUNCATE = 3.0
# What a stored intensity, of one of several images, is clipped to: far beyond tissue, within half precision.
WIDEST = 1000.0


@dataclass(frozen=True, eq=False)
class Cut:
    """A crop: ``channels``, float32, shape (channel, z, y, x), and what may be wrong with it.

    ``notes`` say what of the files' headers other programs may read otherwise; ``padding`` tells of values
    far from all others, and is empty where there are none.
    """

    channels: np.ndarray
    notes: tuple[str, ...] = ()
    padding: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes and padding."""
        return (*self.notes, self.padding) if self.padding else self.notes


def cut_crop(
    case_id: str, image_path: Path, mask_path: Path, crop: Crop, lesion_label: Sequence[float] = ()
) -> np.ndarray:
    """The channels of :func:`cut_case`, float32, shape (channel, z, y, x)."""
    return cut_case(case_id, image_path, mask_path, crop, lesion_label).channels


def cut_case(
    case_id: str, image_path: Path, mask_path: Path, crop: Crop, lesion_label: Sequence[float] = ()
) -> Cut:
    """The crop round one case's lesion, every channel, on an isotropic grid along the patient's axes.

    * The cube is centred on the lesion's bounding box along the patient's axes: z towards the head, y towards
      the back, x towards the patient's left.
    * ``image``: where voxels are smaller than the crop's, smoothed to the crop's resolution against aliasing
      (:func:`smoothing_mm`), then interpolated linearly, then normalised (:func:`normalise`). Beyond the
      image, which ends half a voxel outside its outermost centres, it is 0, the case's median.
    * ``distance``: computed on the image's own grid (:func:`signed_distance`) and interpolated, linearly or,
      where slices are thicker than two voxels of the crop, by cubic splines: shape-based interpolation
      (Raya and Udupa, IEEE Trans Med Imaging 9, 1990).
      Beyond the image there is no lesion. Where the lesion slips between the crop's voxels, or the cube
      between its pieces, the voxel nearest to it gets distance 0.
    * ``mask``: 1 where the distance is at most 0.

    Which voxels of the mask are the lesion: :func:`bench.imaging.lesion.find_lesion`, with ``lesion_label``.

    Returns
    -------
    Cut
        Channels as in ``bench.imaging.crop.CHANNELS``.

    Raises
    ------
    CohortError
        As :func:`bench.imaging.volume.read_volume` and :func:`normalise`; voxels outside the block that
        is read are not looked at.
    """
    image = open_file(case_id, "image", image_path)
    mask = open_file(case_id, "mask", mask_path)
    check_same_grid(image, mask)
    lesion = mask.lesion(lesion_label)
    target = crop_grid(mask.grid, lesion.inside, lesion.first, crop)
    distance = _resampled_distance(mask.grid, lesion.inside, lesion.first, target)
    resampled, padding = _resampled_image(image, target)
    values = normalise(resampled, case_id)
    channels = np.stack([values, distance <= 0, distance]).astype(np.float32)
    padding = f"{image} {padding}" if padding else ""
    return Cut(channels, tuple(f"{file} {note}" for file in (image, mask) for note in file.notes), padding)


def cut_images(
    case_id: str,
    image_paths: Mapping[str, Path],
    mask_path: Path,
    crop: Crop,
    lesion_label: Sequence[float] = (),
) -> Cut:
    """Every image of a case on the grid of :func:`cut_case`, resampled as there, in the unit of the first.

    The median and the 99th percentile of the first image round the lesion are 0 and 1 of all: images of one
    exam share the scanner's gain, so that the difference of two is what changed from one to the other.
    Values are not clipped, so that no difference is cut; where an image ends they are 0.

    Parameters
    ----------
    image_paths
        By the images' names, in their order.

    Returns
    -------
    Cut
        Channels as the images are ordered; notes and padding are of the further images.

    Raises
    ------
    CohortError
        As :func:`cut_case`, for each image.
    """
    files = {name: open_file(case_id, name, path) for name, path in image_paths.items()}
    mask = open_file(case_id, "mask", mask_path)
    first, *others = files.values()
    check_same_grid(first, mask)
    for other in others:
        check_same_grid(first, other)
    lesion = mask.lesion(lesion_label)
    target = crop_grid(mask.grid, lesion.inside, lesion.first, crop)
    resampled = {name: _resampled_image(file, target) for name, file in files.items()}
    units = [unit_of(values, case_id, name) for name, (values, _) in resampled.items()]
    shown = [np.clip(in_unit(values, units[0]), -WIDEST, WIDEST) for values, _ in resampled.values()]
    padded = [f"{file} {resampled[file.role][1]}" for file in others if resampled[file.role][1]]
    notes = tuple(f"{file} {note}" for file in others for note in file.notes)
    return Cut(np.nan_to_num(np.stack(shown), nan=0.0).astype(np.float32), notes, "; ".join(padded))


def crop_grid(native: Grid, lesion: np.ndarray, first: np.ndarray, crop: Crop) -> Grid:
    """The crop's grid, centred on the bounding box, along the patient's axes, of the lesion's voxel centres.

    ``lesion`` is the bounding box's content, shape (z, y, x), whose first voxel has index ``first``.
    """
    points = native.points((np.argwhere(lesion) + first)[:, ::-1])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    size = np.array(crop.shape[::-1])
    spacing = np.full(3, float(crop.spacing_mm))
    return Grid(size, spacing, centre - (size - 1) / 2 * spacing, np.eye(3))


def smoothing_mm(native_mm: np.ndarray, crop_mm: float) -> np.ndarray:
    """Standard deviation, mm, of the Gaussian that blurs voxels of ``native_mm`` to those of the crop.

    ``sigma^2 = (crop^2 - native^2) / (8 ln 2)``, 0 where the crop is the finer: point spread functions with
    the voxel edges as widths at half maximum (Cardoso et al., Scale factor point spread function matching,
    MICCAI 2015).
    """
    return np.asarray(np.sqrt(np.maximum(crop_mm**2 - native_mm**2, 0) / (8 * np.log(2))))


def _resampled_image(image: VolumeFile, target: Grid) -> tuple[np.ndarray, str]:
    """Intensities on the target grid, float32, shape (z, y, x), NaN where the image ends; and of padding."""
    grid = image.grid
    sigma = smoothing_mm(grid.spacing, target.spacing[0]) / grid.spacing
    lower, upper = _cover(grid, target, np.ceil(TRUNCATE * sigma) + 1)
    lower, upper = np.maximum(lower, 0), np.minimum(upper, grid.size - 1)
    if (lower > upper).any():
        return np.full(target.size[::-1], np.nan, np.float32), ""
    block = image.voxels(lower, upper - lower + 1).astype(np.float32)
    padding = padding_note(block)
    block = ndimage.gaussian_filter(block, sigma[::-1], mode="nearest", truncate=TRUNCATE)
    return resample_block(block, grid, lower, target), padding


def _resampled_distance(native: Grid, lesion: np.ndarray, first: np.ndarray, target: Grid) -> np.ndarray:
    """Signed distance on the target grid, mm, float32, shape (z, y, x), at most 0 somewhere."""
    lower, upper = _cover(native, target, np.ones(3))
    # Nearest boundary: it lies within one voxel of the lesion's bounding box, wherever the crop is.
    start = np.minimum(lower[::-1], first - 1)
    stop = np.maximum(upper[::-1], first + lesion.shape) + 1
    block = np.zeros(stop - start, bool)
    block[tuple(slice(a, a + n) for a, n in zip(first - start, lesion.shape, strict=True))] = lesion
    # Straight lines between thick slices cut off what bulges (volume of a 9 mm sphere in 6 mm slices: 0.90 of
    # its own, 0.97 with cubic splines); between thinner ones they do as well, at a third of the cost.
    thick = native.spacing.max() > 2 * target.spacing[0]
    distance = resample_block(
        signed_distance(block, native.spacing[::-1]),
        native,
        start[::-1],
        target,
        sitk.sitkBSpline3 if thick else sitk.sitkLinear,
    )
    deepest = np.unravel_index(distance.argmin(), distance.shape)
    distance[deepest] = min(distance[deepest], 0.0)
    return distance


def _cover(native: Grid, target: Grid, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last native index (x, y, z) of the block that covers the target grid; may leave the image."""
    corners = native.indices(target.corners())
    lower = np.floor(corners.min(axis=0)) - margin
    return lower.astype(int), (np.ceil(corners.max(axis=0)) + margin).astype(int)


def resample_block(
    block: np.ndarray, native: Grid, lower: np.ndarray, target: Grid, interpolator: int = sitk.sitkLinear
) -> np.ndarray:
    """A block that begins at native index ``lower`` (x, y, z) on the target grid; NaN beyond the block."""
    image = sitk.GetImageFromArray(block)
    image.SetSpacing(native.spacing.tolist())
    image.SetOrigin(native.points(lower[None])[0].tolist())
    image.SetDirection(native.direction.ravel().tolist())
    resample = sitk.ResampleImageFilter()
    resample.SetNumberOfThreads(1)
    resample.SetInterpolator(interpolator)
    resample.SetDefaultPixelValue(np.nan)
    resample.SetSize(target.size.tolist())
    resample.SetOutputSpacing(target.spacing.tolist())
    resample.SetOutputOrigin(target.origin.tolist())
    resample.SetOutputDirection(target.direction.ravel().tolist())
    return np.asarray(sitk.GetArrayFromImage(resample.Execute(image)))
