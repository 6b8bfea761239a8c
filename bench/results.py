"""From the run store to the value that every table is computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cells import Cell
from bench.cohorts.catalogue import ceiling_predictions
from bench.cohorts.cohort import Cohort
from bench.errors import StoreError
from bench.holdings import no_cells
from bench.inner import chosen_thresholds, is_inner
from bench.leaderboard import MethodResult, Results
from bench.predictions import constant_values
from bench.shared_training import variance_factor
from bench.split import Split
from bench.store import PREDICTIONS, VALIDATION, Record, Store
from bench.thresholds import LateThresholds

FINGERPRINT_DIGITS = 12
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
    method_results = [_method_result(label, found, split, seeds) for label, found in by_method.items()]
    methods = [_with_thresholds(its, by_method[its.label], cohort, split, store) for its in method_results]
    methods += [_without_result(label, f"skipped: {reason}") for label, reason in skipped.items()]
    records = [its.record for found in by_method.values() for its in found]
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
    latest, other = _latest_cells(cohort, split, store)
    methods = [
        _with_thresholds(
            _method_result(label, cells, split, sorted({its.key[0] for its in cells})),
            cells,
            cohort,
            split,
            store,
        )
        for label, cells in latest.items()
    ]
    methods += [_without_result(label, why) for label, why in other.items()]
    records = [its.record for cells in latest.values() for its in cells]
    return replace(_results(cohort, split, methods), **_made_with(records))


def validation_predictions(cohort: Cohort, split: Split, store: Store) -> pd.DataFrame:
    """Validation predictions of the cells that :func:`results_of_store` reads, for choosing thresholds.

    Columns ``method``, ``seed``, ``fold``, ``case_id``, ``task`` and ``prediction``; cells that kept none, as
    those of an older version, have no row. Raises UsageError where there is no finished cell.
    """
    tables = [
        pd.read_parquet(its.folder / VALIDATION).assign(method=label)
        for label, latest in _latest_cells(cohort, split, store)[0].items()
        for its in latest
        if its.record["status"] == "ok" and (its.folder / VALIDATION).is_file()
    ]
    columns = ["method", "seed", "fold", "case_id", "task", "prediction"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def export_predictions(cohort: Cohort, split: str | None, store: Store) -> pd.DataFrame:
    """Every stored prediction of this cohort beside its truth, in the columns of ``bench predictions``.

    Raises
    ------
    StoreError
        The store holds cells of two cuts of a split, which one table would mix.
    """
    tables = []
    cells = [its for its in _cells_of(cohort, store, split or "*") if not is_inner(its.record["split"])]
    _refuse_two_cuts(cells, store)
    for its in cells:
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


def _latest_cells(
    cohort: Cohort, split: Split, store: Store
) -> tuple[dict[str, list[_Finished]], dict[str, str]]:
    """Cells of each method on this cohort and split, of the version that ran last; and why others are out.

    Raises UsageError where there is none.
    """
    found = [_Finished(record, folder) for folder, record in store.records(cohort.name, split.name)]
    other = {its.record["method"]: why for its in found if (why := _other_protocol(its, cohort, split))}
    current = [its for its in found if not _other_protocol(its, cohort, split)]
    if not current:
        why = f"; {len(found)} cells are there, {next(iter(other.values()))}" if found else ""
        raise no_cells(store, cohort.name, split.name, why)
    by_method: dict[str, list[_Finished]] = {}
    for its in current:
        by_method.setdefault(its.record["method"], []).append(its)
    latest = {label: _latest_version(every) for label, every in sorted(by_method.items())}
    return latest, {label: why for label, why in other.items() if label not in latest}


def _other_protocol(cell: _Finished, cohort: Cohort, split: Split) -> str:
    """Why a cell belongs to no table on this cohort and split; empty where it does."""
    identity = cell.record["identity"]
    for what, current in (("cohort", cohort), ("split", split)):
        if identity[what] != current.fingerprint:
            was, now = identity[what][:FINGERPRINT_DIGITS], current.fingerprint[:FINGERPRINT_DIGITS]
            return (
                f"not comparable: run on the {what} with fingerprint {was}, which is now {now}; run it again"
            )
    return ""


def _refuse_two_cuts(cells: Sequence[_Finished], store: Store) -> None:
    """Raise StoreError where cells of a split have two fingerprints."""
    seen: dict[str, str] = {}
    for its in cells:
        name, fingerprint = its.record["split"], its.record["identity"]["split"]
        if seen.setdefault(name, fingerprint) != fingerprint:
            pair = f"{seen[name][:FINGERPRINT_DIGITS]} and {fingerprint[:FINGERPRINT_DIGITS]}"
            raise StoreError(
                f"{store.folder} holds cells of two cuts of the split {name}, with the fingerprints {pair}: "
                f"one table would mix them; remove the cells of one, or keep a store for each"
            )


def _latest_version(cells: Sequence[_Finished]) -> list[_Finished]:
    """The cells made as the last one was: same code, hyperparameters and preprocessing."""
    last = max(cells, key=_ended)
    return [its for its in cells if its.version == last.version]


def _ended(cell: _Finished) -> float:
    """When a cell ended, wherever on earth that was; before all others where its record does not say."""
    ended = cell.record.get("ended")
    return datetime.fromisoformat(str(ended)).timestamp() if ended else 0.0


def _method_result(
    label: str, cells: Sequence[_Finished], split: Split, seeds: Sequence[int]
) -> MethodResult:
    good = {its.key: its for its in cells if its.record["status"] == "ok"}
    wanted = [(seed, fold.index) for seed in seeds for fold in split.folds]
    missing = [key for key in wanted if key not in good]
    ordered = [good[key] for key in wanted if key in good]
    if not ordered:
        return replace(_without_result(label, _why_missing(cells, missing, len(wanted))), seeds=tuple(seeds))
    records = [its.record for its in ordered]
    identity = records[0]["identity"]
    return MethodResult(
        label=label,
        predictions=pd.concat(
            [pd.read_parquet(its.folder / PREDICTIONS) for its in ordered], ignore_index=True
        ),
        constants={its.key[1]: its.record["constants"] for its in ordered},
        status=_why_missing(cells, missing, len(wanted)) if missing else "ok",
        fit_seconds=None if missing else _fit_seconds(records, len(seeds)),
        parameters=records[0].get("parameters"),
        records=tuple(records),
        seeds=tuple(seeds),
        made_on=(identity["cohort"], identity["split"]),
    )


def _fit_seconds(records: Sequence[Record], seeds: int) -> float | None:
    """Seconds of fitting a seed; None where a cell does not say, as a submitted one."""
    said = [record["fit_seconds"] for record in records if "fit_seconds" in record]
    return sum(said) / seeds if len(said) == len(records) else None


def _with_thresholds(
    method: MethodResult, cells: Sequence[_Finished], cohort: Cohort, split: Split, store: Store
) -> MethodResult:
    """The method with the threshold of every binary task, seed, fold and rule."""
    if method.status != "ok":
        return method
    found = [(its.record, its.folder) for its in cells if its.record["status"] == "ok"]
    return replace(method, thresholds=LateThresholds(lambda: chosen_thresholds(cohort, split, found, store)))


def _why_missing(cells: Sequence[_Finished], missing: Sequence[tuple[int, int]], planned: int) -> str:
    reasons = [
        f"{its.record['status']}: {its.record['reason']}" for its in cells if its.record["status"] != "ok"
    ]
    count = f"{len(missing)} of {planned} cells missing"
    return f"{reasons[0]} ({count})" if reasons else count


def _without_result(label: str, status: str) -> MethodResult:
    empty = pd.DataFrame(columns=["case_id", "task", "fold", "seed", "prediction"])
    return MethodResult(label, empty, status=status)


def _made_with(records: Iterable[Record]) -> dict[str, Any]:
    """Versions and hardware that these cells recorded, several where they differ; some record none."""
    versions: dict[str, set[str]] = {}
    hardware: set[str] = set()
    for record in records:
        environment = record.get("environment")
        if environment is None:
            continue
        for name, number in {"Python": environment["python"], **environment["packages"]}.items():
            versions.setdefault(name, set()).add(number)
        machine = environment["accelerator"] or environment["processor"]
        plural = "" if record["threads"] == 1 else "s"
        hardware.add(f"{machine} with {record['threads']} CPU thread{plural}")
    return {
        "versions": {name: " and ".join(sorted(numbers)) for name, numbers in versions.items()},
        "hardware": "; ".join(sorted(hardware)),
    }


def _title(cohort: Cohort) -> str:
    """The cohort's title, which says how many cases were left out."""
    left_out = len(cohort.skipped_cases)
    return f"{cohort.title}, {left_out} broken case(s) left out" if left_out else cohort.title


def _with_constants(method: MethodResult, cohort: Cohort, split: Split) -> MethodResult:
    """The method, which must know the constant predictor of folds that it has no cell of."""
    if method.status == "ok":
        return method
    said = {fold.index: constant_values(cohort.take(fold.train)) for fold in split.folds}
    return replace(method, constants=said)


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
        methods=tuple(_with_constants(its, cohort, split) for its in methods),
        ceiling=ceiling_predictions(cohort),
        tested={case_id: fold.index for fold in split.folds for case_id in fold.test},
        variance_factor=variance_factor(split),
    )
