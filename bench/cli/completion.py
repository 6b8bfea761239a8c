"""What the shell offers behind Tab: methods, cohorts, splits, stores, tasks and columns.

Nothing here imports what computes: a shell asks at every Tab.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from bench.report.select import COLUMN_NAMES, RECORD_NAMES

DEFAULT_STORE = "runs"
# Tasks of the phantom, where no store tells of others.
PHANTOM_TASKS = ("er", "pr", "her2", "ki67")

Offer = Callable[[typer.Context, str], list[str]]


def completing(command: Callable[..., None], offers: "dict[str, Offer]") -> Callable[..., None]:
    """The command with what the shell offers for its parameters of these names."""
    for name, offer in offers.items():
        for info in getattr(command.__annotations__.get(name), "__metadata__", ()):
            if isinstance(info, typer.models.OptionInfo | typer.models.ArgumentInfo):
                info.autocompletion = offer
    return command


def methods(ctx: typer.Context, incomplete: str) -> list[str]:
    """Methods of the registry, those of plugins named before among them; modifications behind a plus."""
    from bench.methods.registry import load_registry

    registry = load_registry(ctx.params.get("plugin") or ())
    stem, plus, _ = incomplete.rpartition(",")[2].rpartition("+")
    changed = [f"{stem}+{name}" for name in registry.modifications] if plus else []
    return _listed([*registry.specs, *changed], incomplete)


def rows(ctx: typer.Context, incomplete: str) -> list[str]:
    """Rows of the store."""
    return _listed(sorted({str(record["method"]) for record in _records(ctx)}), incomplete)


def cohorts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Phantoms, cohorts of plugins, and cohort folders."""
    from bench.cohorts.phantom.scenarios import SCENARIOS
    from bench.methods.registry import load_registry

    offered = load_registry(ctx.params.get("plugin") or ()).cohorts
    folders = _folders(incomplete, lambda folder: (folder / "cohort.toml").is_file())
    return [*_starting([*SCENARIOS, *offered], incomplete), *folders]


def splits(ctx: typer.Context, incomplete: str) -> list[str]:
    """Splits that are shipped, those of plugins, and TOML files."""
    from bench.methods.registry import load_registry
    from bench.splits.config import split_names

    offered = load_registry(ctx.params.get("plugin") or ()).splits
    files = sorted(str(path) for path in _beside(incomplete) if path.suffix == ".toml")
    return [*_starting([*split_names(), *offered], incomplete), *_starting(files, incomplete)]


def stores(ctx: typer.Context, incomplete: str) -> list[str]:
    """Folders of run stores."""
    return _folders(incomplete, lambda folder: any((folder / name).is_dir() for name in ("cells", "plans")))


def tasks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tasks of the cohorts of the store, else those of the phantom."""
    held = {str(task) for record in _records(ctx) for task in record.get("constants", ())}
    return _starting(sorted(held) or PHANTOM_TASKS, incomplete)


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Columns of a board, and numbers of its records."""
    return _listed([*COLUMN_NAMES, *RECORD_NAMES], incomplete)


OF_STORE: dict[str, Offer] = {
    "method": rows,
    "methods": rows,
    "reference": rows,
    "cohort": cohorts,
    "split": splits,
    "store": stores,
    "task": tasks,
    "columns": columns,
}
OF_REGISTRY: dict[str, Offer] = OF_STORE | {"method": methods, "name": methods}
OF_COHORT: dict[str, Offer] = dict.fromkeys(("cohort", "folder", "scenario"), cohorts)
"""What is offered in commands that read a store, run methods, and are about a cohort."""


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _listed(names: Iterable[str], incomplete: str) -> list[str]:
    """The same of the last of several names, ``A,B``; those that stand before it are not offered again."""
    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in _starting(names, last) if name not in taken]


def _records(ctx: typer.Context) -> Iterator[dict[str, Any]]:
    """The record of one cell for each row of the store."""
    store = Path(ctx.params.get("store") or DEFAULT_STORE)
    for row in sorted(store.glob("cells/*/*/*")):
        path = next(row.glob("*/record.json"), None)
        try:
            found = {} if path is None else json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and "method" in found:
            yield found


def _folders(incomplete: str, wanted: Callable[[Path], bool]) -> list[str]:
    """Folders that are wanted, and those beneath which one lies."""
    found = []
    for path in _beside(incomplete):
        if path.is_dir() and str(path).startswith(incomplete):
            if wanted(path):
                found.append(str(path))
            elif any(map(wanted, _subfolders(path))):
                found += [str(below) for below in _subfolders(path) if wanted(below)]
    return sorted(found)


def _beside(incomplete: str) -> list[Path]:
    """What lies in the folder that an incomplete path names so far."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []
