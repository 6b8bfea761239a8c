"""What makes two cohorts the same: a hash of the content of their files."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.image_files import with_data_files
from bench.files import cache_dir, write_whole
from bench.progress import progress_bar


def fingerprint_of(
    folder: Path, header: Mapping[str, Any], files: pd.DataFrame, feature_file: Path | None
) -> str:
    """Hash of the content of every file; a phantom by what generated it and its table.

    Floating-point images differ between processors, and the wording of a phantom's cohort.toml may change:
    neither makes another phantom.
    """
    digest = hashlib.sha256()
    names = ["cases.csv"]
    if "phantom" in header:
        digest.update(json.dumps(header["phantom"], sort_keys=True, default=str).encode())
    else:
        names += ["cohort.toml"]
        names += [str(name) for column in files for name in files[column] if isinstance(name, str)]
    if feature_file is not None:
        names.append(str(feature_file.relative_to(folder)))
    for name, content in content_hashes(folder, with_data_files(folder, names)).items():
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


def content_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file, remembered by size and time of change: hashing a large cohort takes minutes."""
    memory = cache_dir() / "hashes" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"
    known = _read_memory(memory)
    stamps = {name: _stamp(folder / name) for name in names}
    stale = [name for name, stamp in stamps.items() if known.get(name, [None])[0] != stamp]
    if not stale:
        return {name: known[name][1] for name in stamps}
    with progress_bar(f"hashing {len(stale)} files", quiet=len(stale) < 200) as advance:
        for done, name in enumerate(stale, 1):
            with (folder / name).open("rb") as file:
                known[name] = [stamps[name], hashlib.file_digest(file, "sha256").hexdigest()]
            advance(done, len(stale))
    with contextlib.suppress(OSError):  # without a memory the next command hashes again
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(memory, json.dumps(known))
    return {name: known[name][1] for name in stamps}


def _read_memory(path: Path) -> dict[str, list[str]]:
    try:
        remembered = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"
