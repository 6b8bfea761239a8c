"""Are committed boards what their predictions say, and does a cell give the same numbers again?"""

import csv
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cells import Cell, Choice, choose, plan
from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.errors import BenchError, StoreError, UsageError
from bench.frozen import PREDICTIONS, RECORDS, board_files, thaw
from bench.leaderboard import leaderboard
from bench.registry import load_registry
from bench.runner import Settings, run_cell
from bench.scores import MethodResult, Results
from bench.search import Tuning
from bench.split import Split, load_split_config, make_split
from bench.store import Store

# Predictions are kept with six significant digits: within half of the last one they are equal.
KEPT = 5e-6
# Other processors and library versions move a prediction less than this share of its task's scale; another
# seed moves it ten times as far.
TOLERANCE = 1e-2


@dataclass(frozen=True)
class Verified:
    """What came of checking one board: ``differences`` names each figure that is not what it should be."""

    board: str
    figures: int
    differences: tuple[str, ...]
    note: str = ""


def verify_board(place: Path) -> Verified:
    """Recompute every figure of a committed board from the predictions and records beside it.

    A board of real patients has no source beside it, which the note says; nothing is checked then. Rows,
    columns and lines that the source does not give differ too, and so does their order.
    """
    name = "/".join(place.parts[-2:])
    if not any((place / file).is_file() for file in (RECORDS, PREDICTIONS)) and not _is_synthetic(place):
        return Verified(name, 0, (), "not checked: a board of real patients has no predictions beside it")
    try:
        again = board_files(leaderboard(thaw(place)))
        kept = {file: (place / file).read_text(encoding="utf-8") for file in again}
    except (BenchError, OSError) as error:
        return Verified(name, 0, (f"it cannot be read: {error}",))
    figures, differences = _compare_figures(kept["board.csv"], again["board.csv"])
    for file in again:
        if file != "board.csv" or not differences:
            differences += _compare_lines(file, kept[file], again[file])
    return Verified(name, figures, tuple(differences))


def _is_synthetic(place: Path) -> bool:
    """Whether a board says that it is synthetic, so that its source should lie beside it."""
    return "SYNTHETIC" in (place / "board.md").read_text(encoding="utf-8")


def rerun(place: Path, wanted: str) -> dict[str, Any]:
    """Run one cell of a committed board again, as its record says, and compare the predictions.

    Parameters
    ----------
    place
        Folder of the board.
    wanted
        ``METHOD:SEED:FOLD``.

    Returns
    -------
    dict
        ``cell``, ``verdict`` (``equal``: to the digits that are kept; ``within tolerance``: each within 1 %
        of its task's scale, that is of 1 for a probability and of the range of the labels otherwise;
        ``different``), ``largest`` (difference as a share of that scale) and ``note`` (what else has changed
        since, such as the method's code).

    Raises
    ------
    UsageError
        No such cell, or the cohort or split of that name is another one now.
    StoreError
        The cell failed this time.
    """
    label, seed, fold = _parse(wanted)
    results = thaw(place)
    method = _method(results, label)
    record = _record(method, seed, fold, wanted)
    cohort = open_cohort(results.cohort)
    split = make_split(cohort, load_split_config(results.split))
    _require_same(results, cohort, split)
    choice = _choice(record, label)
    cell = next(its for its in plan(cohort, split, [choice], [seed]) if its.fold == fold)
    again = _run_again(cell, choice, cohort, split, Settings(record["device"], record["threads"]))
    largest = _largest_difference(results, method, again, seed, fold)
    verdict = "equal" if largest <= KEPT else "within tolerance" if largest <= TOLERANCE else "different"
    changed = choice.code != record["identity"]["code"]
    note = "the method's code has changed since" if changed else ""
    return {"cell": wanted, "verdict": verdict, "largest": largest, "note": note}


def _compare_figures(kept: str, again: str) -> tuple[int, list[str]]:
    """How many figures a board has, and which differ, by task, method and column."""
    before, now = _by_row(kept), _by_row(again)
    differences = [f"{' '.join(key)}: not in the source" for key in before.keys() - now.keys()]
    differences += [f"{' '.join(key)}: missing on the board" for key in now.keys() - before.keys()]
    figures = 0
    for key in before.keys() & now.keys():
        figures += len(now[key])
        differences += [
            f"{' '.join(key)} {column}: {before[key].get(column)!r} on the board, {value!r} from its source"
            for column, value in now[key].items()
            if before[key].get(column) != value
        ]
    return figures, sorted(differences)


def _by_row(text: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["task"], row["method"]): row for row in csv.DictReader(io.StringIO(text))}


def _compare_lines(file: str, kept: str, again: str) -> list[str]:
    """Lines of a file that are not what the source gives."""
    before, now = kept.splitlines(), again.splitlines()
    if len(before) != len(now):
        return [f"{file} has {len(before)} lines, {len(now)} from its source"]
    return [
        f"{file} line {number}: {one!r}, {other!r} from its source"
        for number, (one, other) in enumerate(zip(before, now, strict=True), 1)
        if one != other
    ]


def _parse(wanted: str) -> tuple[str, int, int]:
    label, _, rest = wanted.partition(":") if wanted.count(":") == 2 else ("", "", "")
    seed, _, fold = rest.partition(":")
    if not label or not seed.isdecimal() or not fold.isdecimal():
        raise UsageError(f"--rerun expects METHOD:SEED:FOLD such as spatial_mtl:0:0, got {wanted!r}")
    return label, int(seed), int(fold)


def _method(results: Results, label: str) -> MethodResult:
    for method in results.methods:
        if method.label == label:
            return method
    raise UsageError(f"the board has no {label!r}; it has {', '.join(its.label for its in results.methods)}")


def _record(method: MethodResult, seed: int, fold: int, wanted: str) -> Mapping[str, Any]:
    for record in method.records:
        identity = record["identity"]
        if (identity["seed"], identity["fold"]) == (seed, fold):
            if "params" not in identity:
                raise UsageError(
                    f"{wanted} was submitted as predictions: there is no method here to run again"
                )
            return record
    cells = [f"{its['identity']['seed']}:{its['identity']['fold']}" for its in method.records]
    raise UsageError(f"the board has no cell {wanted}; of {method.label} it has {', '.join(cells)}")


def _require_same(results: Results, cohort: Cohort, split: Split) -> None:
    pairs = (
        ("cohort", results.cohort, results.cohort_fingerprint, cohort.fingerprint),
        ("split", results.split, results.split_fingerprint, split.fingerprint),
    )
    for what, name, was, now in pairs:
        if was != now:
            raise UsageError(
                f"the {what} {name} has the fingerprint {now[:12]} here, the board was made on {was[:12]}: "
                "another generator, version or file; a cell can be run again on the same one only"
            )


def _choice(record: Mapping[str, Any], label: str) -> Choice:
    """The method with the hyperparameters of the record, and its budget where it was tuned."""
    identity = record["identity"]
    tuning = Tuning.from_json(identity["tuning"]) if "tuning" in identity else None
    if tuning is not None and not tuning.reproducible:
        raise UsageError(
            f"{label} was tuned for {tuning.budget}: how many trials that makes depends on the machine"
        )
    chosen = choose(load_registry().spec(identity["method"]), identity["params"], tuning)
    return replace(chosen, label=label)


def _run_again(cell: Cell, choice: Choice, cohort: Cohort, split: Split, settings: Settings) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        record = run_cell(cell, choice, cohort, split, store, settings, lambda step, total, score: None)
        if record["status"] != "ok":
            raise StoreError(f"{cell.method} failed this time: {record['reason']}")
        return store.predictions(cell)


def _largest_difference(
    results: Results, method: MethodResult, again: pd.DataFrame, seed: int, fold: int
) -> float:
    """Largest absolute difference of a prediction, as a share of its task's scale."""
    table = method.predictions
    table = table[(table["seed"] == seed) & (table["fold"] == fold)]
    both = table.merge(again, on=["case_id", "task"], suffixes=("", "_again"), how="outer")
    scales = {task.name: _scale(results, task.name, task.kind) for task in results.tasks}
    gap = (both["prediction"] - both["prediction_again"]).abs() / both["task"].map(scales)
    return float("inf") if gap.isna().any() else float(gap.max())


def _scale(results: Results, task: str, kind: str) -> float:
    if kind == "binary":
        return 1.0
    labels = results.truth[task].to_numpy(dtype=float)
    return float(np.nanmax(labels) - np.nanmin(labels)) or 1.0
