"""Real exams predicted by a bundle where nothing but the wheel is installed, as the store predicted them."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cohorts.importers.dicom.one_exam import read_exam
from tests.command import bench

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")]
ROOT = Path(__file__).parents[2]
# One fit on Duke and I-SPY 2; I-SPY 1 is another hospital's, and no model has learned from it.
PROTOCOL = ("--split", "external_frozen")
METHODS = {"tumour_size": (), "spatial_mtl": ("--set", "spatial_mtl.epochs=2")}
TOLERANCE = 1e-5

Predict = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Predict:
    """`bench predict` in an environment of the wheel alone, with a home and a cache that are empty."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python = folder / "venv" / "bin" / "python"
    for words in (
        ["uv", "build", "-q", "--wheel", "--out-dir", str(folder / "dist"), str(ROOT)],
        ["uv", "venv", "-q", "--python", "3.11", str(folder / "venv")],
    ):
        subprocess.run(words, check=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    installed = ["uv", "pip", "install", "-q", "--python", str(python), str(wheel)]
    if subprocess.run(installed, check=False).returncode:
        pytest.skip("the wheel's requirements cannot be installed here")
    (folder / "home").mkdir()
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "BENCH_CACHE": str(folder / "cache")}

    def predict(*words: str) -> dict[str, Any]:
        ended = subprocess.run(
            [str(python.with_name("bench")), "predict", *words, "--format", "json"],
            cwd=folder / "home",
            env=bare,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    return predict


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a fit of each method on breastdcedl, and a bundle of each beside it."""
    folder = tmp_path_factory.mktemp("real")
    protocol = (*PROTOCOL, "--cohort", str(real_data / "breastdcedl"), "--store", str(folder / "runs"))
    changed = [word for words in METHODS.values() for word in words]
    ended = bench("run", "--method", ",".join(("constant", *METHODS)), *protocol, *changed, "-q")
    assert ended.returncode == 0, ended.stderr
    for method in METHODS:
        ended = bench("bundle", row(method), *protocol, "--out", str(folder / method), "-q")
        assert ended.returncode == 0, ended.stderr
    return folder


def row(method: str) -> str:
    """How the store calls a method with these settings."""
    changed = METHODS[method][1:]
    return f"{method}[{','.join(one.partition('.')[2] for one in changed)}]" if changed else method


@pytest.mark.parametrize("method", METHODS)
def test_cases_not_trained_on_get_their_stored_predictions(
    method: str, store: Path, elsewhere: Predict, real_data: Path, tmp_path: Path
) -> None:
    csv = tmp_path / "stored.csv"
    protocol = (*PROTOCOL, "--cohort", str(real_data / "breastdcedl"), "--store", str(store / "runs"))
    assert bench("predictions", *protocol, "--csv", str(csv)).returncode == 0
    stored = pd.read_csv(csv, dtype={"case_id": str})
    stored = stored[stored["method"] == row(method)].set_index(["case_id", "task"])["prediction"]
    exams = without_labels(real_data / "breastdcedl", tmp_path / "exams")
    found = elsewhere("--bundle", str(store / method), "--exams", str(exams))
    said = {(exam["case_id"], one["task"]): one for exam in found["exams"] for one in exam["tasks"]}
    assert said.keys() == set(stored.index) and len(found["exams"]) == 33
    difference = np.abs([said[key]["value"] - value for key, value in stored.items()])
    print(f"{method}: {len(stored)} predictions, largest difference {difference.max():.2g}")
    assert difference.max() <= TOLERANCE
    assert not any("learned from this exam" in one for exam in found["exams"] for one in exam["warnings"])


def without_labels(cohort: Path, folder: Path) -> Path:
    """The external cases of a cohort folder, with no column of a label."""
    folder.mkdir()
    cases = pd.read_csv(cohort / "cases.csv", dtype=str)
    for name in cases["image"].str.split("/").str[0].unique():
        (folder / name).symlink_to(cohort / name)
    for name in cases["mask"].str.split("/").str[0].unique():
        if not (folder / name).exists():
            (folder / name).symlink_to(cohort / name)
    shutil.copy(cohort / "cohort.toml", folder)
    labels = [name for name in ("er", "pr", "her2", "hr", "prolif_score") if name in cases]
    external = cases[cases["group"] == "external"].drop(columns=labels)
    external.to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_real_exam_is_predicted_as_the_store_predicts_its_dicom_files(
    method: str, store: Path, elsewhere: Predict, real_data: Path, tmp_path: Path
) -> None:
    protocol = (*PROTOCOL, "--cohort", str(real_data / "breastdcedl"), "--store", str(store / "runs"))
    study = real_data / "ucsf_br_06"
    ended = bench("predict", "--method", row(method), *protocol, "--dicom", str(study), "--format", "json")
    assert ended.returncode == 0, ended.stderr
    exam = read_exam(study)
    sitk.WriteImage(exam.image, tmp_path / "image.nii.gz")
    sitk.WriteImage(exam.mask, tmp_path / "mask.nii.gz")
    files = ("--image", str(tmp_path / "image.nii.gz"), "--mask", str(tmp_path / "mask.nii.gz"))
    found = elsewhere("--bundle", str(store / method), *files)
    here, there = (
        [one["value"] for one in said["exams"][0]["tasks"]] for said in (json.loads(ended.stdout), found)
    )
    print(f"{method}: here {here}, with the wheel alone {there}")
    np.testing.assert_allclose(there, here, rtol=0, atol=TOLERANCE)
