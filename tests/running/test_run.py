"""Runs end to end on a tiny synthetic cohort: what is stored, what runs again, what failure leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bench.cohorts.catalogue import open_listed
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.cost import Cost
from bench.methods.parameters import parameters
from bench.methods.registry import load_registry
from bench.report.board import result_table
from bench.report.formats.text import to_json
from bench.running.dry_run import dry_run_rows
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.running.run import run_experiment
from bench.store.collect import results_of_store
from bench.store.record import CellRecord
from bench.store.store import LOG, PREDICTIONS, RECORD, VALIDATION, write_record
from tests.command import bench

MOODY = '''
"""Methods that fail in ways a stranger's may."""
from dataclasses import dataclass
import os
import time
import numpy as np
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

@hookimpl
def bench_methods():
    return [MethodSpec(name, f"{__name__}:{cls}", summary=name, needs=())
            for name, cls in [("raises", "Raises"), ("peeks", "Peeks"), ("slow", "Slow")]] + [
            MethodSpec("needy", f"{__name__}:Slow", summary="needs a table", needs=("features",))]

@dataclass
class Raises:
    def fit(self, train, val, run):
        raise ValueError("no convergence")
    def predict(self, cohort):
        return {}

@dataclass
class Peeks:
    """Asks for the labels of the cases it is tested on."""
    def fit(self, train, val, run):
        return self
    def predict(self, cohort):
        return {task.name: cohort.labels(task.name) for task in cohort.tasks}

@dataclass
class Slow:
    seconds: float = 0.0
    def fit(self, train, val, run):
        for step in range(10):
            time.sleep(self.seconds / 10)
            run.report(step + 1, 10, None)
        self.value = np.random.default_rng(run.seed).random()
        return self
    def predict(self, cohort):
        return {task.name: np.full(len(cohort), self.value) for task in cohort.tasks}
'''


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugins") / "moody.py"
    path.write_text(MOODY)
    return str(path)


def experiment(store: Path, *methods: str, **others: object) -> Experiment:
    given = {"cohort": "phantom-tiny", "split": "internal_cv", "device": "cpu", **others}
    return Experiment(methods=methods, store=str(store), **given)  # type: ignore[arg-type]


def stored(plan: Plan) -> pd.DataFrame:
    return pd.concat([plan.store.predictions(cell) for cell in plan.cells], ignore_index=True)


def test_every_scored_case_is_predicted_once_and_records_say_how(tiny: Cohort, tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant", "tumour_size")
    assert run_experiment(asked, quiet=True).complete
    plan = make_plan(asked, quiet=True)
    table = stored(plan)
    internal = set(tiny.table.index[tiny.groups == "internal"])
    assert len(table) == 2 * len(internal) * len(tiny.tasks)
    assert set(table["case_id"]) == internal
    record = plan.store.record(plan.cells[0])
    assert record is not None
    assert record.status == "ok" and record.synthetic is True and record.threads == 1
    assert record.cohort_fingerprint == tiny.fingerprint
    measured = (record.fit_seconds, record.predict_seconds, record.peak_memory_mb, record.environment)
    assert record.constants and None not in measured


def test_truth_never_travels_with_a_prediction(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant")
    run_experiment(asked, quiet=True)
    assert set(stored(make_plan(asked))) == {"case_id", "task", "fold", "seed", "prediction"}


def test_a_cell_also_keeps_what_it_says_of_its_validation_cases(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "tumour_size")
    run_experiment(asked, quiet=True)
    plan = make_plan(asked)
    for cell in plan.cells:
        kept = pd.read_parquet(plan.store.cell_folder(cell) / VALIDATION)
        assert set(kept["case_id"]) == set(plan.split.folds[cell.fold].val)
        assert not set(kept["case_id"]) & set(plan.store.predictions(cell)["case_id"])


def test_the_same_command_again_runs_nothing(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant")
    run_experiment(asked, quiet=True)
    records = {path: path.stat().st_mtime_ns for path in tmp_path.rglob(RECORD)}
    assert not make_plan(asked).missing()
    run_experiment(asked, quiet=True)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob(RECORD)} == records


def test_a_record_without_its_predictions_is_no_result(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant")
    run_experiment(asked, quiet=True)
    plan = make_plan(asked)
    (plan.store.cell_folder(plan.cells[0]) / PREDICTIONS).unlink()
    (plan.store.cell_folder(plan.cells[1]) / RECORD).write_text('{"status": "ok"')
    assert plan.missing() == list(plan.cells[:2])


def test_a_failing_method_leaves_a_reason_and_the_others_their_results(moody: str, tmp_path: Path) -> None:
    asked = experiment(tmp_path, "raises", "peeks", "constant", plugins=(moody,))
    assert not run_experiment(asked, quiet=True).complete
    plan = make_plan(asked)
    reasons = {cell.method: plan.store.record(cell).reason for cell in plan.cells}  # type: ignore[union-attr]
    assert reasons["raises"] == "ValueError: no convergence"
    assert "a method never sees a test label" in reasons["peeks"]
    assert {cell.method for cell in plan.missing()} == {"raises", "peeks"}
    log = plan.store.cell_folder(plan.cells[0]) / "log.txt"
    assert "no convergence" in log.read_text()


def test_a_method_that_needs_what_the_cohort_lacks_is_skipped_with_the_reason(
    moody: str, tmp_path: Path
) -> None:
    plan = make_plan(experiment(tmp_path, "needy", plugins=(moody,)))
    assert plan.cells == ()
    assert plan.skipped["needy"] == "needs features, which cohort phantom-tiny does not carry"


def test_another_parameter_is_another_row(tmp_path: Path, moody: str) -> None:
    plan = make_plan(experiment(tmp_path, "slow", "constant", plugins=(moody,), set={"seconds": 0.01}))
    assert {cell.method for cell in plan.cells} == {"slow[seconds=0.01]", "constant"}


def test_seeds_are_cells_of_their_own_and_the_split_stays(tmp_path: Path, moody: str) -> None:
    asked = experiment(tmp_path, "slow", plugins=(moody,), seeds=(0, 1))
    run_experiment(asked, quiet=True)
    table = stored(make_plan(asked))
    wide = table.pivot_table(index=["case_id", "fold", "task"], columns="seed", values="prediction")
    assert wide.notna().all().all() and (wide[0] != wide[1]).all()


def test_a_dry_run_fits_nothing_and_says_where_its_times_come_from(
    tmp_path: Path, moody: str, tiny: Cohort
) -> None:
    asked = experiment(tmp_path / "store", "raises", "tumour_size", "needy", plugins=(moody,))
    started = time.process_time()
    rows = {row["method"]: row for row in dry_run_rows(asked, quiet=True)}
    assert time.process_time() - started < 5
    assert rows["raises"] | {"cells": 5} == rows["raises"] and rows["raises"]["seconds"] is None
    assert rows["raises"]["estimated_from"] == "no past record, and the method states no cost"
    assert rows["tumour_size"]["estimated_from"].startswith("stated cost of 0.03 s a training case")
    assert rows["needy"]["estimated_from"].startswith("skipped: needs features")
    assert rows["all"]["seconds"] == rows["tumour_size"]["seconds"] > 0
    assert rows["all"]["estimated_from"] == "1 method without an estimate is left out"
    assert not (tmp_path / "store").exists()


def test_a_dry_run_prefers_past_records_scaled_by_training_cases(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant")
    run_experiment(asked, quiet=True)
    plan = make_plan(asked)
    for cell in plan.cells:
        folder = plan.store.cell_folder(cell)
        record = json.loads((folder / RECORD).read_text())
        cases = record["cases"]["train"]
        measured = {"fit_seconds": 0.5 * cases, "predict_seconds": 0.0}
        write_record(folder, CellRecord.from_json(record | measured))
    more = experiment(tmp_path, "constant", seeds=(0, 1))
    row, _ = dry_run_rows(more, quiet=True)
    cases = [len(plan.split.folds[cell.fold].train) for cell in plan.cells]
    assert row["done"] == 5 and row["estimated_from"] == "5 past records"
    assert row["seconds"] == pytest.approx(0.5 * 5 * cases[0], abs=1)


@pytest.mark.parametrize("name", ["phantom-tiny", "phantom-tiny@7"])
def test_a_dry_run_makes_no_phantom_and_knows_the_cells_of_one_that_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Cohort, name: str
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    rows = dry_run_rows(experiment(tmp_path / "store", "constant", cohort=name), quiet=True)
    assert rows[0]["cells"] == 5
    assert not (tmp_path / "cache" / "phantoms").exists()
    assert (open_listed(name).fingerprint == tiny.fingerprint) == (name == "phantom-tiny")


def test_the_cost_of_a_method_grows_with_cases_and_with_the_parameters_it_names() -> None:
    cost = Cost(0.5, grows_with=("epochs",))
    assert cost.seconds(100, {"epochs": 10, "width": 4}, {"epochs": 10, "width": 2}) == 50
    assert cost.seconds(100, {"epochs": 30}, {"epochs": 10}) == 150


def test_every_shipped_method_states_its_cost() -> None:
    lacking = [name for name, spec in load_registry().specs.items() if spec.cost is None]
    assert not lacking
    for spec in load_registry().specs.values():
        assert spec.cost is not None and set(spec.cost.grows_with) <= set(parameters(spec))


@pytest.mark.parametrize("executor", ["here", "workers"])
def test_a_gpu_that_is_not_there_is_a_usage_error_before_any_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    asked = experiment(tmp_path, "constant", device="cuda", executor=executor)
    with pytest.raises(
        UsageError, match=r"^device=cuda: torch .* sees no GPU here; give device=cpu, or auto"
    ):
        run_experiment(asked, quiet=True)
    assert not list(tmp_path.rglob(RECORD))


@pytest.mark.parametrize("device", ["mps", "cuda:1", "tpu", "CPU", ""])
def test_a_device_that_does_not_exist_is_a_usage_error(tmp_path: Path, device: str) -> None:
    with pytest.raises(UsageError, match=r"unknown device .* CUDA_VISIBLE_DEVICES chooses"):
        make_plan(experiment(tmp_path, "constant", device=device))


@pytest.mark.slow
def test_what_a_method_prints_harms_no_cell_whatever_the_encoding_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prints.py"
    text = MOODY.replace('raise ValueError("no convergence")', 'print("5 µm"); return self')
    told = "return {task.name: np.ones(len(cohort)) for task in cohort.tasks}"
    path.write_text(text.replace("return {}", told), encoding="utf-8")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    asked = experiment(tmp_path / "store", "raises", plugins=(str(path),), executor="workers")
    assert run_experiment(asked, quiet=True).complete
    (log, *_) = (tmp_path / "store" / "cells").rglob(LOG)
    assert "5 µm" in log.read_text(encoding="utf-8")


def test_an_unknown_executor_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown executor 'cloud'"):
        run_experiment(experiment(tmp_path, "constant", executor="cloud"), True)
    assert not list(tmp_path.iterdir())


def test_a_method_with_a_need_that_does_not_exist_is_skipped_and_the_other_rows_stand(tmp_path: Path) -> None:
    path = tmp_path / "odd_needs.py"
    path.write_text(MOODY.replace('needs=("features",)', 'needs=("volume",)'))
    asked = experiment(tmp_path / "store", "needy", "constant", plugins=(str(path),))
    outcome = run_experiment(asked, quiet=True)
    assert not outcome.complete
    rows = json.loads(to_json(result_table(outcome.results[0])))["rows"]
    status = {row["method"]: row["status"] for row in rows}
    assert status["constant"] == "ok"
    assert status["needy"] == (
        "skipped: needs 'volume' in its plugin, "
        "expected one of volumes, features, acquisition, clinical, weights"
    )


def test_a_board_never_mixes_cells_of_two_versions(tmp_path: Path) -> None:
    asked = experiment(tmp_path, "constant", seeds=(0, 1))
    run_experiment(asked, quiet=True)
    plan = make_plan(asked)
    older = plan.store.cell_folder(plan.cells[0]) / RECORD
    record = json.loads(older.read_text())
    record["identity"]["preprocessing"], record["ended"] = -1, "2000-01-01T00:00:00+0000"
    write_record(older.parent, CellRecord.from_json(record))
    (row,) = results_of_store(plan.cohort, plan.split, plan.store).methods
    assert row.status == "1 of 10 cells missing"


def finished(store: Path) -> list[Path]:
    return list(store.glob(f"cells/*/*/*/*/{RECORD}"))


@pytest.mark.slow
def test_a_kill_loses_the_running_cell_only_and_the_end_is_the_same(moody: str, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    words = ["run", "--method", "slow", "--plugin", moody, "--set", "seconds=0.5"]
    words += ["--cohort", "phantom-tiny", "--split", "internal_cv", "--device", "cpu", "--format", "json"]
    assert bench(*words, "--store", str(whole)).returncode == 0
    command = [sys.executable, "-m", "bench", *words, "--store", str(broken)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(finished(broken)) < 2 and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in finished(broken)}
    assert 2 <= len(kept) < 5
    again = bench(*words, "--store", str(broken))
    assert again.returncode == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert json.loads(again.stdout)
    tables = [
        pd.concat([pd.read_parquet(path) for path in sorted(store.rglob(PREDICTIONS))], ignore_index=True)
        for store in (whole, broken)
    ]
    assert_frame_equal(*tables)


def test_ctrl_c_says_that_nothing_is_lost(moody: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "run", "--method", "constant,slow", "--plugin", moody]
    command += ["--set", "seconds=60", "--cohort", "phantom-tiny", "--split", "internal_cv"]
    command += ["--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--store", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(finished(tmp_path)) < 5 and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)  # into the training of the slow method
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "what is finished is kept, the same command goes on from here" in said and "Traceback" not in said
    assert len(finished(tmp_path)) == 5
