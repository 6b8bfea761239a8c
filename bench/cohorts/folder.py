"""The folder cohort: ``cohort.toml``, ``cases.csv`` and image files."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import GROUPS, ROLES, Cohort, Task
from bench.errors import CohortError
from bench.names import unknown_name
from bench.paths import cache_dir
from bench.progress import progress_bar

IDENTITY = ("case_id", "patient_id", "site", "group")
FILES = ("image", "mask")
TOP_KEYS = ("name", "title", "synthetic", "licence", "citation", "label_rule", "features")
TASK_KEYS = ("kind", "title", "positive", "unit", "range", "ranked")


def load_folder(folder: Path) -> Cohort:
    """Read a cohort folder; images are only looked up, not read.

    Raises
    ------
    CohortError
        ``cohort.toml`` or ``cases.csv`` is missing or not as the format asks; the message names the line
        or case at fault and the remedy.
    """
    folder = folder.resolve()
    header = _read_header(folder)
    tasks = _tasks(folder, header)
    cases = _read_cases(folder)
    roles = _roles(folder, header, cases, tasks)
    _check_identity(folder, cases)
    table = _table(folder, cases, tasks, roles)
    files = _files(folder, cases)
    feature_file = folder / header["features"] if "features" in header else None
    return Cohort(
        name=header["name"],
        title=header.get("title", header["name"]),
        synthetic=header["synthetic"],
        licence=header.get("licence", ""),
        citation=header.get("citation", ""),
        label_rule=header.get("label_rule", ""),
        tasks=tasks,
        table=table,
        files=files,
        folder=folder,
        roles=roles,
        feature_file=feature_file,
        fingerprint=_fingerprint(folder, header, files, feature_file),
    )


def _read_header(folder: Path) -> dict[str, Any]:
    path = folder / "cohort.toml"
    if not path.is_file():
        raise CohortError(
            f"{folder} is not a cohort folder: it has no cohort.toml (see README, your own cohort)"
        )
    try:
        header = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CohortError(f"{path}: not valid TOML: {error}") from error
    for key, kind in (("name", str), ("synthetic", bool), ("tasks", dict)):
        if not isinstance(header.get(key), kind) or header[key] == "":
            raise CohortError(f"{path}: expected a {kind.__name__} at {key!r}, got {header.get(key)!r}")
    for key in header:
        if key not in (*TOP_KEYS, "tasks", "columns", "phantom"):
            raise CohortError(f"{path}: {unknown_name('key', key, (*TOP_KEYS, 'tasks', 'columns'))}")
    return header


def _tasks(folder: Path, header: Mapping[str, Any]) -> tuple[Task, ...]:
    return tuple(_task(folder, name, declared) for name, declared in header["tasks"].items())


def _task(folder: Path, name: str, declared: Mapping[str, Any]) -> Task:
    where = f"{folder / 'cohort.toml'}, [tasks.{name}]"
    for key in declared:
        if key not in TASK_KEYS:
            raise CohortError(f"{where}: {unknown_name('key', key, TASK_KEYS)}")
    kind = declared.get("kind")
    if kind not in ("binary", "continuous"):
        raise CohortError(f"{where}: kind must be 'binary' or 'continuous', got {kind!r}")
    low, high = declared.get("range", (-np.inf, np.inf))
    if not low < high:
        raise CohortError(f"{where}: range must be [low, high] with low < high, got [{low}, {high}]")
    return Task(
        name=name,
        kind=kind,
        title=declared.get("title", name.upper()),
        positive=declared.get("positive", ""),
        unit=declared.get("unit", ""),
        range=(float(low), float(high)),
        ranked=declared.get("ranked", True),
    )


def _read_cases(folder: Path) -> pd.DataFrame:
    path = folder / "cases.csv"
    if not path.is_file():
        raise CohortError(f"{path} is missing: it lists the cases, one a line (see README, your own cohort)")
    cases = pd.read_csv(path, dtype=dict.fromkeys((*IDENTITY, *FILES), str), keep_default_na=True)
    missing = [name for name in IDENTITY if name not in cases]
    if missing:
        raise CohortError(
            f"{path}: expected the columns {', '.join(IDENTITY)}; missing: {', '.join(missing)}"
        )
    if ("image" in cases) != ("mask" in cases):
        raise CohortError(f"{path}: image and mask go together; only one of the two columns is there")
    if cases.empty:
        raise CohortError(f"{path} lists no case")
    return cases


def _roles(
    folder: Path, header: Mapping[str, Any], cases: pd.DataFrame, tasks: tuple[Task, ...]
) -> dict[str, str]:
    declared = header.get("columns", {})
    for role in declared:
        if role not in ROLES:
            raise CohortError(f"{folder / 'cohort.toml'}, [columns]: {unknown_name('role', role, ROLES)}")
    roles = {name: role for role, names in declared.items() for name in names}
    lacking = [name for name in (*(task.name for task in tasks), *roles) if name not in cases]
    if lacking:
        raise CohortError(f"{folder / 'cases.csv'}: no column {lacking[0]!r}, which cohort.toml declares")
    known = {*IDENTITY, *FILES, *(task.name for task in tasks), *roles}
    without = [name for name in cases if name not in known]
    if without:
        raise CohortError(
            f"{folder / 'cases.csv'}: column {without[0]!r} has no role; list it in cohort.toml under "
            f"[columns] as {', '.join(ROLES)}, or declare it as a task ({len(without)} such columns)"
        )
    return roles


def _check_identity(folder: Path, cases: pd.DataFrame) -> None:
    where = folder / "cases.csv"
    for name in IDENTITY:
        empty = np.flatnonzero(cases[name].isna())
        if len(empty):
            raise CohortError(f"{where}, line {empty[0] + 2}: {name} is empty")
    twice = cases["case_id"][cases["case_id"].duplicated()]
    if len(twice):
        raise CohortError(f"{where}: case_id {twice.iloc[0]!r} occurs more than once")
    wrong = cases[~cases["group"].isin(GROUPS)]
    if len(wrong):
        row = wrong.iloc[0]
        raise CohortError(
            f"{where}: case {row['case_id']!r} has group {row['group']!r}, expected {' or '.join(GROUPS)}"
        )


def _table(
    folder: Path, cases: pd.DataFrame, tasks: tuple[Task, ...], roles: Mapping[str, str]
) -> pd.DataFrame:
    columns: dict[str, Any] = {name: cases[name].to_numpy(dtype=object) for name in IDENTITY[1:]}
    for task in tasks:
        columns[task.name] = _labels(folder, cases, task)
    for name in roles:
        columns[name] = cases[name].to_numpy()
    return pd.DataFrame(columns, index=pd.Index(cases["case_id"].to_numpy(dtype=object), name="case_id"))


def _labels(folder: Path, cases: pd.DataFrame, task: Task) -> np.ndarray:
    values = pd.to_numeric(cases[task.name], errors="coerce").to_numpy(dtype=float)
    unreadable = np.isnan(values) & cases[task.name].notna().to_numpy()
    if task.kind == "binary":
        wrong, expected = ~np.isnan(values) & ~np.isin(values, (0.0, 1.0)), "0, 1 or empty"
    else:
        low, high = task.range
        wrong = ~np.isnan(values) & ((values < low) | (values > high))
        expected = f"a number from {low:g} to {high:g}, or empty"
    bad = np.flatnonzero(wrong | unreadable)
    if len(bad):
        row = cases.iloc[bad[0]]
        raise CohortError(
            f"{folder / 'cases.csv'}: case {row['case_id']!r} has {task.name} = {row[task.name]!r}, "
            f"expected {expected} ({len(bad)} such cases)"
        )
    return values


def _files(folder: Path, cases: pd.DataFrame) -> pd.DataFrame:
    index = pd.Index(cases["case_id"].to_numpy(dtype=object), name="case_id")
    if "image" not in cases:
        return pd.DataFrame(dict.fromkeys(FILES), index=index)
    files = pd.DataFrame({name: cases[name].to_numpy(dtype=object) for name in FILES}, index=index)
    for case_id, row in files.iterrows():
        for name in FILES:
            _check_file(folder, str(case_id), name, row[name])
    return files


def _check_file(folder: Path, case_id: str, kind: str, relative: Any) -> None:
    if not isinstance(relative, str):
        raise CohortError(f"{folder / 'cases.csv'}: case {case_id!r} has no {kind}")
    normal = os.path.normpath(relative)
    if Path(relative).is_absolute() or normal.startswith(".."):
        raise CohortError(
            f"case {case_id!r}: its {kind} {relative!r} lies outside the cohort folder; "
            "paths are relative and stay inside"
        )
    if not (folder / normal).is_file():
        raise CohortError(f"case {case_id!r}: its {kind} {relative!r} is missing in {folder}")


def _fingerprint(
    folder: Path, header: Mapping[str, Any], files: pd.DataFrame, feature_file: Path | None
) -> str:
    """Hash of the content of every file; a phantom by its generator and table, its images left out.

    Floating-point images differ between processors, so a phantom's identity is what generated it.
    """
    digest = hashlib.sha256()
    names = ["cohort.toml", "cases.csv"]
    if "phantom" not in header:
        names += [str(name) for column in FILES for name in files[column] if isinstance(name, str)]
    if feature_file is not None:
        names.append(str(feature_file.relative_to(folder)))
    for name, content in _content_hashes(folder, sorted(set(names))).items():
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


def _content_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
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
    memory.parent.mkdir(parents=True, exist_ok=True)
    aside = memory.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(known))
    aside.replace(memory)
    return {name: known[name][1] for name in stamps}


def _read_memory(path: Path) -> dict[str, list[str]]:
    try:
        remembered = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"
