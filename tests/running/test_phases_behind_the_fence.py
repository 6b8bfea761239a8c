"""Behind the fence a method gets the images that it asks for, of its own cases, and the record says which."""

from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.running.desk import Desk
from bench.running.executors.method_process import _crops
from bench.running.experiment import read_experiment
from bench.running.handed import given
from bench.running.run import run_experiment
from bench.splits.fold import Fold
from bench.store.store import Store
from tests.cohorts.conftest import sound  # noqa: F401
from tests.cohorts.phases import with_phases

CROP = Crop(24, 3, ("pre", "post1-pre"))
PLUGIN = '''
"""Methods that ask for different images."""
from dataclasses import dataclass
import numpy as np
from bench import Crop, MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [
        MethodSpec("rise", "asking:Asking", "", params={"channels": ("post1", "post1-pre")}, images=("pre",)),
        MethodSpec("first", "asking:Asking", "", params={"channels": ("image",)}),
        MethodSpec("whole", "asking:Whole", "", images=("pre",)),
        MethodSpec("blind", "asking:Blind", "", needs=()),
        MethodSpec("undeclared", "asking:Asking", "", params={"channels": ("late",)}),
        MethodSpec("late", "asking:Asking", "", params={"channels": ("late",)}, images=("late",)),
    ]

@dataclass
class Blind:
    def fit(self, train, val, run):
        return self
    def value(self, cohort):
        return np.full(len(cohort), 0.5)
    def predict(self, cohort):
        values = self.value(cohort)
        return {task.name: np.clip(values, *task.bounds) for task in cohort.tasks}

@dataclass
class Asking(Blind):
    channels: tuple[str, ...] = ("image",)
    def value(self, cohort):
        return cohort.crops(Crop(24, 3, self.channels))[:][:, -1].mean(axis=(1, 2, 3))

@dataclass
class Whole(Blind):
    def value(self, cohort):
        return np.array([cohort.volume(case).array("pre").mean() / 200 for case in cohort.case_ids])
'''


@pytest.fixture(scope="module")
def phases(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    return with_phases(sound, tmp_path_factory.mktemp("phases") / "mini")


@pytest.fixture
def cohort(phases: Path) -> Cohort:
    return load_folder(phases)


def desk_of(cohort: Cohort, view: Path, further: tuple[str, ...] = ()) -> Desk:
    ids = cohort.case_ids
    desk = Desk(cohort, Fold(0, ids[:6], ids[6:8], ids[8:12]), True, view, further)
    desk.open()
    return desk


def test_crops_of_other_images_hold_the_cases_of_one_part(cohort: Cohort, tmp_path: Path) -> None:
    desk = desk_of(cohort, tmp_path / "view")
    for tested, ids in ((False, cohort.case_ids[:8]), (True, cohort.case_ids[8:12])):
        asked = {"size_mm": 24, "spacing_mm": 3, "channels": ["pre", "post1-pre"], "tested": tested}
        found = _crops(desk, asked)
        assert found["case_ids"] == ids and len(np.load(found["images"])) == len(
            np.load(found["path"])
        ) == len(ids)
    assert desk.given() == ("post1-pre", "pre")
    plain = _crops(desk, {"size_mm": 24, "spacing_mm": 3, "channels": ["image", "mask"], "tested": False})
    assert plain["images"] is None


def test_a_channel_that_the_cohort_lacks_is_answered_with_the_reason(cohort: Cohort, tmp_path: Path) -> None:
    desk = desk_of(cohort, tmp_path / "view")
    asked = {"size_mm": 24, "spacing_mm": 3, "channels": ["late"], "tested": False}
    assert "no image 'late'" in _crops(desk, asked)["error"] and not desk.asked
    with pytest.raises(CohortError, match="no image 'late'"):
        desk.learning().crops(Crop(24, 3, ("late",)))


def test_files_of_further_images_are_shown_to_who_names_them(cohort: Cohort, tmp_path: Path) -> None:
    for further, seen in (((), False), (("pre",), True)):
        desk = desk_of(cohort, tmp_path / f"view{seen}", further)
        known, name = desk.learning(), "c0_pre.nii.gz"
        assert (desk.view / "cases" / name).is_file() == seen
        assert not (desk.view / "cases" / "c9_pre.nii.gz").exists()
        assert list(known.files) == ["image", "mask", *further] and known.images == ("post1", "pre")
        if seen:
            np.testing.assert_array_equal(known.volume("c0").array("pre"), cohort.volume("c0").array("pre"))


def test_what_was_given_is_what_was_asked_for_else_the_files_shown() -> None:
    images = ("post1", "pre")
    assert given({"pre"}, True, (), images) == ("pre",)
    assert given((), True, (), images) == ("post1",)
    assert given((), True, ("pre",), images) == ("post1", "pre")
    assert given((), False, ("pre",), images) == ()
    assert given({"post1-pre", "pre", "post1"}, False, (), images) == ("post1", "post1-pre", "pre")


@pytest.mark.parametrize("executor", ["workers", "here"])
def test_records_say_which_images_a_method_was_given(executor: str, phases: Path, tmp_path: Path) -> None:
    (tmp_path / "asking.py").write_text(PLUGIN)
    methods = ("rise", "first", "whole", "blind", "undeclared", "late")
    asked = {"methods": methods, "cohort": str(phases), "split": "internal", "device": "cpu"}
    asked |= {"store": str(tmp_path / "runs"), "executor": executor, "contract": False}
    outcome = run_experiment(
        read_experiment(None, {**asked, "plugins": (str(tmp_path / "asking.py"),)}), quiet=True
    )
    records = {record.method: record for _, record in Store(tmp_path / "runs").records("mini")}
    said = {name: record.images for name, record in records.items() if record.status == "ok"}
    assert said == {
        "rise": ["post1", "post1-pre", "pre"],
        "first": ["post1"],
        "whole": ["post1", "pre"],
        "blind": [],
    }
    assert "no image 'late', only post1, pre" in records["undeclared"].reason
    assert "late" not in records
    assert "needs the image late of each case" in str(outcome)
