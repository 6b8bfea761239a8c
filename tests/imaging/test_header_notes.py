"""A run names headers that other programs may read otherwise, whichever way its methods read the images."""

from pathlib import Path

import numpy as np
import pytest

from bench.imaging import header_notes as module
from bench.imaging.header_notes import header_notes
from bench.imaging.source import CropSource
from bench.running.experiment import read_experiment
from bench.running.run import run_experiment
from tests.imaging.imaging_exams import make_cohort
from tests.imaging.test_headers import AFFINE, write

COHORT = """name = "odd"
synthetic = true

[tasks.er]
kind = "binary"
positive = "drawn"
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CropSource:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    mirror = AFFINE @ np.diag([-1.0, 1.0, 1.0, 1.0])
    write(tmp_path / "odd.nii", AFFINE, mirror, (1, 1))
    write(tmp_path / "plain.nii", AFFINE, AFFINE, (1, 1))
    (tmp_path / "damaged.nii").write_bytes(b"none")
    files = [("plain.nii", "plain.nii"), ("odd.nii", "plain.nii"), ("damaged.nii", "plain.nii")]
    return make_cohort(tmp_path, ["a", "b", "c"], files).crop_source()


def test_the_case_and_both_readings_are_named(source: CropSource) -> None:
    (note,) = header_notes(source)
    assert "'b'" in note and "odd.nii" in note and "qform" in note and "sform" in note


def test_headers_are_read_once_per_cohort(source: CropSource, monkeypatch: pytest.MonkeyPatch) -> None:
    first = header_notes(source)
    monkeypatch.setattr(module, "open_file", None)
    assert header_notes(source) == first


def test_a_run_names_them_though_its_methods_cut_no_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    rows = ["case_id,patient_id,site,group,image,mask,er"]
    for number in range(30):
        form = AFFINE @ np.diag([-1.0, 1.0, 1.0, 1.0]) if number == 7 else AFFINE
        write(tmp_path / f"{number}.nii", AFFINE, form, (1, 1))
        write(tmp_path / f"m{number}.nii", AFFINE, form, (1, 1))
        rows.append(f"c{number},p{number},a,internal,{number}.nii,m{number}.nii,{number % 2}")
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "cohort.toml").write_text(COHORT)
    asked = {"methods": ["constant"], "cohort": str(tmp_path), "split": "internal_cv"}
    assert run_experiment(read_experiment(None, asked | {"store": str(tmp_path / "store")})).complete
    warned = capfd.readouterr().err
    assert "warning: 1 of 30 cases have a header that other programs may read" in warned and "7.nii" in warned
