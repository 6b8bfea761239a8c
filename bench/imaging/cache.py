"""The crop cache: the crops of a whole cohort in one memory-mapped array, shared by its subsets."""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from filelock import FileLock

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError
from bench.files import reason
from bench.imaging import PREPROCESSING_VERSION
from bench.imaging.crop import CHANNELS, Crop
from bench.imaging.cut import Cut, cut_case
from bench.imaging.regions import region_masks
from bench.paths import cache_dir
from bench.progress import progress_bar

# Half precision holds distances up to 64 mm to 0.02 mm and normalised intensities to 0.002: less than a
# hundredth of a voxel and of the noise of MRI, in half the disk and page cache.
STORED = np.dtype(np.float16)
# Reading and resampling release the interpreter's lock, so threads suffice; their number changes no crop.
MOST_WORKERS = 8
BATCH = 64
NAMED = 10
# No space left, a quota used up, a file too large for its disk or for this process.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REMEDY = "make room, or name another place with BENCH_CACHE, and run again"

Index = SupportsIndex | slice | np.ndarray | list[int]


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of the cases of a cohort, (case, channel, z, y, x), float32, read from disk when indexed.

    ``crops[i]`` has shape (channel, z, y, x); a slice or an array of indices keeps the first axis.
    """

    stored: np.ndarray
    rows: np.ndarray
    channels: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along case, channel, z, y, x."""
        return (len(self.rows), len(self.channels), *self.stored.shape[2:])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Index) -> np.ndarray:
        rows = np.asarray(self.rows[index])
        return np.asarray(self.stored[rows[..., None], self.channels].astype(np.float32))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Regions:
    """Core, rim and surround of the cases of a cohort, (case, 3, z, y, x), bool, computed when indexed.

    See :func:`bench.imaging.regions.region_masks` for the rule; indexing is that of :class:`Crops`.
    """

    distances: Crops
    core_mm: float
    rim_mm: tuple[float, float]
    surround_mm: tuple[float, float]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along case, region, z, y, x."""
        return (len(self), 3, *self.distances.shape[2:])

    def __len__(self) -> int:
        return len(self.distances)

    def __getitem__(self, index: Index) -> np.ndarray:
        distances = self.distances[index]
        grid = distances.shape[-3:]
        masks = [
            region_masks(distance, self.core_mm, self.rim_mm, self.surround_mm)
            for distance in distances.reshape(-1, *grid)
        ]
        return np.array(masks, bool).reshape(*distances.shape[:-4], 3, *grid)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or bool, copy=False)


def open_crops(cohort: Cohort, crop: Crop) -> Crops:
    """Crops of the cohort's cases in their order; the cache of the whole cohort is built where it is missing.

    Raises CohortError naming the cases whose files are missing or unfit, and where the disk is too small.
    """
    rows = cohort.files.index.get_indexer(cohort.table.index)
    channels = np.array([CHANNELS.index(name) for name in crop.channels])
    return Crops(_open_or_build(cohort, crop), rows, channels)


def open_regions(
    cohort: Cohort,
    crop: Crop,
    core_mm: float,
    rim_mm: tuple[float, float],
    surround_mm: tuple[float, float],
) -> Regions:
    """Core, rim and surround of the cohort's cases in their order; errors as :func:`open_crops`."""
    distances = open_crops(cohort, Crop(crop.size_mm, crop.spacing_mm, ("distance",)))
    return Regions(distances, core_mm, rim_mm, surround_mm)


def preprocessing_fingerprint(crop: Crop) -> str:
    """SHA-256, in hex, of all that makes a case's stored channels from its files: grid, spacing, version."""
    recipe = [PREPROCESSING_VERSION, list(crop.shape), float(crop.spacing_mm)]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def crop_file(cohort: Cohort, crop: Crop) -> Path:
    """Where the crops of a cohort are kept."""
    name = f"{preprocessing_fingerprint(crop)[:16]}.npy"
    return cache_dir() / "crops" / cohort.fingerprint[:16] / name


def _open_or_build(cohort: Cohort, crop: Crop) -> np.ndarray:
    """All crops of the whole cohort, shape (case, 3, z, y, x), float16, memory-mapped, read-only."""
    path = crop_file(cohort, crop)
    described = _description(cohort, crop)
    stored = _open(path, described)
    if stored is not None:
        return stored
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            stored = _open(path, described)  # another run may have built it while this one waited
            if stored is None:
                _build(cohort, crop, path, described)
                stored = _open(path, described)
    if stored is None:
        raise CohortError(f"crop cache {path} changed while it was opened; run again")
    return stored


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell of a disk that is full, or that cannot be written, as CohortError with the remedy."""
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno in FULL else reason(error)
        raise CohortError(f"cannot write the crop cache to {path.parent}: {what}; {REMEDY}") from error


def _description(cohort: Cohort, crop: Crop) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "fingerprint": cohort.fingerprint,
        "preprocessing_version": PREPROCESSING_VERSION,
        "spacing_mm": float(crop.spacing_mm),
        "axes": ["case", "channel", "z", "y", "x"],
        "shape": [len(cohort.files), len(CHANNELS), *crop.shape],
        "channels": list(CHANNELS),
        "case_ids": [str(case_id) for case_id in cohort.files.index],
    }


def _open(path: Path, described: dict[str, Any]) -> np.ndarray | None:
    """The stored array, or None where it is missing, truncated or not what the description says."""
    try:
        found = json.loads(path.with_suffix(".json").read_text())
        stored = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    fits = found == described and list(stored.shape) == described["shape"] and stored.dtype == STORED
    return stored.view(np.ndarray) if fits else None


def _build(cohort: Cohort, crop: Crop, path: Path, described: dict[str, Any]) -> None:
    """Cut every case's crop into a file aside and rename it; the caller holds the lock."""
    part = path.with_suffix(".part")
    shape = tuple(described["shape"])
    try:
        path.unlink(missing_ok=True)  # it is not what the description will say
        path.with_suffix(".json").write_text(json.dumps(described, indent=1))
        stored = _reserved(part, shape)
        with progress_bar(f"crops of {cohort.name} ({crop.size_mm:g} mm at {crop.spacing_mm:g})") as advance:
            broken: list[str] = []
            doubtful: list[str] = []
            for done, (error, warnings) in enumerate(_cut_all(cohort, crop, stored), start=1):
                broken += [error] if error else []
                doubtful += warnings[:1]
                advance(done, len(stored))
        _refuse_broken(cohort, broken)
        _warn(cohort, doubtful)
        stored.flush()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _reserved(part: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.float16]]:
    """An array in a new file, mapped, whose bytes are all taken on the disk.

    Writing through a map to a full disk would end the process with SIGBUS; taken space cannot run out.
    """
    needed = int(np.prod(shape)) * STORED.itemsize
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise CohortError(
            f"the crop cache needs {needed / 1e9:.3g} GB in {part.parent}, {free / 1e9:.3g} GB are free: the "
            f"disk is full; {REMEDY}"
        )
    stored = np.lib.format.open_memmap(part, mode="w+", dtype=STORED, shape=shape)
    with part.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
    return stored


def _cut_all(cohort: Cohort, crop: Crop, stored: np.ndarray) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Write every crop into ``stored``; yields each case's error, or '', and its warnings."""

    def cut(row: int) -> tuple[str, tuple[str, ...]]:
        try:
            its = _cut(cohort, crop, row)
        except CohortError as error:
            return str(error), ()
        stored[row] = _storable(its.channels)
        return "", its.warnings

    with ThreadPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as pool:
        # In batches, so that the queue of waiting work does not grow with the cohort either.
        for first in range(0, len(stored), BATCH):
            yield from pool.map(cut, range(first, min(first + BATCH, len(stored))))


def _cut(cohort: Cohort, crop: Crop, row: int) -> Cut:
    case_id, files = str(cohort.files.index[row]), cohort.files.iloc[row]
    image, mask = cohort.folder / files["image"], cohort.folder / files["mask"]
    return cut_case(case_id, image, mask, crop, cohort.lesion_labels.get(case_id, ()))


def _storable(channels: np.ndarray) -> np.ndarray:
    """Channels in stored precision, the mask following the distance as rounded."""
    rounded = channels.astype(STORED)
    rounded[CHANNELS.index("mask")] = rounded[CHANNELS.index("distance")] <= 0
    return rounded


def _refuse_broken(cohort: Cohort, broken: list[str]) -> None:
    if broken:
        more = f"\n... and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        raise CohortError(
            f"{len(broken)} of {len(cohort.files)} cases of cohort {cohort.name!r} cannot be cropped:\n"
            + "\n".join(broken[:NAMED])
            + more
            + "\n`bench cohort check` names every fault; `--skip-broken` runs without these cases"
        )


def _warn(cohort: Cohort, doubtful: list[str]) -> None:
    """Say on standard error how many cases may mislead, and name the first."""
    if doubtful:
        print(
            f"warning: {len(doubtful)} of {len(cohort.files)} cases of cohort {cohort.name!r} may be read "
            f"wrongly; the first: {doubtful[0]} (`bench cohort check` names all)",
            file=sys.stderr,
        )
