"""What of the headers of a cohort's files other programs may read otherwise, read once per cohort."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.errors import ImageError
from bench.files import cache_dir, write_whole
from bench.imaging import PREPROCESSING_VERSION
from bench.imaging.source import CropSource
from bench.imaging.volume import open_file

THREADS = 4


def header_notes(source: CropSource) -> list[str]:
    """One text for each case with such a header; from the cache where the cohort's headers were read before.

    Files that cannot be read have no note: what reads their voxels rejects them with the reason.
    """
    path = _kept(source)
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        notes = list(_read(source))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(notes))
    except OSError:  # read again next time
        pass
    return notes


def _kept(source: CropSource) -> Path:
    return cache_dir() / "headers" / f"{source.fingerprint[:16]}-{PREPROCESSING_VERSION}.json"


def _read(source: CropSource) -> Iterator[str]:
    with ThreadPoolExecutor(THREADS) as pool:
        for notes in pool.map(lambda case_id: _notes_of(source, case_id), source.files.index):
            yield from notes[:1]


def _notes_of(source: CropSource, case_id: str) -> list[str]:
    try:
        paths = dict(zip(("image", "mask"), source.paths(case_id), strict=True)) | source.others(case_id)
        files = [open_file(case_id, role, path) for role, path in paths.items()]
    except ImageError:
        return []
    return [f"{file} {note}" for file in files for note in file.notes]
