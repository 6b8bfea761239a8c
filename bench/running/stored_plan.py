"""Plans in a store: what a run wants, written before its first cell runs, so that each has a row."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from bench.errors import StoreError, UsageError
from bench.running.experiment import Experiment
from bench.splits.config import SEED_MARK, SIZE_MARK, TABLES, named_and_seed, named_and_size
from bench.store.cell import Cell
from bench.store.store import Store

FOLDER = "plans"


@dataclass(frozen=True)
class StoredPlan:
    """An experiment, its cells and the methods that it skips with their reasons, as a run wrote them."""

    id: str
    created: str
    experiment: Experiment
    cells: tuple[Cell, ...]
    skipped: Mapping[str, str]


def keep_plan(
    store: Store, experiment: Experiment, cells: Sequence[Cell], skipped: Mapping[str, str]
) -> StoredPlan:
    """Write a plan; the same cells are one plan, whose time and settings are those of the last run."""
    name = hashlib.sha256(json.dumps([[cell.id for cell in cells], sorted(skipped)]).encode()).hexdigest()[
        :12
    ]
    portable = _with_whole_paths(experiment)
    plan = StoredPlan(name, time.strftime("%Y-%m-%dT%H:%M:%S%z"), portable, tuple(cells), dict(skipped))
    store.put_text(f"{FOLDER}/{name}.json", json.dumps(dataclasses.asdict(plan), default=str) + "\n")
    return plan


def stored_plans(store: Store) -> list[StoredPlan]:
    """Every plan of a store, the last one first."""
    paths = (store.folder / FOLDER).glob("*.json")
    return sorted((_read(path) for path in paths), key=lambda plan: plan.created, reverse=True)


def stored_plan(store: Store, name: str = "") -> StoredPlan:
    """The plan of that name, or the last one; raises UsageError where there is none."""
    paths = (store.folder / FOLDER).glob(f"{escape(name)}*.json")
    found = sorted(map(_read, paths), key=lambda plan: plan.created, reverse=True)
    if not found:
        which = f"no plan {name}" if name else "no plan"
        raise UsageError(f"{which} in {store.folder}: `bench run --store {store.folder} ...` writes one")
    return found[0]


def _read(path: Path) -> StoredPlan:
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        experiment: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in values["experiment"].items()
        }
        cells = tuple(Cell(**cell) for cell in values["cells"])
        return StoredPlan(**{**values, "experiment": Experiment(**experiment), "cells": cells})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is not a plan that this version reads: {error}") from error


def _whole_split(split: str) -> str:
    """The split's file by its whole path, with the seed and size that may follow it; a name as it is."""
    named, size = named_and_size(split)
    if size is not None:
        return f"{_whole_split(named)}{SIZE_MARK}{size}"
    file, seed = named_and_seed(split)
    whole = str(Path(file).resolve()) if Path(file).suffix in (".toml", *TABLES) else file
    return whole if seed is None else f"{whole}{SEED_MARK}{seed}"


def _with_whole_paths(experiment: Experiment) -> Experiment:
    """The experiment as another process in another folder needs it."""

    def whole(name: str) -> str:
        return str(Path(name).resolve()) if Path(name).exists() else name

    return dataclasses.replace(
        experiment,
        cohort=whole(experiment.cohort),
        split=_whole_split(experiment.split),
        store=str(Path(experiment.store).resolve()),
        plugins=tuple(whole(plugin) for plugin in experiment.plugins),
    )
