"""Crops that an earlier cache holds of a case whose files are as they were: they need no cutting again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.errors import ImageError
from bench.imaging.detached import data_file
from bench.imaging.source import CropSource


class EarlierCrop(NamedTuple):
    """A row of the array ``stored``, shape (case, channel, z, y, x), and what was noted when it was cut."""

    stored: np.ndarray
    row: int
    warnings: tuple[str, ...]


def case_keys(source: CropSource) -> list[str]:
    """Hash of all that the crop of each case is cut from, in hex; empty where a file cannot be looked at.

    Files by path, size and times of change, as :func:`bench.cohorts.fingerprint.content_hashes` remembers
    them, and the values of the mask that are the lesion.
    """
    names = ["image", "mask", *(name for name in source.images[1:] if name in source.files)]
    rows = source.files[names].itertuples(name=None)
    return [
        files_key(
            dict(zip(names, map(source.folder.joinpath, paths), strict=True)), source.lesion_labels.get(case)
        )
        for case, *paths in rows
    ]


def files_key(files: Mapping[str, Path], label: Sequence[float] | None = None) -> str:
    """Hash of files, by their roles, as they are, and of the values of the mask that are the lesion.

    In hex; empty where a file cannot be looked at. A file that changes has another size or time.
    """
    try:
        stamps = [[name, *_stamp(path)] for name, path in files.items()]
    except (OSError, ImageError):
        return ""
    return hashlib.sha256(json.dumps([stamps, list(label or ())]).encode()).hexdigest()


def earlier_crops(path: Path, shape: Sequence[int], channels: Sequence[str]) -> dict[str, EarlierCrop]:
    """Crops by the key of their case, from caches of other cohorts with the same preprocessing.

    Parameters
    ----------
    path
        The cache that is to be made: ``crops/<cohort>/<preprocessing>.npy``.
    shape, channels
        Of one case in it.
    """
    found: dict[str, EarlierCrop] = {}
    for other in sorted(path.parent.parent.glob(f"*/{path.name}")):
        try:
            described = json.loads(other.with_suffix(".json").read_text())
            cases = json.loads(cases_file(other).read_text(encoding="utf-8"))
            stored = np.load(other, mmap_mode="r").view(np.ndarray)
        except (OSError, ValueError, EOFError):
            continue
        fits = stored.shape == (len(cases), *shape) and stored.dtype == np.float16
        if fits and described["channels"] == list(channels):
            rows = enumerate(cases)
            found |= {key: EarlierCrop(stored, row, tuple(notes)) for row, (key, notes) in rows if key}
    return found


def keep_cases(path: Path, cases: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Write the key and the notes of every case beside a cache, for those that are made later."""
    cases_file(path).write_text(json.dumps([[key, list(notes)] for key, notes in cases]), encoding="utf-8")


def cases_file(path: Path) -> Path:
    """Where the keys of a cache lie."""
    return path.with_suffix(".cases.json")


def _stamp(path: Path) -> list[str | int]:
    """Path, size and times of change of a file and of that which holds its voxels."""
    stamp: list[str | int] = []
    for file in (path, data_file(path)):
        if file is not None:
            state = file.stat()
            stamp += [str(file.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns]
    return stamp
