"""The folder cohort: ``cohort.toml``, ``cases.csv`` and image files."""

import contextlib
import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import GROUPS, ROLES, Cohort, Task
from bench.cohorts.fault import Fault, Tell, refuse
from bench.metrics import METRICS, unfit_to_rank
from bench.names import unknown_name
from bench.paths import cache_dir
from bench.progress import progress_bar

IDENTITY = ("case_id", "patient_id", "site", "group")
FILES = ("image", "mask")
TOP_KEYS = ("name", "title", "synthetic", "licence", "citation", "label_rule", "features")
TASK_KEYS = ("kind", "title", "positive", "unit", "range", "ranked", "metric")
# Rules of faults that leave a file unread.
MISSING, OUTSIDE = "missing file", "path outside the folder"
SEE = "see README, your own cohort"
SEE_METRICS = "see `bench metrics --list`"


@dataclass(frozen=True, eq=False)
class Listing:
    """What the two text files of a cohort folder say, as far as they can be read.

    ``cases`` has the rows and columns of ``cases.csv``; ``labels`` has the same rows and one column a task,
    float, NaN where the label is unknown or not as declared.
    """

    folder: Path
    header: Mapping[str, Any]
    tasks: tuple[Task, ...]
    roles: Mapping[str, str]
    cases: pd.DataFrame = field(repr=False)
    labels: pd.DataFrame = field(repr=False)


def load_folder(folder: Path) -> Cohort:
    """Read a cohort folder; images are only looked up, not read.

    Raises
    ------
    CohortError
        ``cohort.toml`` or ``cases.csv`` is missing or not as the format asks: the first of the faults that
        :func:`read_listing` tells. The message names the line or case at fault and the remedy.
    """
    return cohort_of(read_listing(folder, refuse))


def read_listing(folder: Path, tell: Tell) -> Listing:
    """Read ``cohort.toml`` and ``cases.csv`` and look the files up; every fault goes to ``tell``."""
    folder = folder.resolve()
    header = _read_header(folder, tell)
    tasks = _tasks(folder, header, tell)
    cases = _read_cases(folder, tell)
    roles = _roles(folder, header, tell)
    if header and not cases.empty:
        _check_columns(folder, [*header["tasks"], *roles], cases, tell)
    _check_identity(folder, cases, tell)
    labels = {task.name: _labels(folder, cases, task, tell) for task in tasks if task.name in cases}
    _check_files(folder, cases, tell)
    _check_features(folder, header, cases, tell)
    roles = {name: role for name, role in roles.items() if name in cases}
    return Listing(folder, header, tasks, roles, cases, pd.DataFrame(labels, index=cases.index))


def cohort_of(listing: Listing) -> Cohort:
    """The cohort of a listing without faults."""
    header, cases = listing.header, listing.cases
    files = _files(cases)
    feature_file = listing.folder / header["features"] if "features" in header else None
    return Cohort(
        name=header["name"],
        title=header.get("title", header["name"]),
        synthetic=header["synthetic"],
        licence=header.get("licence", ""),
        citation=header.get("citation", ""),
        label_rule=header.get("label_rule", ""),
        tasks=listing.tasks,
        table=_table(listing),
        files=files,
        folder=listing.folder,
        roles=listing.roles,
        feature_file=feature_file,
        fingerprint=_fingerprint(listing.folder, header, files, feature_file),
    )


def _table(listing: Listing) -> pd.DataFrame:
    columns: dict[str, Any] = {name: listing.cases[name].to_numpy(dtype=object) for name in IDENTITY[1:]}
    columns |= {task.name: listing.labels[task.name].to_numpy() for task in listing.tasks}
    columns |= {name: listing.cases[name].to_numpy() for name in listing.roles}
    return pd.DataFrame(columns, index=_case_index(listing.cases))


def _files(cases: pd.DataFrame) -> pd.DataFrame:
    index = _case_index(cases)
    if "image" not in cases:
        return pd.DataFrame(dict.fromkeys(FILES), index=index)
    return pd.DataFrame({name: cases[name].to_numpy(dtype=object) for name in FILES}, index=index)


def _case_index(cases: pd.DataFrame) -> "pd.Index[Any]":
    index: pd.Index[Any] = pd.Index(cases["case_id"].to_numpy(dtype=object), name="case_id")
    return index


# What cohort.toml says.


def _read_header(folder: Path, tell: Tell) -> dict[str, Any]:
    """The header with well-formed keys alone; empty where there is none."""
    path = folder / "cohort.toml"
    if not path.is_file():
        tell(Fault("no cohort.toml", f"{folder} is not a cohort folder: it has no cohort.toml ({SEE})"))
        return {}
    try:
        header = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        tell(Fault("cohort.toml", f"{path}: not valid TOML: {error}; correct that line"))
        return {}
    known = (*TOP_KEYS, "tasks", "columns")
    for key in header:
        if key not in (*known, "phantom"):
            tell(Fault("cohort.toml", f"{path}: {unknown_name('key', key, known)} Rename or remove it."))
    for key, kind in (("name", str), ("synthetic", bool), ("tasks", dict)):
        if not isinstance(header.get(key), kind) or header[key] == "":
            detail = f"{path}: expected a {kind.__name__} at {key!r}, got {header.get(key)!r}; {SEE}"
            tell(Fault("cohort.toml", detail))
            header[key] = kind()
    if not isinstance(header.setdefault("columns", {}), dict):
        what = f"[columns] must hold lists of column names by role, got {header['columns']!r}"
        tell(Fault("cohort.toml", f"{path}: {what}; {SEE}"))
        header["columns"] = {}
    if header["tasks"] == {}:
        tell(Fault("cohort.toml", f"{path}: declares no task; add a [tasks.NAME] for each label ({SEE})"))
    return header


def _tasks(folder: Path, header: Mapping[str, Any], tell: Tell) -> tuple[Task, ...]:
    tasks = (_task(folder, name, declared, tell) for name, declared in header.get("tasks", {}).items())
    return tuple(task for task in tasks if task is not None)


def _task(folder: Path, name: str, declared: Any, tell: Tell) -> Task | None:
    """The task, or None where it is not declared well enough to read its labels."""
    where = f"{folder / 'cohort.toml'}, [tasks.{name}]"
    kind = declared.get("kind") if isinstance(declared, dict) else None
    if kind not in ("binary", "continuous"):
        tell(Fault("cohort.toml", f"{where}: kind must be 'binary' or 'continuous', got {kind!r}; choose"))
        return None
    for key in declared:
        if key not in TASK_KEYS:
            tell(Fault("cohort.toml", f"{where}: {unknown_name('key', key, TASK_KEYS)} Rename or remove it."))
    return Task(
        name=name,
        kind=kind,
        title=_typed(where, declared, "title", name.upper(), tell),
        positive=_typed(where, declared, "positive", "", tell),
        unit=_typed(where, declared, "unit", "", tell),
        range=_range(where, declared.get("range", [-np.inf, np.inf]), tell),
        ranked=_typed(where, declared, "ranked", True, tell),
        metric=_metric(where, declared, kind, tell),
    )


def _typed(where: str, declared: Mapping[str, Any], key: str, default: Any, tell: Tell) -> Any:
    """The declared value, or the default where there is none or one of another type, which is told."""
    value, kind = declared.get(key, default), type(default)
    if isinstance(value, kind):
        return value
    wanted = "true or false" if kind is bool else "text in quotes"
    tell(Fault("cohort.toml", f"{where}: {key} must be {wanted}, got {value!r}; correct it"))
    return default


def _metric(where: str, declared: Mapping[str, Any], kind: str, tell: Tell) -> str:
    """Name of the declared ranking metric, empty where there is none; a plugin's is looked up in a run."""
    name = declared.get("metric", "")
    if not isinstance(name, str):
        tell(Fault("cohort.toml", f"{where}: metric must be the name of one, got {name!r}; {SEE_METRICS}"))
        return ""
    fault = None if name not in METRICS else unfit_to_rank(METRICS[name], kind)
    if fault:
        tell(Fault("cohort.toml", f"{where}: {fault}; {SEE_METRICS}"))
        return ""
    return name


def _range(where: str, declared: Any, tell: Tell) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in declared)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        detail = f"{where}: range must be [low, high], with low < high, got {declared}; correct it"
        tell(Fault("cohort.toml", detail))
        return (-np.inf, np.inf)
    return (low, high)


def _roles(folder: Path, header: Mapping[str, Any], tell: Tell) -> dict[str, str]:
    """Declared role of each column."""
    where = f"{folder / 'cohort.toml'}, [columns]"
    roles: dict[str, str] = {}
    for role, names in header.get("columns", {}).items():
        if role not in ROLES:
            tell(Fault("cohort.toml", f"{where}: {unknown_name('role', role, ROLES)} Rename or remove it."))
        elif not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            tell(Fault("cohort.toml", f"{where}: {role} must be a list of column names, got {names!r}"))
        else:
            for name in names:
                _check_role(where, name, role, header, roles, tell)
            roles |= dict.fromkeys(names, role)
    return roles


def _check_role(
    where: str, name: str, role: str, header: Mapping[str, Any], roles: Mapping[str, str], tell: Tell
) -> None:
    """Tell of a column that is something else already: a covariate that holds a label would give it away."""
    taken = ""
    if name in (*IDENTITY, *FILES):
        taken = "one of the columns with fixed names"
    elif name in header.get("tasks", {}):
        taken = "a task"
    elif name in roles:
        taken = f"listed as {roles[name]}"
    if taken:
        detail = f"{where}: column {name!r} is {taken} and cannot be {role} too; remove it from one"
        tell(Fault("column with two roles", detail))


def _check_columns(folder: Path, declared: Iterable[str], cases: pd.DataFrame, tell: Tell) -> None:
    """Tell of columns that one of the two files lacks; ``declared`` are tasks and columns with a role."""
    where = folder / "cases.csv"
    for name in declared:
        if name not in cases:
            detail = f"{where}: no column {name!r}, which cohort.toml declares; add it or do not declare it"
            tell(Fault("missing column", detail))
    for name in map(str, cases):
        if name not in (*IDENTITY, *FILES, *declared):
            detail = (
                f"{where}: column {name!r} has no role; list it in cohort.toml under [columns] as "
                f"{', '.join(ROLES)}, or declare it as a task"
            )
            tell(Fault("column without a role", detail))


# What cases.csv says.


def _read_cases(folder: Path, tell: Tell) -> pd.DataFrame:
    """The table as it stands; without a row where it cannot be read."""
    path = folder / "cases.csv"
    nothing = pd.DataFrame(columns=list(IDENTITY), dtype=str)
    if not path.is_file():
        tell(Fault("no cases.csv", f"{path} is missing: it lists the cases, one a line ({SEE})"))
        return nothing
    try:
        cases = _read_table(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        tell(Fault("cases.csv", f"{path} cannot be read ({error}); save it as comma-separated UTF-8 text"))
        return nothing
    missing = [name for name in IDENTITY if name not in cases]
    if missing:
        detail = (
            f"{path}: expected the columns {', '.join(IDENTITY)}; missing: {', '.join(missing)}; add them "
            "(and separate columns by commas)"
        )
        tell(Fault("missing column", detail))
    if ("image" in cases) != ("mask" in cases):
        detail = f"{path}: image and mask go together; only one of the two columns is there, add the other"
        tell(Fault("missing column", detail))
    if cases.empty:
        tell(Fault("no cases", f"{path} lists no case; add one line a case"))
    return nothing if "case_id" in missing else cases


def _read_table(path: Path) -> pd.DataFrame:
    """The lines that hold anything; names and paths as text without blanks round it, and ``NA`` a name."""
    table = pd.read_csv(path)
    # Read once more, as what pandas takes for missing cannot be told column by column.
    named = [name for name in (*IDENTITY, *FILES) if name in table]
    text = pd.read_csv(path, usecols=named, dtype=str, keep_default_na=False)
    for name in named:
        stripped = text[name].str.strip()
        table[name] = stripped.where(stripped != "")
    return table.dropna(how="all")


def _check_identity(folder: Path, cases: pd.DataFrame, tell: Tell) -> None:
    where, lines = folder / "cases.csv", cases.index.to_numpy(dtype=int) + 2
    for name in IDENTITY:
        for row in np.flatnonzero(cases[name].isna()) if name in cases else ():
            known = cases["case_id"].iloc[row]
            detail = f"{where}, line {lines[row]}: {name} is empty; fill it in"
            tell(Fault("empty field", detail, known if isinstance(known, str) else ""))
    for case_id in cases["case_id"][cases["case_id"].duplicated()].dropna().unique():
        detail = (
            f"{where}: case_id {case_id!r} occurs more than once; give every line an id of its own (lesions "
            "of one patient share the patient_id)"
        )
        tell(Fault("duplicate case id", detail, case_id))
    if "group" in cases:
        for case_id, group in cases.loc[cases["group"].notna(), ["case_id", "group"]].itertuples(index=False):
            if group not in GROUPS:
                detail = f"{where}: case {case_id!r} has group {group!r}, expected {' or '.join(GROUPS)}"
                tell(Fault("unknown group", detail, str(case_id)))


def _labels(folder: Path, cases: pd.DataFrame, task: Task, tell: Tell) -> np.ndarray:
    """Labels of a task, float, shape (case,), NaN where unknown or at fault."""
    values = pd.to_numeric(cases[task.name], errors="coerce").to_numpy(dtype=float)
    unreadable = ~np.isfinite(values) & cases[task.name].notna().to_numpy()
    if task.kind == "binary":
        wrong, expected = ~np.isnan(values) & ~np.isin(values, (0.0, 1.0)), "0, 1 or empty"
    else:
        low, high = task.range
        wrong = ~np.isnan(values) & ((values < low) | (values > high))
        expected = f"a number from {low:g} to {high:g}, or empty"
    for row in np.flatnonzero(wrong | unreadable):
        case_id, found = cases["case_id"].iloc[row], cases[task.name].iloc[row]
        comma = isinstance(found, str) and "," in found
        hint = "; write decimals with a point" if comma else ""
        where = folder / "cases.csv"
        detail = f"{where}: case {case_id!r} has {task.name} = {found}, expected {expected}{hint}"
        tell(Fault("label outside its range", detail, str(case_id)))
    return np.where(wrong | unreadable, np.nan, values)


# The files that cases.csv names.


def _check_files(folder: Path, cases: pd.DataFrame, tell: Tell) -> None:
    for name in FILES:
        if name in cases:
            for case_id, relative in zip(cases["case_id"], cases[name], strict=True):
                _check_file(folder, str(case_id), name, relative, tell)
    if all(name in cases for name in FILES):
        for case_id, mask in cases.loc[cases["mask"] == cases["image"], ["case_id", "mask"]].to_numpy():
            detail = f"case {case_id!r}: its mask {mask!r} is its image; name the file of the mask"
            tell(Fault("mask is the image", detail, str(case_id)))


def _check_file(folder: Path, case_id: str, kind: str, relative: Any, tell: Tell) -> None:
    rule = MISSING
    if not isinstance(relative, str):
        detail = f"{folder / 'cases.csv'}: case {case_id!r} has no {kind}; fill it in or leave the case out"
    elif Path(relative).is_absolute():
        rule = OUTSIDE
        detail = (
            f"case {case_id!r}: its {kind} {Path(relative).name!r} has an absolute path; paths are relative "
            "to the cohort folder and stay inside: write it from there"
        )
    elif os.path.normpath(relative).startswith(".."):
        rule = OUTSIDE
        detail = (
            f"case {case_id!r}: its {kind} {relative!r} lies outside the cohort folder; "
            "paths are relative and stay inside: move or link the file into the folder"
        )
    elif not (folder / relative).is_file():
        slash = "; write / for \\" if "\\" in relative else ""
        folder_named = " (it is a folder)" if (folder / relative).is_dir() else ""
        detail = (
            f"case {case_id!r}: its {kind} {relative!r} is missing in {folder}{folder_named}{slash}; "
            "correct its path in cases.csv or leave the case out"
        )
    else:
        return
    tell(Fault(rule, detail, case_id))


def _check_features(folder: Path, header: Mapping[str, Any], cases: pd.DataFrame, tell: Tell) -> None:
    if "features" not in header:
        return
    path = folder / str(header["features"])
    if not path.is_file():
        tell(Fault(MISSING, f"{path}, the feature table of cohort.toml, is missing; correct its name"))
    elif "case_id" not in pd.read_csv(path, nrows=0):
        tell(Fault("missing column", f"{path}: expected a column case_id; rename the one that holds it"))
    else:
        known = pd.read_csv(path, dtype=str, usecols=["case_id"])["case_id"]
        for case_id in cases["case_id"][~cases["case_id"].isin(known)].dropna():
            detail = f"case {case_id!r} has no line in {path}; add it or leave the case out of cases.csv"
            tell(Fault("missing features", detail, case_id))


# What makes two cohorts the same.


def _fingerprint(
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
    with contextlib.suppress(OSError):  # without a memory the next command hashes again
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
