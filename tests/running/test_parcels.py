"""Parcels: every cell once, long ones first, little idle time at the end; and what a job reads of a store."""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bench.store.store as store_module
from bench.errors import UsageError
from bench.running.estimate import HARNESS_SECONDS, SAMPLE, Needs, needs_of
from bench.running.executors.batch import Work
from bench.running.experiment import Experiment
from bench.running.parcels import HARNESS_MB, LEAST_MINUTES, MEMORY_MARGIN, parcelled, parcels_of
from bench.running.plan import Plan, make_plan
from bench.running.run_cell import PlannedCell, opening_record
from bench.store.store import OK, OUT_OF_MEMORY, Store
from tests.running.fake_cluster import Cluster, Delays, made_cells, made_record

NOTHING = {"minutes": 0, "memory_gb": 0, "gpus": 0}


def busy(store: Store, slots: int, delays: Delays, believed: float, spread: float) -> tuple[float, Cluster]:
    """Share of slots and time in which cells run: real parcels and claims, on a made clock."""
    rng = np.random.default_rng(0)
    cells = made_cells(methods=4, seeds=30)
    seconds = {cell.id: float(believed * rng.lognormal(0, spread)) for cell in cells}
    cluster = Cluster(store, seconds, slots, delays, rng, made_record())
    needs = dict.fromkeys({cell.method for cell in cells}, Needs(believed))
    end = cluster.run(parcelled(cells, needs, NOTHING, slots))
    assert cluster.runs == {cell.id: 1 for cell in cells}
    return cluster.busy / (slots * end), cluster


def test_slots_are_busy_over_nine_tenths_of_the_time(tmp_path: Path) -> None:
    share, _ = busy(Store(tmp_path), 4, Delays(), believed=20.0, spread=0.5)
    assert share > 0.9


def test_a_preempted_job_loses_its_cell_alone(tmp_path: Path) -> None:
    delays = Delays(preempted=0.5)
    _, cluster = busy(Store(tmp_path), 4, delays, believed=20.0, spread=0.5)
    assert len(cluster.lost) > 5
    assert all(0 <= lost < cluster.seconds[cell] for cell, lost in cluster.lost)
    assert not list((tmp_path / "claims").glob("[0-9a-f]*"))


def test_the_simulation_sees_a_job_for_each_cell_as_idle(tmp_path: Path) -> None:
    cells = made_cells(methods=1, seeds=20)
    cluster = Cluster(
        Store(tmp_path), dict.fromkeys([cell.id for cell in cells], 20.0), 4, Delays(),
        np.random.default_rng(0), made_record(),
    )  # fmt: skip
    parcels = [replace(parcelled([cell], {"m000": Needs(20.0)}, NOTHING, 4)[0]) for cell in cells]
    end = cluster.run(parcels)
    assert cluster.busy / (4 * end) < 0.7


def test_parcels_hold_every_cell_once_long_ones_first_and_shrink() -> None:
    cells = made_cells(methods=3, seeds=40)
    needs = {"m000": Needs(5.0), "m001": Needs(400.0), "m002": Needs(None)}
    parcels = parcelled(cells, needs, NOTHING, slots=8)
    ran = [cell for parcel in parcels for cell in parcel.cells]
    assert sorted(cell.id for cell in ran) == [cell.id for cell in cells]
    usual = statistics.median([5.0, 400.0])
    times = [needs[cell.method].seconds or usual for cell in ran]
    assert times == sorted(times, reverse=True)
    assert parcels[0].seconds >= parcels[-2].seconds and len(parcels) < 1000
    assert parcels[0].resources["minutes"] == 24 * 60  # one of the methods is unknown
    short = parcelled([cell for cell in cells if cell.method == "m000"], needs, NOTHING, slots=8)
    assert short[0].resources["minutes"] == LEAST_MINUTES
    assert all(parcel.seconds >= 120 for parcel in short[:-1])


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Plan]:
    asked = Experiment(("constant", "acquisition"), "internal_cv", "phantom-tiny", (0, 1), device="cpu")
    yield make_plan(replace(asked, store=str(tmp_path)), quiet=True)


def ended(planned: Plan, at: int, **measured: object) -> None:
    """A record of a cell, as a run leaves it."""
    cell = planned.cells[at]
    variant = planned.variants[cell.method]
    opening = opening_record(
        PlannedCell(cell, variant, planned.cohort, planned.split, planned.store, planned.compute)
    )
    planned.store.open_work(cell)
    told = {"status": OK, "fit_seconds": 9.0, "predict_seconds": 1.0, "ended": opening.started}
    planned.store.commit(cell, replace(opening, **{**told, **measured}), {})


def work(planned: Plan) -> Work:
    return planned.work(planned.cells, jobs=2)


def test_jobs_ask_for_what_records_tell_with_a_margin(planned: Plan) -> None:
    ended(planned, 0, peak_memory_mb=4000)
    ended(planned, 1, peak_memory_mb=9000, status=OUT_OF_MEMORY)
    needs = needs_of(work(planned), "constant")
    assert needs.memory_mb == 9000 and needs.seconds == pytest.approx(10.0 + HARNESS_SECONDS)
    kinds = parcels_of(work(planned), {}, 2)
    memory = {parcels[0].cells[0].method: parcels[0].resources["memory_gb"] for parcels in kinds}
    assert memory["constant"] >= MEMORY_MARGIN * (HARNESS_MB + 9000) / 1024 > memory["constant"] / 2
    assert memory["acquisition"] == 0
    asked = {"minutes": 7, "constant": {"memory_gb": 3, "partition": "long"}}
    given = {one[0].cells[0].method: one[0].resources for one in parcels_of(work(planned), asked, 2)}
    assert given["constant"] == {"minutes": 7, "memory_gb": 3, "gpus": 0, "partition": "long"}
    assert given["acquisition"] == {"minutes": 7, "memory_gb": 0, "gpus": 0}
    with pytest.raises(UsageError, match=r"unknown key in \[resources\]: 'hours'"):
        parcels_of(work(planned), {"hours": 3}, 2)


def test_cells_on_a_gpu_ask_for_one_and_a_job_with_four_runs_four_at_once(planned: Plan) -> None:
    on_gpu = replace(work(planned), compute=replace(planned.compute, device="cuda"))
    assert {one[0].at_once for one in parcels_of(on_gpu, {}, 2)} == {1}
    assert all(one[0].resources["gpus"] == 1 for one in parcels_of(on_gpu, {}, 2))
    assert {one[0].at_once for one in parcels_of(on_gpu, {"gpus": 4}, 2)} == {4}


def test_what_a_job_reads_does_not_grow_with_finished_cells(
    planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    ours = store_module.read_record
    monkeypatch.setattr(store_module, "read_record", lambda folder: (read.append(folder), ours(folder))[1])
    mine = {cell.id for cell in planned.cells[-2:]}
    planned.to_run(among=mine)
    before = len(read)
    for at in range(8):
        ended(planned, at)
    read.clear()
    assert {cell.id for cell in planned.to_run(among=mine)[0]} == mine
    assert len(read) == before == 2
    read.clear()
    planned.store.sample("constant", 3)
    assert len(read) == 3 < SAMPLE
