"""Numbers of an image that tell its scanner and centre: grey scale, noise, spectrum, voxel size."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.audit.copies import CROP
from bench.cohorts.cohort import Cohort
from bench.imaging.volume import Volume

QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
# Rings of the spectrum of a slice, bands along each of both axes, slices that are read, least power.
RINGS, BANDS, SLICES, LEAST = 20, 10, 16, 1e-6
COARSE = 5
Floats = NDArray[np.float64]


def appearances(cohort: Cohort) -> Iterator[tuple[str, Floats]]:
    """What methods may read of the images, by its name, shape (case, number).

    Crops are on one grid and have one grey scale; the files have the voxels as the scanner, or who exported
    them, left them.
    """
    crops = cohort.crops(CROP)
    yield "crops", np.array([of_crop(np.asarray(crops[row])[0]) for row in range(len(cohort))])
    yield "image files", np.array([of_file(cohort.volume(case_id)) for case_id in cohort.case_ids])


def of_crop(crop: NDArray[np.float32]) -> Floats:
    """Grey scale, noise, spectrum, and a coarse picture, of a crop of shape (z, y, x)."""
    picture = ndimage.zoom(crop, COARSE / crop.shape[0], order=1).ravel()
    return np.concatenate([_voxels(crop), picture])


def of_file(volume: Volume) -> Floats:
    """Grey scale, noise, spectrum and voxel sizes of an image as its file has it."""
    return np.concatenate([_voxels(volume.array("image")), volume.spacing_mm])


def _voxels(image: NDArray[np.float32]) -> Floats:
    steps = [_mean_step(image, axis, order) for order in (1, 2) for axis in range(3)]
    spread = float(image.std())
    relative = [step / (spread or 1.0) for step in steps]
    levels = len(np.unique(image)) / image.size
    grey = [*np.quantile(image, QUANTILES), spread, *steps, *relative, float((image == 0).mean()), levels]
    return np.concatenate([grey, spectrum(image)])


def _mean_step(image: NDArray[np.float32], axis: int, order: int) -> float:
    """Mean absolute difference of neighbours along an axis, of the first or the second order."""
    steps = np.diff(image, order, axis=axis)
    return float(np.abs(steps).mean()) if steps.size else 0.0


def spectrum(image: NDArray[np.float32]) -> Floats:
    """Logarithm of the power of spatial frequencies within slices, against the mean of all rings.

    Interpolation, zero-filling and filters of a scanner stand there, whatever the grey scale: the power
    falls off at the frequency that was acquired.

    Parameters
    ----------
    image
        Shape (z, y, x).

    Returns
    -------
    numpy.ndarray
        Rings from 0 to half a cycle a voxel, then bands along x and along y.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(4, 64, 64))
    >>> smooth = ndimage.gaussian_filter(noise, (0, 1, 1))
    >>> bool(np.ptp(spectrum(noise)[1:20]) < 1 < np.ptp(spectrum(smooth)[1:20]))
    True
    """
    chosen = np.unique(np.linspace(0, len(image) - 1, SLICES).round().astype(int))
    slices = image[chosen] - image[chosen].mean(axis=(1, 2), keepdims=True)
    window = np.outer(np.hanning(image.shape[1]), np.hanning(image.shape[2]))
    power = (np.abs(np.fft.fft2(slices * window)) ** 2).mean(axis=0)
    along_y, along_x = np.abs(np.fft.fftfreq(image.shape[1])), np.abs(np.fft.fftfreq(image.shape[2]))
    rings = _powers(power, np.hypot(along_y[:, None], along_x[None]), RINGS)
    bands = [_powers(power, np.broadcast_to(along_x[None], power.shape), BANDS)]
    bands += [_powers(power, np.broadcast_to(along_y[:, None], power.shape), BANDS)]
    found: Floats = np.concatenate([rings, *bands]) - rings.mean()
    return found


def _powers(power: Floats, frequency: Floats, parts: int) -> Floats:
    """Logarithm of the mean power in equal parts of the frequencies up to half a cycle a voxel."""
    part = np.minimum((frequency * 2 * parts).astype(int), parts).ravel()
    sums = np.bincount(part, power.ravel(), parts + 1)[:parts]
    counts = np.bincount(part, minlength=parts + 1)[:parts]
    found: Floats = np.log(sums / np.maximum(counts, 1) + LEAST)
    return found
