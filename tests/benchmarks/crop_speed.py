"""Crops a second, against a plain MONAI chain on the same full-size files, in one process with one thread.

Run with ``uv run python -m tests.benchmarks.crop_speed``. The MONAI chain loads image and mask, orients both,
resamples the whole volume to the crop's spacing and cuts a cube round the lesion; ours also computes the
signed distance and normalises the intensities. Exits with 1 where the ratio is below 8 or the crops disagree.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Orientationd, Spacingd, SpatialCrop
from scipy import ndimage

from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop
from tests.benchmarks.figure import Figure, tell

SHAPE = (120, 448, 448)
SPACING = (1.5, 0.7, 0.7)
CROP = Crop(size_mm=48, spacing_mm=1.5)
MIN_RATIO, MIN_CORRELATION = 8.0, 0.95


def write_exam(folder: Path, seed: int) -> tuple[Path, Path]:
    """One full-size exam, int16 and uint8, gzip: a breast-like body, tissue, a lesion and Rician noise."""
    rng = np.random.default_rng(seed)
    body, tissue = _body(), _tissue(rng)
    lesion = _lesion(rng)
    signal = body * (400 + 120 * tissue) + 500 * ndimage.gaussian_filter(lesion.astype(np.float32), 1)
    noise = 15 * rng.standard_normal((2, *SHAPE), dtype=np.float32)
    image = np.hypot(signal + noise[0], noise[1]).astype(np.int16)
    paths = folder / f"{seed}_image.nii.gz", folder / f"{seed}_mask.nii.gz"
    for path, voxels in zip(paths, (image, lesion), strict=True):
        volume = sitk.GetImageFromArray(voxels)
        volume.SetSpacing(SPACING[::-1])
        volume.SetOrigin((-157.0, -157.0, -90.0))
        sitk.WriteImage(volume, path, useCompression=True)
    return paths


def _body() -> np.ndarray:
    y, x = np.meshgrid(np.linspace(-1, 1, SHAPE[1]), np.linspace(-1, 1, SHAPE[2]), indexing="ij")
    return ((y / 0.8) ** 2 + (x / 0.95) ** 2 < 1).astype(np.float32)


def _tissue(rng: np.random.Generator) -> np.ndarray:
    coarse = ndimage.gaussian_filter(rng.standard_normal([n // 8 for n in SHAPE], dtype=np.float32), 1)
    return ndimage.zoom(coarse / coarse.std(), 8, order=1)


def _lesion(rng: np.random.Generator) -> np.ndarray:
    centre = rng.integers((25, 130, 110), (95, 320, 340))
    squares = [((np.arange(n) - c) * s) ** 2 for n, c, s in zip(SHAPE, centre, SPACING, strict=True)]
    distance = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    return (distance < rng.uniform(6, 14)).astype(np.uint8)


def monai_crop(image: Path, mask: Path) -> np.ndarray:
    """The image's crop by a plain MONAI chain, shape (z, y, x)."""
    keys = ("image", "mask")
    chain = Compose(
        [
            LoadImaged(keys),
            EnsureChannelFirstd(keys),
            Orientationd(keys, axcodes="LPS", labels=None),
            Spacingd(keys, pixdim=(CROP.spacing_mm,) * 3, mode=("bilinear", "nearest")),
        ]
    )
    case = chain({"image": image, "mask": mask})
    lesion = torch.nonzero(case["mask"][0])
    centre = (lesion.min(dim=0).values + lesion.max(dim=0).values + 1) // 2
    cube = SpatialCrop(roi_center=centre, roi_size=CROP.shape)(case["image"])
    return np.asarray(cube[0]).transpose(2, 1, 0)


def bench_crop(image: Path, mask: Path) -> np.ndarray:
    """The image's crop by this benchmark, shape (z, y, x)."""
    return cut_crop(image.name, image, mask, CROP)[0]


def seconds(cut: Callable[[Path, Path], np.ndarray], exam: tuple[Path, Path]) -> tuple[float, np.ndarray]:
    """Time of one crop, and the crop."""
    started = time.perf_counter()
    crop = cut(*exam)
    return time.perf_counter() - started, crop


def main() -> int:
    """Print both rates, their ratio and how far the crops agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5, help="number of exams (default 5)")
    files = parser.parse_args().files
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    warnings.simplefilter("ignore")  # MONAI's, about its own dependencies
    times: dict[str, list[float]] = {"bench": [], "MONAI": []}
    agreement = []
    with tempfile.TemporaryDirectory() as folder:
        exams = [write_exam(Path(folder), seed) for seed in range(files)]
        bench_crop(*exams[0]), monai_crop(*exams[0])  # first calls import and warm up
        for exam in exams:
            ours, crop = seconds(bench_crop, exam)
            theirs, other = seconds(monai_crop, exam)
            times["bench"].append(ours)
            times["MONAI"].append(theirs)
            agreement.append(float(np.corrcoef(crop.ravel(), other.ravel())[0, 1]))
    rates = {name: 1 / float(np.median(each)) for name, each in times.items()}
    ratio = rates["bench"] / rates["MONAI"]
    print(f"median of {files} exams of {SHAPE[::-1]} voxels, gzip NIfTI, one process, one thread")
    for name, rate in rates.items():
        print(f"{name:6} {rate:6.2f} crops a second")
    print(f"ratio  {ratio:6.1f}   (at least {MIN_RATIO:g} wanted)")
    print(f"correlation of the crops: lowest {min(agreement):.3f} (at least {MIN_CORRELATION:g} wanted)")
    tell(Figure("crops a second", "1/s", rates["bench"], rates["MONAI"], "MONAI", MIN_RATIO, at_least=True))
    return int(ratio < MIN_RATIO or min(agreement) < MIN_CORRELATION)


if __name__ == "__main__":
    sys.exit(main())
