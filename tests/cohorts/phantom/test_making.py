"""The phantom is made whole or not at all, and once."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cohorts.folder import load_folder
from bench.cohorts.phantom import GENERATOR, SCENARIOS, biology, make_phantom
from bench.cohorts.phantom.scenarios import ATTRIBUTES
from bench.errors import CohortError
from tests.cohorts.phantom.samples import FEW


def contents(folder: Path) -> dict[str, bytes | np.ndarray]:
    """Tables as bytes and volumes as arrays, by relative path."""
    return {
        str(path.relative_to(folder)): sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        if path.suffix == ".gz"
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name


def test_the_cohort_reads_back_as_a_folder_cohort(few: Path) -> None:
    cohort = load_folder(few / "cohort")
    assert (len(cohort), cohort.synthetic, cohort.name) == (7, True, "phantom")
    assert [(task.name, task.title) for task in cohort.tasks] == [
        ("er", "ER"), ("pr", "PR"), ("her2", "HER2"), ("ki67", "Ki-67"),
    ]  # fmt: skip
    assert cohort.task("ki67").range == (0.0, 100.0)
    assert list(cohort.covariates("clinical")) == ["age"]
    assert len(set(cohort.patient_ids)) == 5
    assert f"generator = {GENERATOR}\n" in (few / "cohort" / "cohort.toml").read_text()


def renamed(cohort: Path, aside: Path, old: str, new: str) -> Path:
    """A copy of a phantom whose cohort.toml has other words."""
    shutil.copytree(cohort, aside)
    header = (aside / "cohort.toml").read_text()
    assert header.count(old) == 1
    (aside / "cohort.toml").write_text(header.replace(old, new))
    return aside


def test_other_words_in_its_header_make_no_other_phantom(few: Path, tmp_path: Path) -> None:
    before = load_folder(few / "cohort").fingerprint
    words = (
        ("bench/cohorts/phantom/README.md", "elsewhere.md"),
        ('title = "Synthetic', 'title = "A synthetic'),
    )
    for k, (old, new) in enumerate(words):
        assert load_folder(renamed(few / "cohort", tmp_path / f"words{k}", old, new)).fingerprint == before


def test_another_generator_model_seed_or_table_makes_another_phantom(few: Path, tmp_path: Path) -> None:
    model = SCENARIOS["phantom"].model
    changes = ((f"generator = {GENERATOR}\n", "generator = 1\n"), (model, "0" * 16), ("seed = 0", "seed = 1"))
    folders = [renamed(few / "cohort", tmp_path / f"c{k}", *pair) for k, pair in enumerate(changes)]
    folders.append(shutil.copytree(few / "cohort", tmp_path / "table"))
    table = (folders[-1] / "cases.csv").read_text()
    (folders[-1] / "cases.csv").write_text(table.replace("Aurora", "Borealis", 1))
    made = [load_folder(folder).fingerprint for folder in (few / "cohort", *folders)]
    assert len(set(made)) == 5


def test_the_model_of_a_scenario_follows_loadings_and_populations() -> None:
    chosen = SCENARIOS["phantom"]
    other = replace(chosen, loadings={"rim_strength": {"er": -1.5}})
    elsewhere = replace(chosen, populations={"A": biology.Population(er=0.5)})
    assert len({chosen.model, other.model, elsewhere.model}) == 3
    assert replace(chosen, summary="reworded").model == chosen.model


def test_what_is_made_does_not_depend_on_the_number_of_workers(few: Path, tmp_path: Path) -> None:
    make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", counts=FEW, workers=1)
    assert_same(few / "cohort", tmp_path / "cohort")
    assert (few / "oracle.csv").read_bytes() == (tmp_path / "oracle.csv").read_bytes()


def test_another_seed_makes_other_cases_under_another_name(few: Path, tmp_path: Path) -> None:
    make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", seed=5, counts={"A": 3})
    assert load_folder(tmp_path / "cohort").name == "phantom@5"
    name = "images/A0003_image.nii.gz"
    assert not np.array_equal(contents(few / "cohort")[name], contents(tmp_path / "cohort")[name])


def test_the_oracle_reads_every_case_and_task_and_lies_outside_the_cohort(few: Path) -> None:
    oracle = pd.read_csv(few / "oracle.csv")
    assert list(oracle) == ["case_id", "task", "prediction"]
    assert len(oracle) == 7 * 4
    assert not [path for path in (few / "cohort").rglob("*") if "oracle" in path.name or "param" in path.name]
    parameters = pd.read_csv(few / "oracle_parameters.csv", index_col="case_id")
    assert list(parameters) == list(ATTRIBUTES)


def test_an_oracle_inside_the_cohort_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="lies inside the cohort folder"):
        make_phantom("phantom", tmp_path / "cohort", tmp_path / "cohort" / "oracle.csv", counts=FEW)


def test_progress_is_reported_case_by_case(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    make_phantom(
        "phantom-rim",
        tmp_path / "c",
        tmp_path / "o.csv",
        counts={"A": 3},
        report=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_phantom_that_is_there_is_not_made_again_and_a_lost_oracle_is(few: Path) -> None:
    before = (few / "cohort" / "cases.csv").stat().st_mtime_ns
    oracle = (few / "oracle.csv").read_bytes()
    (few / "oracle.csv").unlink()
    make_phantom("phantom", few / "cohort", few / "oracle.csv", counts=FEW, report=unexpected)
    assert (few / "cohort" / "cases.csv").stat().st_mtime_ns == before
    assert (few / "oracle.csv").read_bytes() == oracle


def unexpected(done: int, total: int) -> None:
    raise AssertionError("a case was rendered")


def test_a_folder_that_holds_another_phantom_is_refused(few: Path) -> None:
    with pytest.raises(CohortError, match="delete it or name another folder"):
        make_phantom("phantom-rim", few / "cohort", few / "rim.csv", counts=FEW)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: make_phantom("phantom-lung", p / "c", p / "o.csv"),
            "no phantom scenario 'phantom-lung'; there are",
        ),
        (lambda p: make_phantom("phantom", p / "c", p / "o.csv", counts={"E": 3}), "got 'E': 3"),
        (lambda p: make_phantom("phantom", p / "c", p / "o.csv", counts={"A": 0}), "got 'A': 0"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(
    call: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CohortError, match=re.escape(message)):
        call(tmp_path)


def test_a_failing_worker_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CohortError, match="a phantom worker of phantom exited with 1"):
        make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", counts=FEW)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def start(folder: Path, counts: dict[str, int]) -> subprocess.Popen[bytes]:
    """Another process that makes the same phantom, one case a time."""
    call = f"make_phantom('phantom', f, f.with_suffix('.csv'), counts={counts!r}, workers=1)"
    imports = "from pathlib import Path; from bench.cohorts.phantom import make_phantom"
    code = f"{imports}; f = Path({str(folder)!r}); {call}"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_kill_half_way_leaves_no_cohort_and_the_next_run_makes_the_whole(tmp_path: Path) -> None:
    folder, counts = tmp_path / "cohort", {"A": 24}
    process = start(folder, counts)
    wait_until(lambda: len(list(tmp_path.glob(".cohort.making-*/images/*"))) > 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not folder.exists()
    assert list(tmp_path.glob(".cohort.making-*"))
    make_phantom("phantom", folder, tmp_path / "cohort.csv", counts=counts)
    assert not list(tmp_path.glob(".cohort.making-*"))
    assert len(list((folder / "images").iterdir())) == 48


@pytest.mark.slow
def test_two_processes_that_make_the_same_phantom_at_once_both_succeed(few: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    both = [start(folder, FEW) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert_same(few / "cohort", folder)


def test_the_phantom_imports_neither_torch_nor_the_harness_plugins() -> None:
    code = "import sys; import bench.cohorts.phantom; assert not {'torch', 'bench_zoo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
