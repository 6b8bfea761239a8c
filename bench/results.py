"""From the run store to the value that every table is computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cells import Cell
from bench.cohorts.catalogue import ceiling_predictions
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.leaderboard import MethodResult, Results
from bench.split import Split
from bench.store import PREDICTIONS, VALIDATION, Record, Store

IDENTIFIERS = ["group", "site", "patient_id"]
COLUMNS = [
    *("cohort", "split", "method", "seed", "fold", *IDENTIFIERS, "case_id", "task", "truth", "prediction"),
]


@dataclass(frozen=True)
class _Finished:
    """The record of a cell and where it lies."""

    record: Record
    folder: Path

    @property
    def key(self) -> tuple[int, int]:
        """Seed and fold."""
        identity = self.record["identity"]
        return identity["seed"], identity["fold"]

    @property
    def version(self) -> dict[str, Any]:
        """What made it: its identity but for seed and fold."""
        return {key: value for key, value in self.record["identity"].items() if key not in ("seed", "fold")}


def results_of_cells(
    cohort: Cohort, split: Split, cells: Sequence[Cell], store: Store, skipped: Mapping[str, str]
) -> Results:
    """Results of a plan, each method with its status; skipped methods with their reason."""
    by_method: dict[str, list[_Finished]] = {
        label: [] for label in dict.fromkeys(its.method for its in cells)
    }
    for cell in cells:
        record = store.record(cell)
        if record is not None:
            by_method[cell.method].append(_Finished(record, store.cell_folder(cell)))
    seeds = sorted({cell.seed for cell in cells})
    methods = [_method_result(label, found, split, seeds) for label, found in by_method.items()]
    methods += [_without_result(label, f"skipped: {reason}") for label, reason in skipped.items()]
    return _results(cohort, split, methods)


def results_of_store(cohort: Cohort, split: Split, store: Store) -> Results:
    """Results of every method of a store on this cohort and split.

    Cells of another version of the cohort or the split do not count; of several versions of a method (code,
    hyperparameters or preprocessing), the one that ran last.

    Raises
    ------
    UsageError
        There is no finished cell.
    """
    methods = [
        _method_result(label, latest, split, sorted({its.key[0] for its in latest}))
        for label, latest in _latest_cells(cohort, split, store).items()
    ]
    return _results(cohort, split, methods)


def validation_predictions(cohort: Cohort, split: Split, store: Store) -> pd.DataFrame:
    """Validation predictions of the cells that :func:`results_of_store` reads, for choosing thresholds.

    Columns ``method``, ``seed``, ``fold``, ``case_id``, ``task`` and ``prediction``; cells that kept none, as
    those of an older version, have no row. Raises UsageError where there is no finished cell.
    """
    tables = [
        pd.read_parquet(its.folder / VALIDATION).assign(method=label)
        for label, latest in _latest_cells(cohort, split, store).items()
        for its in latest
        if its.record["status"] == "ok" and (its.folder / VALIDATION).is_file()
    ]
    columns = ["method", "seed", "fold", "case_id", "task", "prediction"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def export_predictions(cohort: Cohort, split: str | None, store: Store) -> pd.DataFrame:
    """Every stored prediction of this cohort beside its truth, in the columns of ``bench predictions``."""
    tables = []
    for its in _cells_of(cohort, store, split or "*"):
        if its.record["status"] == "ok":
            table = pd.read_parquet(its.folder / PREDICTIONS)
            names = {name: its.record[name] for name in ("cohort", "split", "method")}
            tables.append(table.assign(**names))
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    joined = pd.concat(tables, ignore_index=True).join(cohort.table[IDENTIFIERS], on="case_id")
    labels = cohort.table[[task.name for task in cohort.tasks]].reset_index()
    truth = labels.melt("case_id", var_name="task", value_name="truth")
    return joined.merge(truth, on=["case_id", "task"], how="left")[COLUMNS]


def _cells_of(cohort: Cohort, store: Store, split: str) -> list[_Finished]:
    return [
        _Finished(record, folder)
        for folder, record in store.records(cohort.name, split)
        if record["identity"]["cohort"] == cohort.fingerprint
    ]


def _latest_cells(cohort: Cohort, split: Split, store: Store) -> dict[str, list[_Finished]]:
    """The cells of each method on this cohort and split, of the version that ran last."""
    found = _cells_of(cohort, store, split.name)
    current = [its for its in found if its.record["identity"]["split"] == split.fingerprint]
    if not current:
        older = f"; {len(found)} are of another cut of {split.name}" if found else ""
        raise UsageError(f"no finished cell of {cohort.name} and {split.name} in {store.folder}{older}")
    by_method: dict[str, list[_Finished]] = {}
    for its in current:
        by_method.setdefault(its.record["method"], []).append(its)
    return {label: _latest_version(every) for label, every in sorted(by_method.items())}


def _latest_version(cells: Sequence[_Finished]) -> list[_Finished]:
    """The cells made as the last one was: same code, hyperparameters and preprocessing."""
    last = max(cells, key=lambda its: str(its.record.get("ended", "")))
    return [its for its in cells if its.version == last.version]


def _method_result(
    label: str, cells: Sequence[_Finished], split: Split, seeds: Sequence[int]
) -> MethodResult:
    good = {its.key: its for its in cells if its.record["status"] == "ok"}
    wanted = [(seed, fold.index) for seed in seeds for fold in split.folds]
    missing = [key for key in wanted if key not in good]
    if missing:
        return _without_result(label, _why_missing(cells, missing, len(wanted)))
    ordered = [good[key] for key in wanted]
    records = [its.record for its in ordered]
    return MethodResult(
        label=label,
        predictions=pd.concat(
            [pd.read_parquet(its.folder / PREDICTIONS) for its in ordered], ignore_index=True
        ),
        constants={its.key[1]: its.record["constants"] for its in ordered},
        status="ok",
        fit_seconds=sum(record["fit_seconds"] for record in records) / len(seeds),
        parameters=records[0]["parameters"],
    )


def _why_missing(cells: Sequence[_Finished], missing: Sequence[tuple[int, int]], planned: int) -> str:
    reasons = [
        f"{its.record['status']}: {its.record['reason']}" for its in cells if its.record["status"] != "ok"
    ]
    count = f"{len(missing)} of {planned} cells missing"
    return f"{reasons[0]} ({count})" if reasons else count


def _without_result(label: str, status: str) -> MethodResult:
    empty = pd.DataFrame(columns=["case_id", "task", "fold", "seed", "prediction"])
    return MethodResult(label, empty, status=status)


def _title(cohort: Cohort) -> str:
    """The cohort's title, which says how many cases were left out."""
    left_out = len(cohort.skipped_cases)
    return f"{cohort.title}, {left_out} broken case(s) left out" if left_out else cohort.title


def _results(cohort: Cohort, split: Split, methods: Iterable[MethodResult]) -> Results:
    scored = [case_id for fold in split.folds for case_id in fold.test]
    return Results(
        tasks=cohort.tasks,
        cohort=cohort.name,
        cohort_title=_title(cohort),
        cohort_fingerprint=cohort.fingerprint,
        synthetic=cohort.synthetic,
        licence=cohort.licence,
        split=split.name,
        split_title=split.title,
        estimand=split.estimand,
        split_seed=split.seed,
        split_fingerprint=split.fingerprint,
        truth=cohort.take(scored).table[[*IDENTIFIERS, *(task.name for task in cohort.tasks)]],
        methods=tuple(methods),
        ceiling=ceiling_predictions(cohort),
    )
