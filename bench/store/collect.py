"""From the run store to the value that every table is computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.catalogue import ceiling_predictions
from bench.cohorts.cohort import Cohort
from bench.errors import StoreError
from bench.predictions.results import IDENTIFIERS, MethodResult, Results
from bench.predictions.table import constant_values
from bench.predictions.thresholds import LateThresholds
from bench.splits.shared_training import variance_factor
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.holdings import no_cells
from bench.store.inner_thresholds import chosen_thresholds
from bench.store.record import CellRecord
from bench.store.store import PREDICTIONS, Store

FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class _Finished:
    """The record of a cell and where it lies."""

    record: CellRecord
    folder: Path

    @property
    def key(self) -> tuple[int, int]:
        """Seed and fold."""
        return self.record.seed, self.record.fold

    @property
    def version(self) -> dict[str, Any]:
        """What made it: its identity but for seed and fold."""
        return self.record.identity_without("seed", "fold")


def results_of_cells(
    cohort: Cohort, split: Split, cells: Sequence[Cell], store: Store, skipped: Mapping[str, str]
) -> Results:
    """Results of a plan, each method with its status; skipped methods with their reason."""
    by_method: dict[str, list[_Finished]] = {
        label: [] for label in dict.fromkeys(finished.method for finished in cells)
    }
    for cell in cells:
        record = store.record(cell)
        if record is not None:
            by_method[cell.method].append(_Finished(record, store.cell_folder(cell)))
    seeds = sorted({cell.seed for cell in cells})
    method_results = [_method_result(label, found, split, seeds) for label, found in by_method.items()]
    methods = [
        _with_thresholds(method, by_method[method.label], cohort, split, store) for method in method_results
    ]
    methods += [_without_result(label, f"skipped: {reason}") for label, reason in skipped.items()]
    records = [entry.record for found in by_method.values() for entry in found]
    return replace(_results(cohort, split, methods), **_made_with(records))


def results_of_store(cohort: Cohort, split: Split, store: Store) -> Results:
    """Results of every method of a store on this cohort and split.

    A method all of whose cells are of another version of the cohort or the split is listed with that as its
    status, and not ranked. Of several versions of a method (code, hyperparameters or preprocessing), the one
    that ran last counts.

    Raises
    ------
    UsageError
        There is no finished cell on this cohort and split.
    """
    latest, other = latest_cells(cohort, split, store)
    methods = [
        _with_thresholds(
            _method_result(label, cells, split, sorted({cell.key[0] for cell in cells})),
            cells,
            cohort,
            split,
            store,
        )
        for label, cells in latest.items()
    ]
    methods += [_without_result(label, why) for label, why in other.items()]
    records = [cell.record for cells in latest.values() for cell in cells]
    return replace(_results(cohort, split, methods), **_made_with(records))


def finished_cells(cohort: Cohort, store: Store, split: str) -> list[_Finished]:
    """The completed cells of a cohort and split in the store."""
    return [
        _Finished(record, folder)
        for folder, record in store.records(cohort.name, split)
        if record.cohort_fingerprint == cohort.fingerprint
    ]


def latest_cells(
    cohort: Cohort, split: Split, store: Store
) -> tuple[dict[str, list[_Finished]], dict[str, str]]:
    """Cells of each method on this cohort and split, of the version that ran last; and why others are out.

    Raises UsageError where there is none.
    """
    found = [_Finished(record, folder) for folder, record in store.records(cohort.name, split.name)]
    other = {cell.record.method: why for cell in found if (why := _other_protocol(cell, cohort, split))}
    current = [cell for cell in found if not _other_protocol(cell, cohort, split)]
    if not current:
        why = f"; {len(found)} cells are there, {next(iter(other.values()))}" if found else ""
        raise no_cells(store, cohort.name, split.name, why)
    by_method: dict[str, list[_Finished]] = {}
    for cell in current:
        by_method.setdefault(cell.record.method, []).append(cell)
    latest = {label: _latest_version(every) for label, every in sorted(by_method.items())}
    return latest, {label: why for label, why in other.items() if label not in latest}


def _other_protocol(cell: _Finished, cohort: Cohort, split: Split) -> str:
    """Why a cell belongs to no table on this cohort and split; empty where it does."""
    identity = cell.record.identity
    for what, current in (("cohort", cohort), ("split", split)):
        if identity[what] != current.fingerprint:
            was, now = identity[what][:FINGERPRINT_DIGITS], current.fingerprint[:FINGERPRINT_DIGITS]
            return (
                f"not comparable: run on the {what} with fingerprint {was}, which is now {now}; run it again"
            )
    return ""


def refuse_two_cuts(cells: Sequence[_Finished], store: Store) -> None:
    """Raise StoreError where cells of a split have two fingerprints."""
    seen: dict[str, str] = {}
    for cell in cells:
        name, fingerprint = cell.record.split, cell.record.split_fingerprint
        if seen.setdefault(name, fingerprint) != fingerprint:
            pair = f"{seen[name][:FINGERPRINT_DIGITS]} and {fingerprint[:FINGERPRINT_DIGITS]}"
            raise StoreError(
                f"{store.folder} holds cells of two cuts of the split {name}, with the fingerprints {pair}: "
                f"one table would mix them; remove the cells of one, or keep a store for each"
            )


def _latest_version(cells: Sequence[_Finished]) -> list[_Finished]:
    """The cells made as the last one was: same code, hyperparameters and preprocessing."""
    last = max(cells, key=_ended)
    return [cell for cell in cells if cell.version == last.version]


def _ended(cell: _Finished) -> float:
    """When a cell ended, wherever on earth that was; before all others where its record does not say."""
    ended = cell.record.ended
    return datetime.fromisoformat(ended).timestamp() if ended else 0.0


def _method_result(
    label: str, cells: Sequence[_Finished], split: Split, seeds: Sequence[int]
) -> MethodResult:
    good = {cell.key: cell for cell in cells if cell.record.status == "ok"}
    wanted = [(seed, fold.index) for seed in seeds for fold in split.folds]
    missing = [key for key in wanted if key not in good]
    ordered = [good[key] for key in wanted if key in good]
    if not ordered:
        return replace(_without_result(label, _why_missing(cells, missing, len(wanted))), seeds=tuple(seeds))
    records = [cell.record for cell in ordered]
    return MethodResult(
        label=label,
        predictions=pd.concat(
            [pd.read_parquet(cell.folder / PREDICTIONS) for cell in ordered], ignore_index=True
        ),
        constants={cell.key[1]: cell.record.constants for cell in ordered},
        status=_why_missing(cells, missing, len(wanted)) if missing else "ok",
        fit_seconds=None if missing else _fit_seconds(records, len(seeds)),
        parameters=records[0].parameters,
        records=tuple(record.to_json() for record in records),
        seeds=tuple(seeds),
        made_on=(records[0].cohort_fingerprint, records[0].split_fingerprint),
    )


def _fit_seconds(records: Sequence[CellRecord], seeds: int) -> float | None:
    """Seconds of fitting a seed; None where a cell does not say, as a submitted one."""
    known = [told for told in map(_fitting, records) if told is not None]
    return sum(known) / seeds if len(known) == len(records) else None


def _fitting(record: CellRecord) -> float | None:
    """Processor time of a cell on processors, which other work hardly changes, where told; else wall time."""
    on_processors = record.device == "cpu" and record.fit_cpu_seconds is not None
    return record.fit_cpu_seconds if on_processors else record.fit_seconds


def _with_thresholds(
    method: MethodResult, cells: Sequence[_Finished], cohort: Cohort, split: Split, store: Store
) -> MethodResult:
    """The method with the threshold of every binary task, seed, fold and rule."""
    if method.status != "ok":
        return method
    found = [(cell.record, cell.folder) for cell in cells if cell.record.status == "ok"]
    return replace(method, thresholds=LateThresholds(lambda: chosen_thresholds(cohort, split, found, store)))


def _why_missing(cells: Sequence[_Finished], missing: Sequence[tuple[int, int]], planned: int) -> str:
    reasons = [f"{cell.record.status}: {cell.record.reason}" for cell in cells if cell.record.status != "ok"]
    count = f"{len(missing)} of {planned} cells missing"
    return f"{reasons[0]} ({count})" if reasons else count


def _without_result(label: str, status: str) -> MethodResult:
    empty = pd.DataFrame(columns=["case_id", "task", "fold", "seed", "prediction"])
    return MethodResult(label, empty, status=status)


def _made_with(records: Iterable[CellRecord]) -> dict[str, Any]:
    """Versions and hardware that these cells recorded, several where they differ; some record none."""
    versions: dict[str, set[str]] = {}
    hardware: set[str] = set()
    for record in records:
        environment = record.environment
        if environment is None:
            continue
        for name, number in {"Python": environment["python"], **environment["packages"]}.items():
            versions.setdefault(name, set()).add(number)
        machine = environment["accelerator"] or environment["processor"]
        plural = "" if record.threads == 1 else "s"
        hardware.add(f"{machine} with {record.threads} CPU thread{plural}")
    return {
        "versions": {name: " and ".join(sorted(numbers)) for name, numbers in versions.items()},
        "hardware": "; ".join(sorted(hardware)),
    }


def _title(cohort: Cohort) -> str:
    """The cohort's title, which says how many cases were left out."""
    left_out = len(cohort.skipped_cases)
    return f"{cohort.title}, {left_out} broken case(s) left out" if left_out else cohort.title


def _with_constants(method: MethodResult, cohort: Cohort, split: Split) -> MethodResult:
    """The method, which must know the baseline predictor of folds that it has no cell of."""
    if method.status == "ok":
        return method
    constants = {fold.index: constant_values(cohort.take(fold.train)) for fold in split.folds}
    return replace(method, constants=constants)


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
        methods=tuple(_with_constants(method, cohort, split) for method in methods),
        ceiling=ceiling_predictions(cohort),
        tested={case_id: fold.index for fold in split.folds for case_id in fold.test},
        variance_factor=variance_factor(split),
    )
