"""The crop cache: the crops of a whole cohort in one memory-mapped array, shared by its subsets."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from filelock import FileLock

from bench.errors import CohortError, MachineError, parameter
from bench.files import FULL, cache_dir, reason, replacing
from bench.imaging import PREPROCESSING_VERSION
from bench.imaging.crop import CHANNELS, Crop, require_images
from bench.imaging.crops import Crops, Regions, crops_of
from bench.imaging.cut import Cut, cut_case, cut_images
from bench.imaging.earlier import case_keys, cases_file, earlier_crops, keep_cases
from bench.imaging.source import CropSource
from bench.progress import progress_bar, warn

# Half precision holds distances up to 64 mm to 0.02 mm and normalised intensities to 0.002: less than a
# hundredth of a voxel and of the noise of MRI, in half the disk and page cache.
STORED = np.dtype(np.float16)
# Reading and resampling release the interpreter's lock, so threads suffice; their number changes no crop.
MAX_WORKERS = 8
BATCH = 64
NAMED = 10
REMEDY = "make room, or name another place with BENCH_CACHE, and run again"
_WARNED: set[Path] = set()


class _Kind(NamedTuple):
    """What one file keeps of the crops of a cohort: which channels, and who cuts them of a case."""

    path: Path
    channels: tuple[str, ...]
    cut: Callable[[str], Cut]


def open_crops(source: CropSource, case_ids: Sequence[str], crop: Crop) -> Crops:
    """Crops of the cases in the order given; the cache of the whole source is built where it is missing.

    Raises CohortError naming the cases whose files are missing or unfit, and where a channel shows an image
    that the cases do not have; MachineError where the disk is too small.
    """
    require_images(crop, source.images, source.name)
    rows = source.files.index.get_indexer(pd.Index(case_ids))
    others = partial(open_images, source, crop)
    return crops_of(open_stored(source, crop), others, rows, crop, source.images)


def open_regions(
    source: CropSource,
    case_ids: Sequence[str],
    crop: Crop,
    core_mm: float,
    rim_mm: tuple[float, float],
    surround_mm: tuple[float, float],
) -> Regions:
    """Core, rim and peritumoural region of the cases in the order given; errors as :func:`open_crops`."""
    distances = open_crops(source, case_ids, Crop(crop.size_mm, crop.spacing_mm, ("distance",)))
    return Regions(distances, core_mm, rim_mm, surround_mm)


def preprocessing_fingerprint(crop: Crop) -> str:
    """SHA-256, in hex, of all that makes a case's stored channels from its files: grid, spacing, version."""
    recipe = [PREPROCESSING_VERSION, list(crop.shape), float(crop.spacing_mm)]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def crop_file(source: CropSource, crop: Crop) -> Path:
    """Where the crops of a cohort are kept."""
    name = f"{preprocessing_fingerprint(crop)[:16]}.npy"
    return cache_dir() / "crops" / source.fingerprint[:16] / name


def open_stored(source: CropSource, crop: Crop) -> np.ndarray:
    """All crops of the whole cohort, shape (case, 3, z, y, x), float16, memory-mapped, read-only."""

    def cut(case_id: str) -> Cut:
        return cut_case(case_id, *source.paths(case_id), crop, source.lesion_labels.get(case_id, ()))

    return _open_or_build(source, crop, _Kind(crop_file(source, crop), CHANNELS, cut))


def open_images(source: CropSource, crop: Crop) -> np.ndarray:
    """Every image of the whole cohort, see :func:`bench.imaging.cut.cut_images`.

    Float16, shape (case, image, z, y, x), memory-mapped, read-only; kept beside the file of the first image.
    """

    def cut(case_id: str) -> Cut:
        image, mask = source.paths(case_id)
        files = {source.images[0]: image, **source.others(case_id)}
        return cut_images(case_id, files, mask, crop, source.lesion_labels.get(case_id, ()))

    stem = crop_file(source, crop).with_suffix("")
    return _open_or_build(source, crop, _Kind(Path(f"{stem}-images.npy"), source.images, cut))


def _open_or_build(source: CropSource, crop: Crop, kind: _Kind) -> np.ndarray:
    """One kind of all crops of the whole cohort, from its file, which is made where it is missing."""
    path = kind.path
    described = _description(source, crop, kind)
    stored = _open(path, described)
    if stored is not None:
        _warn_once(source, path)
        return stored
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            stored = _open(path, described)  # another run may have built it while this one waited
            if stored is None:
                _build(source, crop, kind, described)
                stored = _open(path, described)
            _warn_once(source, path)
    if stored is None:
        raise CohortError(f"crop cache {path} changed while it was opened; run again")
    return stored


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell of a disk that is full, or that cannot be written, as MachineError with the remedy."""
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno in FULL else reason(error)
        raise MachineError(f"cannot write the crop cache to {path.parent}: {what}; {REMEDY}") from error


def _description(source: CropSource, crop: Crop, kind: _Kind) -> dict[str, Any]:
    return {
        "cohort": source.name,
        "fingerprint": source.fingerprint,
        "preprocessing_version": PREPROCESSING_VERSION,
        "spacing_mm": float(crop.spacing_mm),
        "axes": ["case", "channel", "z", "y", "x"],
        "shape": [len(source.files), len(kind.channels), *crop.shape],
        "channels": list(kind.channels),
        "case_ids": [str(case_id) for case_id in source.files.index],
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


def _build(source: CropSource, crop: Crop, kind: _Kind, described: dict[str, Any]) -> None:
    """Cut every case's crop into the cache file; the caller holds the lock."""
    path = kind.path
    shape = tuple(described["shape"])
    # One name for all processes: who builds next writes over what a killed one left.
    with replacing(path, path.with_suffix(".part")) as part:
        path.unlink(missing_ok=True)  # it is not what the description will say
        for beside in (_warnings_file(path), cases_file(path)):
            beside.unlink(missing_ok=True)
        keys = case_keys(source)
        path.with_suffix(".json").write_text(json.dumps(described, indent=1))
        stored = _reserved(part, shape)
        with progress_bar(f"crops of {source.name} ({crop.size_mm:g} mm at {crop.spacing_mm:g})") as advance:
            failed: list[str] = []
            noted: list[tuple[str, ...]] = []
            for done, (error, warnings) in enumerate(_cut_all(source, kind, stored, keys), start=1):
                failed += [error] if error else []
                noted.append(warnings)
                advance(done, len(stored))
        _reject(source, failed)
        stored.flush()
        keep_cases(path, list(zip(keys, noted, strict=True)))
        doubtful = [warnings[0] for warnings in noted if warnings]
        _warnings_file(path).write_text(json.dumps(doubtful, indent=1), encoding="utf-8")


def _reserved(part: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.float16]]:
    """An array in a new file, mapped, whose bytes are all taken on the disk.

    Writing through a map to a full disk would end the process with SIGBUS; taken space cannot run out.
    """
    needed = int(np.prod(shape)) * STORED.itemsize
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise MachineError(
            f"the crop cache needs {needed / 1e9:.3g} GB in {part.parent}, {free / 1e9:.3g} GB are free: the "
            f"disk is full; {REMEDY}"
        )
    stored = np.lib.format.open_memmap(part, mode="w+", dtype=STORED, shape=shape)
    with part.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
    return stored


def _cut_all(
    source: CropSource, kind: _Kind, stored: np.ndarray, keys: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Write every crop into ``stored``; yields each case's error, or '', and its warnings.

    A case that an earlier cache holds by the same key is copied.
    """
    earlier = earlier_crops(kind.path, stored.shape[1:], kind.channels)

    def cut(row: int) -> tuple[str, tuple[str, ...]]:
        if known := earlier.get(keys[row]):
            stored[row] = known.stored[known.row]
            return "", known.warnings
        try:
            cut_out = kind.cut(str(source.files.index[row]))
        except CohortError as error:
            return str(error), ()
        stored[row] = _storable(cut_out.channels, kind)
        return "", cut_out.warnings

    with ThreadPoolExecutor(min(MAX_WORKERS, os.cpu_count() or 1)) as pool:
        # In batches, so that the queue of waiting work does not grow with the cohort either.
        for first in range(0, len(stored), BATCH):
            yield from pool.map(cut, range(first, min(first + BATCH, len(stored))))


def _storable(channels: np.ndarray, kind: _Kind) -> np.ndarray:
    """Channels in stored precision, the mask following the distance as rounded."""
    rounded = channels.astype(STORED)
    if kind.channels == CHANNELS:
        rounded[CHANNELS.index("mask")] = rounded[CHANNELS.index("distance")] <= 0
    return rounded


def _reject(source: CropSource, failed: list[str]) -> None:
    if failed:
        more = f"\n... and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
        raise CohortError(
            f"{len(failed)} of {len(source.files)} cases of cohort {source.name!r} cannot be cropped:\n"
            + "\n".join(failed[:NAMED])
            + more
            + f"\n`bench cohort check` names every violation; {parameter('skip_broken')} runs without "
            "these cases"
        )


def _warnings_file(path: Path) -> Path:
    return path.with_suffix(".warnings.json")


def _doubtful(path: Path) -> list[str]:
    """What the building of a cache noted, one text per case; crops of an earlier version have no notes."""
    try:
        return list(json.loads(_warnings_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def crop_warnings(source: CropSource) -> list[str]:
    """How many cases of the cohort's cached crops may mislead, and the first of them; a text per cache."""
    folder = crop_file(source, Crop()).parent
    noted = (_doubtful(path) for path in sorted(folder.glob("*.npy")))
    return list(dict.fromkeys(_text(source, doubtful) for doubtful in noted if doubtful))


def _warn_once(source: CropSource, path: Path) -> None:
    """Warn of cases that may mislead, in each process once: methods open the crops of many subsets."""
    doubtful = _doubtful(path)
    if doubtful and path not in _WARNED:
        _WARNED.add(path)
        warn(_text(source, doubtful))


def _text(source: CropSource, doubtful: list[str]) -> str:
    return (
        f"{len(doubtful)} of {len(source.files)} cases of cohort {source.name!r} may be read wrongly; "
        f"the first: {doubtful[0]} (`bench cohort check` names all)"
    )
