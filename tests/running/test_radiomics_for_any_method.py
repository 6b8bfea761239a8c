"""Any method has the radiomics features of its own cases, from one cache, and of no other case."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)

from bench import RadiomicsSettings, radiomics_parameters
from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import is_content
from bench.errors import CohortError, UsageError
from bench.methods.command import CommandMethod
from bench.methods.environments.cases import described_cases
from bench.methods.environments.elsewhere import _answer
from bench.running.desk import Desk
from bench.running.elsewhere.cases import distant_cases
from bench.running.executors.method_process import _radiomics
from bench.running.handed import watched
from bench.splits.fold import Fold
from bench.store.store import PREDICTIONS, Store
from bench_zoo.radiomics.extraction import Settings
from bench_zoo.radiomics.table import feature_table, table_file
from tests.command import bench

SETTINGS = RadiomicsSettings(regions=("lesion",), spacing_mm=4.0)
SAME = Settings(("lesion",), 4.0, 5.0, (1.0, 9.0), ("original",))
PARAMETERS = "setting:\n  binCount: 16\nfeatureClass:\n  shape:\n"
PLUGIN = """
from dataclasses import dataclass
import numpy as np
from bench import MethodSpec, RadiomicsSettings, hookimpl


@hookimpl
def bench_methods():
    return [MethodSpec("rounder", f"{__name__}:Rounder", "")]


@dataclass
class Rounder:
    radiomics_regions: tuple[str, ...] = ("lesion",)
    radiomics_spacing_mm: float = 4.0

    def round(self, cohort):
        table = cohort.radiomics(RadiomicsSettings.of(self))
        assert list(table.index) == list(cohort.case_ids)
        return table["lesion_original_shape_Sphericity"].to_numpy()

    def fit(self, train, val, run):
        self.least = np.append(self.round(train), self.round(val)).min()
        return self

    def predict(self, cohort):
        return {task.name: self.round(cohort) for task in cohort.tasks}
"""


@pytest.fixture(scope="module")
def few(tiny: Cohort) -> Cohort:
    """Six cases, a cohort of their own."""
    return tiny.leave_out(dict.fromkeys(tiny.case_ids[6:], "not asked for"))


@pytest.fixture
def desk(few: Cohort, tmp_path: Path) -> Desk:
    ids = few.case_ids
    opened = Desk(few, Fold(0, ids[:1], ids[1:2], ids[2:3]), shows_files=False, view=tmp_path / "view")
    opened.open()
    return opened


def asked(desk: Desk, settings: dict[str, Any], tested: bool) -> dict[str, Any]:
    return json.loads(json.dumps(_radiomics(desk, {"settings": settings, "tested": tested})))


def test_the_cases_of_one_part_are_measured_and_no_other(few: Cohort, desk: Desk) -> None:
    found = asked(desk, SETTINGS.to_json(), tested=False)
    assert found["case_ids"] == [*desk.fold.train, *desk.fold.val] and desk.given() == ("image",)
    kept = pd.read_parquet(table_file(few, SAME))
    assert set(kept.index) == set(found["case_ids"])
    told = asked(desk, SETTINGS.to_json(), tested=True)
    assert told["case_ids"] == list(desk.fold.test)
    expected = feature_table(few.take(told["case_ids"]), SAME)
    assert np.array_equal(np.load(told["path"]), expected.to_numpy(), equal_nan=True)
    assert told["columns"] == list(expected.columns)
    assert few.case_ids[5] not in pd.read_parquet(table_file(few, SAME)).index


def test_no_file_is_opened_that_a_method_names(desk: Desk, tiny: Cohort) -> None:
    for path in ("cases.csv", str(tiny.folder / "cases.csv")):
        said = asked(desk, {**RadiomicsSettings().to_json(), "radiomics_file": path}, tested=False)
        assert said == {
            "error": "a parameter file was named by its path, expected what it holds",
            "machine": False,
        }


def test_a_parameter_file_counts_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PARAMETERS)
    by_path = RadiomicsSettings(radiomics_file=str(tmp_path / "own.yaml"))
    text = radiomics_parameters(str(tmp_path / "own.yaml"))
    assert json.loads(text) == {"setting": {"binCount": 16}, "featureClass": {"shape": None}}
    assert text == radiomics_parameters(PARAMETERS) == radiomics_parameters(text)
    assert is_content(by_path.to_json()["radiomics_file"]) and radiomics_parameters("") == ""
    for wrong, expected in (("absent.yaml", "cannot be read"), ("setting: {binCount: x}\n", "binCount")):
        with pytest.raises(UsageError, match=expected):
            radiomics_parameters(wrong)


@pytest.mark.parametrize("odd", [{"regions": ("tumour",)}, {"regions": "lesion"}, {"image_types": ()}])
def test_settings_that_nothing_measures_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(CohortError, match="expected a tuple of any of"):
        RadiomicsSettings(**odd)


def test_settings_are_the_fields_of_a_method_that_begin_with_the_word() -> None:
    @dataclass
    class Author:
        radiomics_bin_width: float = 10.0
        radiomics_file: str = ""
        bin_width: float = 1.0

    assert RadiomicsSettings.of(Author()) == RadiomicsSettings(bin_width=10.0)
    assert RadiomicsSettings.from_json(json.loads(json.dumps(SETTINGS.to_json()))) == SETTINGS


def test_features_are_those_of_the_files_as_they_were_loaded(few: Cohort) -> None:
    some = few.take(few.case_ids[:2])
    swapped = replace(watched(some), files=few.files.iloc[::-1].set_axis(few.files.index))
    assert_frame_equal(swapped.radiomics(SETTINGS), feature_table(some, SAME))
    assert swapped.asked == {"image"}


def test_a_cohort_without_images_says_so(few: Cohort) -> None:
    with pytest.raises(CohortError, match="no image and mask"):
        replace(few, as_loaded=(), files=few.files.assign(mask="")).radiomics()


def test_a_method_in_another_python_has_them_over_the_wire(few: Cohort, tmp_path: Path) -> None:
    some = few.take(few.case_ids[:2])

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        return _answer(json.loads(json.dumps(question)), {"train": some}, tmp_path, None)

    distant = distant_cases("train", json.loads(json.dumps(described_cases(some))), ask)
    found = distant.take(few.case_ids[1:2]).radiomics(SETTINGS)
    assert_frame_equal(found, feature_table(some, SAME).iloc[1:2], check_index_type=False)


def test_a_program_finds_them_in_its_table(few: Cohort, tmp_path: Path) -> None:
    some = few.take(few.case_ids[:1])
    CommandMethod(radiomics=True)._write_input(tmp_path / "input", [(some, "train")])
    written = pd.read_csv(tmp_path / "input" / "cases.csv")
    assert {"lesion_original_shape_Sphericity", "surround_original_glcm_Contrast"} < set(written)


@pytest.mark.slow
def test_a_method_behind_the_fence_predicts_from_the_features_of_its_cases(
    tiny: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "BENCH_CONTRACT", "off")
    plugin = tmp_path / "rounder_plugin.py"
    plugin.write_text(PLUGIN)
    words = ["run", "--method", "constant,rounder", "--plugin", str(plugin), "--cohort", tiny.name]
    done = bench(*words, "--split", "internal", "--store", str(tmp_path), "--executor", "workers")
    assert done.returncode == 0, done.stdout + done.stderr
    ((folder, record),) = [one for one in Store(tmp_path).records() if one[1].method == "rounder"]
    assert record.status == "ok" and record.sealed in ("kernel", "python") and record.images == ["image"]
    table = pd.read_parquet(folder / PREDICTIONS)
    ids = table["case_id"].unique()
    expected = feature_table(tiny.take(ids), SAME)["lesion_original_shape_Sphericity"].to_numpy()
    assert np.allclose(table[table["task"] == "er"]["prediction"], expected)
