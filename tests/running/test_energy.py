"""Energy of cells: counters of a made powercap tree, and those of this machine where it has some."""

import json
from pathlib import Path

import pytest

from bench.report.costs import cost_table
from bench.report.tracking.runs import tracked_runs
from bench.running import energy
from bench.running.energy import POWERCAP, Counter, Meter, energy_meter, gpu_counters, processor_counters
from bench.running.experiment import Experiment
from bench.running.run import run_experiment
from bench.store.record import CellRecord, broken_value
from bench.store.store import RECORD, Store


def zone(folder: Path, name: str, joules: float, end: float = 262143.3) -> Path:
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{1e6 * joules:.0f}\n")
    (folder / "max_energy_range_uj").write_text(f"{1e6 * end:.0f}\n")
    return folder


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages, one with memory; what would count twice beside them."""
    root = tmp_path / "powercap"
    zone(root / "intel-rapl:0", "package-0", 100.0)
    zone(root / "intel-rapl:0:0", "core", 60.0)
    zone(root / "intel-rapl:0:1", "dram", 5.0)
    zone(root / "intel-rapl:1", "package-1", 200.0)
    zone(root / "intel-rapl:2", "psys", 400.0)
    zone(root / "intel-rapl-mmio:0", "package-0", 100.0)
    monkeypatch.setattr(energy, "POWERCAP", root)
    return root


def rise(folder: Path, joules: float) -> None:
    (folder / "energy_uj").write_text(f"{1e6 * joules:.0f}\n")


def test_packages_and_memory_count_once(tree: Path) -> None:
    found = processor_counters(tree)
    assert [counter.covers for counter in found] == ["package-0", "dram 0", "package-1"]
    with energy_meter("cpu", tree) as told:
        rise(tree / "intel-rapl:0", 130.0)
        rise(tree / "intel-rapl:0:0", 90.0)
        rise(tree / "intel-rapl:0:1", 6.5)
        rise(tree / "intel-rapl:1", 200.25)
        assert told() == {"cpu_joules": 31.75, "cpu_covers": "package-0, dram 0, package-1"}
        rise(tree / "intel-rapl:1", 201.25)
        assert told()["cpu_joules"] == 32.75


def test_a_counter_that_begins_again_goes_on(tree: Path) -> None:
    rise(tree / "intel-rapl:0", 262140.0)
    with energy_meter("cpu", tree) as told:
        rise(tree / "intel-rapl:0", 10.0)
        assert told()["cpu_joules"] == pytest.approx(13.3)
        rise(tree / "intel-rapl:0", 20.0)
        assert told()["cpu_joules"] == pytest.approx(23.3)


def test_without_permission_or_tree_there_is_no_energy(tree: Path) -> None:
    def refused() -> float:
        raise PermissionError(13, "Permission denied")

    meter = Meter([Counter("package-0", refused)])
    meter.look()
    assert meter.joules is None
    (tree / "intel-rapl:0" / "energy_uj").unlink()
    (tree / "intel-rapl:0" / "energy_uj").mkdir()  # cannot be read, by the superuser neither
    (tree / "intel-rapl:1" / "energy_uj").unlink()
    assert processor_counters(tree) == []
    with energy_meter("cpu", tree / "none") as told:
        assert told() is None


def test_a_counter_that_is_lost_on_the_way_leaves_no_half_sum(tree: Path) -> None:
    with energy_meter("cpu", tree) as told:
        rise(tree / "intel-rapl:0", 130.0)
        (tree / "intel-rapl:1" / "energy_uj").unlink()
        assert told() is None


def test_no_gpu_tells_of_a_cell_on_the_processor() -> None:
    assert gpu_counters("cpu") == []


@pytest.mark.skipif(not processor_counters(), reason=f"no counter can be read in {POWERCAP}")
def test_the_counters_of_this_machine_rise_by_what_a_processor_takes() -> None:
    with energy_meter("cpu") as told:
        sum(number * number for number in range(3_000_000))
        found = told()
    assert found is not None and 0 < found["cpu_joules"] < 10_000


def test_the_energy_of_a_cell_is_in_record_table_and_export(tree: Path, tmp_path: Path) -> None:
    asked = Experiment(
        methods=("constant",),
        cohort="phantom-tiny",
        split="internal",
        store=str(tmp_path / "runs"),
        executor="here",
        device="cpu",
    )
    outcome = run_experiment(asked, quiet=True)
    (path,) = (tmp_path / "runs").glob(f"cells/*/*/*/*/{RECORD}")
    record = json.loads(path.read_text())
    covers = "package-0, dram 0, package-1"
    assert record["energy"] == {"cpu_joules": 0.0, "cpu_covers": covers}
    assert broken_value(record) == ""
    assert broken_value(record | {"energy": {"cpu_joules": "many"}}) == "energy"
    table = cost_table(outcome.results[0])
    assert table is not None and table.records[0]["energy_joules"] == 0.0
    assert any(f"that of {covers}, whole, whoever used it" in note for note in table.notes)
    (run,) = tracked_runs(Store(tmp_path / "runs"))
    assert run.metrics["cpu_joules"] == 0.0
    del record["energy"]  # as cells of before have it
    assert CellRecord.from_json(record).energy is None
