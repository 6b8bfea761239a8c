"""Rows combined in a store: as by hand, blind to test labels, marked, and missing where a member is."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cli.predictions import Combination
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.predictions.combined import RULES
from bench.report.notes import brief_notes
from bench.running.plan import Plan
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.combination import NAMES, combine_rows
from bench.store.store import PREDICTIONS, VALIDATION, Store

MEMBERS = ("tumour_size", "constant")


@pytest.fixture
def store(planned: Plan, tmp_path: Path) -> Store:
    shutil.copytree(planned.store.folder / "cells", tmp_path / "runs" / "cells")
    return Store(tmp_path / "runs")


@pytest.fixture
def split(planned: Plan) -> Split:
    return planned.split


def row(label: str, cohort: Cohort, split: Split, store: Store):
    return next(one for one in results_of_store(cohort, split, store).methods if one.label == label)


def said(cells, store: Store, name: str = PREDICTIONS) -> np.ndarray:
    tables = [pd.read_parquet(store.cell_folder(cell) / name) for cell in cells]
    return pd.concat(tables)["prediction"].to_numpy()


@pytest.mark.parametrize("kind", RULES)
def test_a_combined_row_is_on_the_board_with_thresholds_and_a_note(
    kind: str, tiny: Cohort, split: Split, store: Store
) -> None:
    combine_rows(kind, MEMBERS, tiny, split, store)
    found = row(f"{NAMES[kind]} (combined)", tiny, split, store)
    assert found.status == "ok" and found.fit_seconds is not None
    size = row("tumour_size", tiny, split, store)
    assert len(found.thresholds) == len(size.thresholds)
    results = results_of_store(tiny, split, store)
    assert any(f"{kind} of constant and tumour_size" in note for note in brief_notes(results, []))


def test_the_mean_is_that_of_the_stored_predictions(tiny: Cohort, split: Split, store: Store) -> None:
    combine_rows("mean", MEMBERS, tiny, split, store, "both")
    tables = [row(label, tiny, split, store).predictions for label in ("both (combined)", *MEMBERS)]
    keys = ["fold", "seed", "task", "case_id"]
    both, one, other = (table.set_index(keys)["prediction"].sort_index() for table in tables)
    pd.testing.assert_series_equal(both, (one + other) / 2)


@pytest.mark.parametrize("kind", RULES)
def test_labels_of_test_cases_change_nothing_and_those_of_validation_cases_do(
    kind: str, tiny: Cohort, split: Split, store: Store, tmp_path: Path
) -> None:
    fold = split.folds[0]
    before = said(combine_rows(kind, MEMBERS, tiny, split, store)[:1], store)

    def turned(case_ids) -> np.ndarray:
        table = tiny.table.copy()
        ids = list(case_ids)
        table.loc[ids, "er"] = 1 - table.loc[ids, "er"]
        table.loc[ids, "ki67"] = 100 - table.loc[ids, "ki67"]
        cells = combine_rows(kind, MEMBERS, replace(tiny, table=table), split, store)
        return said(cells[:1], store)

    assert np.array_equal(turned(fold.test), before)
    assert np.array_equal(turned(fold.val), before) == (kind == "mean")


def test_a_cell_that_a_member_lacks_is_missing_and_says_so(
    tiny: Cohort, split: Split, store: Store, planned: Plan
) -> None:
    lost = next(cell for cell in planned.cells if (cell.method, cell.fold) == ("tumour_size", 1))
    shutil.rmtree(store.cell_folder(lost))
    combine_rows("mean", MEMBERS, tiny, split, store)
    status = row("ensemble (combined)", tiny, split, store).status
    assert "no result of tumour_size for seed 0, fold 1" in status and "1 of 5 cells missing" in status


def test_other_predictions_of_a_member_make_other_cells(
    tiny: Cohort, split: Split, store: Store, planned: Plan
) -> None:
    first = combine_rows("mean", MEMBERS, tiny, split, store)
    assert [cell.id for cell in combine_rows("mean", MEMBERS[::-1], tiny, split, store)] == [
        cell.id for cell in first
    ]
    cell = next(cell for cell in planned.cells if cell.method == "tumour_size" and cell.fold == 0)
    folder = store.cell_folder(cell)
    tables = {name: pd.read_parquet(folder / name) for name in (PREDICTIONS, VALIDATION)}
    tables[PREDICTIONS]["prediction"] *= 0.5
    store.commit(cell, store.record(cell), tables)
    second = combine_rows("mean", MEMBERS, tiny, split, store)
    assert not {cell.id for cell in first} & {cell.id for cell in second}
    assert row("ensemble (combined)", tiny, split, store).status == "ok"


def test_what_cannot_be_combined_is_refused(tiny: Cohort, split: Split, store: Store) -> None:
    with pytest.raises(UsageError, match="two different rows"):
        combine_rows("mean", ["constant", "constant"], tiny, split, store)
    with pytest.raises(UsageError, match="unknown row"):
        combine_rows("mean", ["constant", "tumour_sise"], tiny, split, store)
    with pytest.raises(UsageError, match="unknown kind"):
        combine_rows("median", MEMBERS, tiny, split, store)
    combine_rows("mean", MEMBERS, tiny, split, store)
    with pytest.raises(UsageError, match="combined itself"):
        combine_rows("best", ["constant", "ensemble (combined)"], tiny, split, store)


def test_the_command_combines_and_names_what_is_missing(tiny: Cohort, store: Store, planned: Plan) -> None:
    lost = next(cell for cell in planned.cells if (cell.method, cell.fold) == ("constant", 0))
    shutil.rmtree(store.cell_folder(lost))
    options = ["--cohort", tiny.name, "--split", "internal_cv", "--store", str(store.folder)]
    told = CliRunner().invoke(app, ["combine", "--members", ",".join(MEMBERS), "--kind", "stack", *options])
    assert told.exit_code == 0, told.output
    assert "4 cells of stack (combined) stored" in told.output
    assert "seed 0, fold 0: no result of constant" in told.output
    assert {one.value for one in Combination} == RULES.keys() == NAMES.keys()
