"""Stored predictions as one table, for programs and spreadsheets."""

from collections.abc import Iterable

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.predictions.results import COLUMNS, IDENTIFIERS
from bench.splits.inner import is_inner
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.store.collect import finished_cells, latest_cells, refuse_two_cuts
from bench.store.store import PREDICTIONS, VALIDATION, Store

VALIDATION_COLUMNS = ["method", "seed", "fold", "case_id", "task", "prediction"]


def validation_predictions(cohort: Cohort, split: Split, store: Store) -> pd.DataFrame:
    """Validation predictions of the cells that :func:`results_of_store` reads, for choosing thresholds.

    Columns ``method``, ``seed``, ``fold``, ``case_id``, ``task`` and ``prediction``; cells that kept none, as
    those of an older version, have no row. Raises UsageError where there is no finished cell.
    """
    tables = [
        pd.read_parquet(cell.folder / VALIDATION).assign(method=label)
        for label, latest in latest_cells(cohort, split, store)[0].items()
        for cell in latest
        if cell.record.status == "ok" and (cell.folder / VALIDATION).is_file()
    ]
    return (
        pd.concat(tables, ignore_index=True)[VALIDATION_COLUMNS]
        if tables
        else pd.DataFrame(columns=VALIDATION_COLUMNS)
    )


def validation_of_cells(cohort: Cohort, cells: Iterable[Cell], store: Store) -> pd.DataFrame:
    """Validation predictions of these cells, with the columns above and ``truth``; completed cells alone."""
    tables = [
        pd.read_parquet(store.cell_folder(cell) / VALIDATION).assign(method=cell.method)
        for cell in cells
        if store.is_done(cell) and (store.cell_folder(cell) / VALIDATION).is_file()
    ]
    if not tables:
        return pd.DataFrame(columns=[*VALIDATION_COLUMNS, "truth"])
    labels = cohort.table[[task.name for task in cohort.tasks]].rename_axis("case_id").reset_index()
    truth = labels.melt("case_id", var_name="task", value_name="truth")
    return pd.concat(tables, ignore_index=True)[VALIDATION_COLUMNS].merge(
        truth, on=["case_id", "task"], how="left"
    )


def export_predictions(cohort: Cohort, split: str | None, store: Store) -> pd.DataFrame:
    """Every stored prediction of this cohort beside its truth, in the columns of ``bench predictions``.

    Raises
    ------
    StoreError
        The store holds cells of two cuts of a split, which one table would mix.
    """
    tables = []
    cells = [cell for cell in finished_cells(cohort, store, split or "*") if not is_inner(cell.record.split)]
    refuse_two_cuts(cells, store)
    for cell in cells:
        if cell.record.status == "ok":
            table = pd.read_parquet(cell.folder / PREDICTIONS)
            names = {name: getattr(cell.record, name) for name in ("cohort", "split", "method")}
            tables.append(table.assign(**names))
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    joined = pd.concat(tables, ignore_index=True).join(cohort.table[list(IDENTIFIERS)], on="case_id")
    labels = cohort.table[[task.name for task in cohort.tasks]].reset_index()
    truth = labels.melt("case_id", var_name="task", value_name="truth")
    return joined.merge(truth, on=["case_id", "task"], how="left")[list(COLUMNS)]
