"""What cohort.toml says: the header, its tasks, and the role of each column."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.cell_text import clean
from bench.cohorts.checking.violation import Tell, Violation
from bench.cohorts.columns import FILES, IDENTITY, ROLES
from bench.cohorts.image_names import IMAGES, image_names, odd_image_names
from bench.cohorts.lesion_labels import LESION_LABEL
from bench.cohorts.table import decoded
from bench.errors import CohortError, unknown_name
from bench.metrics import METRICS, unfit_to_rank
from bench.task import Task

CATEGORICAL = "categorical"
TEXT_KEYS = ("title", "licence", "citation", "label_rule", "features")
TOP_KEYS = ("name", "synthetic", *TEXT_KEYS, LESION_LABEL, IMAGES)
TASK_KEYS = ("kind", "title", "positive", "unit", "range", "ranked", "metric")
SEE = "see README, your own cohort"
SEE_METRICS = "see `bench metrics --list`"


def read_header(folder: Path, tell: Tell) -> dict[str, Any]:
    """The header with well-formed keys alone; empty where there is none."""
    path = folder / "cohort.toml"
    if not path.is_file():
        tell(Violation("no cohort.toml", f"{folder} is not a cohort folder: it has no cohort.toml ({SEE})"))
        return {}
    try:
        header = tomllib.loads(decoded(path, path.read_bytes()))
    except CohortError as error:
        tell(Violation("cohort.toml", str(error)))
        return {}
    except (tomllib.TOMLDecodeError, OSError) as error:
        tell(Violation("cohort.toml", f"{path}: not valid TOML: {error}; correct that line"))
        return {}
    known = (*TOP_KEYS, "tasks", "columns")
    for key in header:
        if key not in (*known, "phantom"):
            tell(Violation("cohort.toml", f"{path}: {unknown_name('key', key, known)} Rename or remove it."))
    for key, kind in (("name", str), ("synthetic", bool), ("tasks", dict)):
        if not isinstance(header.get(key), kind) or header[key] == "":
            detail = f"{path}: expected a {kind.__name__} at {key!r}, got {header.get(key)!r}; {SEE}"
            tell(Violation("cohort.toml", detail))
            header[key] = kind()
    if not isinstance(header.setdefault("columns", {}), dict):
        what = f"[columns] must hold lists of column names by role, got {header['columns']!r}"
        tell(Violation("cohort.toml", f"{path}: {what}; {SEE}"))
        header["columns"] = {}
    for key in TEXT_KEYS:
        if not isinstance(header.get(key, ""), str):
            tell(
                Violation(
                    "cohort.toml", f"{path}: {key} must be text in quotes, got {header[key]!r}; correct it"
                )
            )
            del header[key]
    if violation := odd_image_names(header):
        tell(Violation("cohort.toml", f"{path}: {violation}; correct it"))
        del header[IMAGES]
    header["tasks"] = {clean(name): declared for name, declared in header["tasks"].items()}
    if header["tasks"] == {}:
        tell(Violation("cohort.toml", f"{path}: declares no task; add a [tasks.NAME] for each label ({SEE})"))
    return header


def tasks_of(folder: Path, header: Mapping[str, Any], tell: Tell) -> tuple[Task, ...]:
    """The declared tasks; what is wrong with one goes to ``tell``."""
    tasks = (_task(folder, name, declared, tell) for name, declared in header.get("tasks", {}).items())
    return tuple(task for task in tasks if task is not None)


def _task(folder: Path, name: str, declared: Any, tell: Tell) -> Task | None:
    """The task, or None where it is not declared well enough to read its labels."""
    where = f"{folder / 'cohort.toml'}, [tasks.{name}]"
    if name in (*IDENTITY, *FILES):
        tell(
            Violation(
                "cohort.toml", f"{where}: {name!r} is one of the columns with fixed names; rename the task"
            )
        )
        return None
    kind = declared.get("kind") if isinstance(declared, dict) else None
    if kind not in ("binary", "continuous"):
        tell(
            Violation("cohort.toml", f"{where}: kind must be 'binary' or 'continuous', got {kind!r}; choose")
        )
        return None
    for key in declared:
        if key not in TASK_KEYS:
            tell(
                Violation(
                    "cohort.toml", f"{where}: {unknown_name('key', key, TASK_KEYS)} Rename or remove it."
                )
            )
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
    tell(Violation("cohort.toml", f"{where}: {key} must be {wanted}, got {value!r}; correct it"))
    return default


def _metric(where: str, declared: Mapping[str, Any], kind: str, tell: Tell) -> str:
    """Name of the declared ranking metric, empty where there is none; a plugin's is looked up in a run."""
    name = declared.get("metric", "")
    if not isinstance(name, str):
        tell(
            Violation("cohort.toml", f"{where}: metric must be the name of one, got {name!r}; {SEE_METRICS}")
        )
        return ""
    violation = None if name not in METRICS else unfit_to_rank(METRICS[name], kind)
    if violation:
        tell(Violation("cohort.toml", f"{where}: {violation}; {SEE_METRICS}"))
        return ""
    return name


def _range(where: str, declared: Any, tell: Tell) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in declared)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        detail = f"{where}: range must be [low, high], with low < high, got {declared}; correct it"
        tell(Violation("cohort.toml", detail))
        return (-np.inf, np.inf)
    return (low, high)


def roles_of(folder: Path, header: Mapping[str, Any], tell: Tell) -> dict[str, str]:
    """Declared role of each column."""
    where = f"{folder / 'cohort.toml'}, [columns]"
    roles: dict[str, str] = {}
    for role, declared in header.get("columns", {}).items():
        if role not in (*ROLES, CATEGORICAL):
            violation = unknown_name("role", role, (*ROLES, CATEGORICAL))
            tell(Violation("cohort.toml", f"{where}: {violation} Rename or remove it."))
        elif not isinstance(declared, list) or not all(isinstance(name, str) for name in declared):
            detail = f"{where}: {role} must be a list of column names, got {declared!r}; write one"
            tell(Violation("cohort.toml", detail))
        elif role in ROLES:
            names = list(map(clean, declared))
            for name in names:
                _check_role(where, name, role, header, roles, tell)
            roles |= dict.fromkeys(names, role)
    for name in categorical_columns(header):
        if name not in roles:
            detail = f"{where}: {CATEGORICAL} names {name!r}, which has no role; give it one or remove it"
            tell(Violation("cohort.toml", detail))
    return roles


def categorical_columns(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns whose values are declared to be names of categories, also where they look like numbers."""
    declared = header.get("columns", {}).get(CATEGORICAL, [])
    named = [name for name in declared if isinstance(name, str)] if isinstance(declared, list) else []
    return tuple(map(clean, named))


def _check_role(
    where: str, name: str, role: str, header: Mapping[str, Any], roles: Mapping[str, str], tell: Tell
) -> None:
    """Tell of a column that is something else already: a covariate that holds a label would give it away."""
    taken = ""
    if name in (*IDENTITY, *FILES, LESION_LABEL):
        taken = "one of the columns with fixed names"
    elif name in image_names(header):
        taken = "one of the images"
    elif name in header.get("tasks", {}):
        taken = "a task"
    elif name in roles:
        taken = f"listed as {roles[name]}"
    if taken:
        detail = f"{where}: column {name!r} is {taken} and cannot be {role} too; remove it from one"
        tell(Violation("column with two roles", detail))
