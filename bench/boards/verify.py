"""Are committed boards what their predictions give, and does a cell give the same numbers again?"""

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.boards.crate import crate_differences
from bench.boards.printed import around, same_text
from bench.boards.snapshot import PREDICTIONS, RECORDS, board_files, thaw
from bench.cohorts.cohort import Cohort
from bench.errors import BenchError, StoreError, UsageError, parameter
from bench.inference import Bootstrap
from bench.methods.named_cohort import cohort_named
from bench.methods.named_split import split_named
from bench.methods.registry import load_registry
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose
from bench.predictions.results import MethodResult, Results
from bench.report.board import ordered, ranked_table
from bench.running.run_cell import Compute, PlannedCell, run_cell
from bench.scoring.scores import score_results
from bench.scoring.seeds import on_shared_seeds
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.store.cell import Cell, cells_of
from bench.store.store import Store

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

    A figure may be what any processor prints of it, see :mod:`bench.boards.printed`; words, rows, columns and
    their order are as the source gives them. A board of real patients has no source beside it, which the note
    says; nothing is checked then.
    """
    name = "/".join(place.parts[-2:])
    if not any((place / file).is_file() for file in (RECORDS, PREDICTIONS)) and not _is_synthetic(place):
        return Verified(name, 0, (), "not checked: a board of real patients has no predictions beside it")
    try:
        again = recomputed(place)
        kept = {file: (place / file).read_text(encoding="utf-8") for file in again[0]}
        crate = [*crate_differences(place)]
    except (BenchError, OSError) as error:
        return Verified(name, 0, (f"it cannot be read: {error}",))
    figures, differences = compare_files(kept, again)
    return Verified(name, figures, (*differences, *crate))


def recomputed(place: Path) -> list[dict[str, str]]:
    """Text of each file of a board from its source, then with numbers a little lower and a little higher."""
    given = thaw(place)
    results = on_shared_seeds(given)
    scores = ordered(score_results(results), results)
    every = (scores, *around(scores))
    return [board_files(ranked_table(given, results, one, Bootstrap())) for one in every]


def compare_files(kept: Mapping[str, str], again: Sequence[Mapping[str, str]]) -> tuple[int, list[str]]:
    """How many figures a board has, and what in its files is not as :func:`recomputed` gives it."""
    figures, differences = _compare_figures(kept["board.csv"], [text["board.csv"] for text in again])
    for file in again[0]:
        if file != "board.csv" or not differences:
            differences += _compare_lines(file, kept[file], [text[file] for text in again])
    return figures, differences


def _is_synthetic(place: Path) -> bool:
    """Whether a board is marked as synthetic, so that its source should lie beside it."""
    return "SYNTHETIC" in (place / "board.md").read_text(encoding="utf-8")


def rerun(place: Path, wanted: str, plugins: Sequence[Path] = ()) -> dict[str, Any]:
    """Run one cell of a committed board again, as it was recorded, and compare the predictions.

    Parameters
    ----------
    place
        Folder of the board.
    wanted
        ``METHOD:SEED:FOLD``.
    plugins
        Files that offer the method, the split or the cohort.

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
    cohort = cohort_named(results.cohort, plugins)
    split = make_split(cohort, split_named(results.split, plugins))
    _require_same(results, cohort, split)
    variant = _variant(record, label, plugins)
    cell = next(one for one in cells_of(cohort, split, [variant], [seed]) if one.fold == fold)
    again = _run_again(cell, variant, cohort, split, Compute(record["device"], record["threads"]))
    largest = _largest_difference(results, method, again, seed, fold)
    verdict = "equal" if largest <= KEPT else "within tolerance" if largest <= TOLERANCE else "different"
    changed = variant.code != record["identity"]["code"]
    note = "the method's code has changed since" if changed else ""
    return {"cell": wanted, "verdict": verdict, "largest": largest, "note": note}


def _compare_figures(kept: str, again: Sequence[str]) -> tuple[int, list[str]]:
    """How many figures a board has, and which differ, by task, method and column."""
    before, (now, *beside) = _by_row(kept), [_by_row(text) for text in again]
    differences = [f"{' '.join(key)}: not in the source" for key in before.keys() - now.keys()]
    differences += [f"{' '.join(key)}: missing on the board" for key in now.keys() - before.keys()]
    figures = 0
    for key in before.keys() & now.keys():
        figures += len(now[key])
        differences += [
            f"{' '.join(key)} {column}: {before[key].get(column)!r} on the board, {value!r} from its source"
            for column, value in now[key].items()
            if not same_text(before[key].get(column) or "", [value, *(text[key][column] for text in beside)])
        ]
    return figures, sorted(differences)


def _by_row(text: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["task"], row["method"]): row for row in csv.DictReader(io.StringIO(text))}


def _compare_lines(file: str, kept: str, again: Sequence[str]) -> list[str]:
    """Lines of a file that are not what the source gives."""
    before, now, *beside = [text.splitlines() for text in (kept, *again)]
    if len(before) != len(now):
        return [f"{file} has {len(before)} lines, {len(now)} from its source"]
    every = zip(now, *(lines for lines in beside if len(lines) == len(now)), strict=True)
    return [
        f"{file} line {number}: {one!r}, {others[0]!r} from its source"
        for number, (one, others) in enumerate(zip(before, every, strict=True), 1)
        if not same_text(one, others)
    ]


def _parse(wanted: str) -> tuple[str, int, int]:
    label, _, rest = wanted.partition(":") if wanted.count(":") == 2 else ("", "", "")
    seed, _, fold = rest.partition(":")
    if not label or not seed.isdecimal() or not fold.isdecimal():
        raise UsageError(
            f"{parameter('rerun')} expects METHOD:SEED:FOLD such as spatial_mtl:0:0, got {wanted!r}"
        )
    return label, int(seed), int(fold)


def _method(results: Results, label: str) -> MethodResult:
    for method in results.methods:
        if method.label == label:
            return method
    raise UsageError(
        f"the board has no {label!r}; it has {', '.join(method.label for method in results.methods)}"
    )


def _record(method: MethodResult, seed: int, fold: int, wanted: str) -> Mapping[str, Any]:
    for record in method.records:
        identity = record["identity"]
        if (identity["seed"], identity["fold"]) == (seed, fold):
            if "combined" in identity:
                raise UsageError(f"{wanted} was combined from other rows; run cells of its members again")
            if "params" not in identity:
                raise UsageError(
                    f"{wanted} was submitted as predictions: there is no method here to run again"
                )
            return record
    cells = [f"{record['identity']['seed']}:{record['identity']['fold']}" for record in method.records]
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


def _variant(record: Mapping[str, Any], label: str, plugins: Sequence[Path]) -> Variant:
    """The method with the hyperparameters of the record, and its budget where it was tuned."""
    identity = record["identity"]
    tuning = SearchBudget.from_json(identity["tuning"]) if "tuning" in identity else None
    if tuning is not None and not tuning.reproducible:
        raise UsageError(
            f"{label} was tuned for {tuning.budget}: how many trials that makes depends on the machine"
        )
    chosen = choose(load_registry(plugins).spec(identity["method"]), identity["params"], tuning)
    return replace(chosen, label=label)


def _run_again(cell: Cell, variant: Variant, cohort: Cohort, split: Split, compute: Compute) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        planned = PlannedCell(cell, variant, cohort, split, store, compute)
        record = run_cell(planned, lambda step, total, score: None)
        if record.status != "ok":
            raise StoreError(f"{cell.method} failed this time: {record.reason}")
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
