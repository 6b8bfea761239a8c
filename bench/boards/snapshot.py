"""Committed boards: a board beside the predictions and records that it was made from.

Layout of a frozen board, ``<folder>/<cohort>/<split>/``::

    board.md  board.csv        what people read; README.md in <folder> says what each board shows
    predictions.csv.gz         one row a method, seed, case and task, rounded, beside the truth
    records.json               cohort, split and tasks, and of every cell what reproducing it takes

The board is made from the two files of its source, after they were written, so it can be made again from them
without images, plugins or a run store. Labels of real patients are not ours to publish: their boards come
without a source.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from bench.boards.crate import write_crate
from bench.boards.signals import SIGNALS, signals_page
from bench.errors import StoreError, parameter
from bench.files import writing
from bench.metrics import METRICS
from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import Threshold
from bench.report.board import leaderboard
from bench.report.formats.text import FLAG, SYNTHETIC_BANNER, to_csv, to_markdown
from bench.report.table import FINDING, Table
from bench.task import Task

PREDICTIONS, RECORDS = "predictions.csv.gz", "records.json"
INDEX = "README.md"
WRITERS = {"board.md": to_markdown, "board.csv": to_csv}
FORMAT = 1

# The reader of the true parameters stands among the methods, under a name that no method can have.
CEILING = "(ceiling)"
# Coarser than what processors differ by, finer than what any table shows.
SIGNIFICANT_DIGITS = 6
COLUMNS = ("method", "seed", "fold", "group", "site", "patient_id", "case_id", "task", "truth", "prediction")
KEPT_OF_A_RECORD = (
    *("id", "identity", "device", "threads", "environment"),
    *("fit_seconds", "fit_cpu_seconds", "predict_seconds"),
    *("peak_memory_mb", "energy", "cases", "started", "tuning", "isolation", "sealed", "contract", "images"),
)


def freeze(results: Results, folder: Path) -> Path:
    """Write a board with its source into ``<folder>/<cohort>/<split>/`` and return that folder.

    Parameters
    ----------
    results
        What the board is made from; only a synthetic cohort's is written beside it.
    folder
        Where boards are kept.

    Raises
    ------
    BenchError
        The folder cannot be written; what it held before stays.
    """
    place = board_folder(folder, results)
    with writing(place, "the board", parameter("freeze")):
        place.mkdir(parents=True, exist_ok=True)
        # A board and its source are kept together or, where the disk is full, not at all.
        with TemporaryDirectory(prefix=".board-", dir=place) as name:
            _write_board(Path(name), results)
            for path in Path(name).iterdir():
                path.replace(place / path.name)
        write_index(folder)
    return place


def rewrite(place: Path) -> None:
    """Make what people read of a board again from the source beside it; StoreError where there is none."""
    _write_texts(place, thaw(place))


def write_index(folder: Path) -> None:
    """Write ``README.md`` into a folder of boards: each of them with what it shows.

    Where several synthetic cohorts have a board of one split, also ``SIGNALS.md``.
    """
    lines = ["# Leaderboards", ""]
    for place in frozen_boards(folder):
        text = (place / "board.md").read_text(encoding="utf-8").splitlines()
        where = place.relative_to(folder).as_posix()
        said = [line for line in text if line == SYNTHETIC_BANNER or line.startswith((FINDING, FLAG))]
        lines += [f"## [{where}]({where}/board.md)", "", *(part for line in said for part in (line, ""))]
    signals = signals_page(frozen_boards(folder))
    if signals is not None:
        (folder / SIGNALS).write_text(signals, encoding="utf-8")
        lines += [f"[Which methods find which signal]({SIGNALS})", ""]
    (folder / INDEX).write_text("\n".join(lines), encoding="utf-8")


def _write_board(place: Path, results: Results) -> None:
    """Write source and board; the board of a synthetic cohort is made from its source as written."""
    if results.synthetic:
        _write_predictions(place / PREDICTIONS, results)
        _write_records(place / RECORDS, results)
        results = thaw(place)
    _write_texts(place, results)


def _write_texts(place: Path, results: Results) -> None:
    for name, text in board_files(leaderboard(results)).items():
        (place / name).write_text(text, encoding="utf-8")
    write_crate(place, results)


def thaw(folder: Path) -> Results:
    """What a frozen board was made from.

    Raises
    ------
    StoreError
        The folder holds no source, or one of another format.
    """
    if not (folder / RECORDS).is_file():
        raise StoreError(
            f"{folder} has no {RECORDS}: boards of real patients come without the predictions they were made "
            "from; make them again from a run store with `bench leaderboard --freeze`"
        )
    records = json.loads((folder / RECORDS).read_text(encoding="utf-8"))
    if records["format"] != FORMAT:
        raise StoreError(f"{folder / RECORDS} has format {records['format']}, expected {FORMAT}")
    table = pd.read_csv(folder / PREDICTIONS, dtype={"case_id": str, "patient_id": str, "site": str})
    tasks = tuple(_task(row) for row in records["tasks"])
    cases = table.drop_duplicates("case_id")
    said = {str(label): rows for label, rows in table.groupby("method", sort=False)}
    return Results(
        tasks=tasks,
        **records["results"],
        truth=_truth(table, tasks),
        methods=tuple(_method(row, said.get(row["label"], table[:0])) for row in records["methods"]),
        ceiling=said[CEILING][["case_id", "task", "prediction"]] if CEILING in said else None,
        metrics={task: METRICS[name] for task, name in records["metrics"].items()},
        tested=dict(zip(cases["case_id"], cases["fold"].astype(int), strict=True)),
    )


def board_files(board: Table) -> dict[str, str]:
    """Text of each file that people read, by its name."""
    return {name: write(board) for name, write in WRITERS.items()}


def frozen_boards(folder: Path) -> list[Path]:
    """Folders of the boards below a folder, sorted."""
    return sorted(path.parent for path in folder.rglob("board.md"))


def _write_predictions(path: Path, results: Results) -> None:
    named = [
        method.predictions.assign(method=method.label)
        for method in results.methods
        if len(method.predictions)
    ]
    if results.ceiling is not None:
        fold = pd.concat(named).drop_duplicates("case_id").set_index("case_id")["fold"]
        tested = results.ceiling[results.ceiling["case_id"].isin(fold.index)]
        named.append(tested.assign(method=CEILING, seed=0, fold=tested["case_id"].map(fold)))
    table = pd.concat(named, ignore_index=True)
    labels = results.truth[[task.name for task in results.tasks]].rename_axis("case_id").reset_index()
    truth = labels.melt("case_id", var_name="task", value_name="truth")
    table = table.merge(truth, on=["case_id", "task"], how="left")
    table = table.join(results.truth[["group", "site", "patient_id"]], on="case_id")
    text = table[list(COLUMNS)].to_csv(index=False, float_format=f"%.{SIGNIFICANT_DIGITS}g")
    # Without a time stamp equal predictions give an equal file.
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _write_records(path: Path, results: Results) -> None:
    content = {
        "format": FORMAT,
        "results": {
            name: getattr(results, name)
            for name in (
                *("cohort", "cohort_title", "cohort_fingerprint", "synthetic", "licence", "split"),
                *("split_title", "estimand", "split_seed", "split_fingerprint", "versions", "hardware"),
                *("rule", "variance_factor"),
                *(("audit",) if results.audit else ()),
            )
        },
        "metrics": {task: metric.name for task, metric in results.metrics.items()},
        "tasks": [_task_row(task) for task in results.tasks],
        "methods": [_method_row(method) for method in results.methods],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _task_row(task: Task) -> dict[str, Any]:
    """A task as JSON, which has no infinity."""
    bounds = [None if np.isinf(bound) else bound for bound in task.range]
    return {**asdict(task), "range": bounds}


def _task(row: Mapping[str, Any]) -> Task:
    low, high = row["range"]
    bounds = (-np.inf if low is None else low, np.inf if high is None else high)
    return Task(**{**row, "range": bounds})


def _method_row(method: MethodResult) -> dict[str, Any]:
    kept = [{name: record[name] for name in KEPT_OF_A_RECORD if name in record} for record in method.records]
    return {
        "label": method.label,
        "status": method.status,
        "fit_seconds": method.fit_seconds,
        "parameters": method.parameters,
        "seeds": list(method.seeds),
        "made_on": method.made_on,
        "thresholds": [_threshold_row(threshold) for threshold in method.thresholds],
        "constants": {str(fold): dict(said) for fold, said in method.constants.items()},
        "cells": kept,
    }


def _method(row: Mapping[str, Any], predictions: pd.DataFrame) -> MethodResult:
    return MethodResult(
        label=row["label"],
        predictions=predictions[["seed", "fold", "case_id", "task", "prediction"]],
        constants={int(fold): said for fold, said in row["constants"].items()},
        status=row["status"],
        fit_seconds=row["fit_seconds"],
        parameters=row["parameters"],
        seeds=tuple(row["seeds"]),
        made_on=None if row["made_on"] is None else (row["made_on"][0], row["made_on"][1]),
        thresholds=tuple(_threshold(one) for one in row["thresholds"]),
        records=tuple(row["cells"]),
    )


def _threshold_row(threshold: Threshold) -> dict[str, Any]:
    """A threshold as JSON, which has no NaN; rounded as predictions are, so that it parts them as before."""
    value = None if np.isnan(threshold.value) else float(f"{threshold.value:.{SIGNIFICANT_DIGITS}g}")
    return {**asdict(threshold), "value": value}


def _threshold(row: Mapping[str, Any]) -> Threshold:
    return Threshold(**{**row, "value": np.nan if row["value"] is None else row["value"]})


def _truth(table: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """Labels of every case, indexed by case id, with patient, site and group."""
    about = table.drop_duplicates("case_id").set_index("case_id")[["group", "site", "patient_id"]]
    labels = table.drop_duplicates(["case_id", "task"]).pivot(index="case_id", columns="task", values="truth")
    return about.join(labels.reindex(columns=[task.name for task in tasks])).sort_index()


def board_folder(folder: Path, results: Results) -> Path:
    """Where the board of a cohort and split is kept; a cohort given by path has its last part for a name."""
    return folder / Path(results.cohort).name / results.split
