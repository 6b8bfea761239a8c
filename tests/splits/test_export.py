"""A split as files for people who work elsewhere: nothing of the tested cases but images and covariates."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.imaging.crop import Crop
from bench.splits.config import load_split_config
from bench.splits.make import make_split

WHERE = ["--cohort", "phantom-tiny", "--quiet"]


def exported(folder: Path, split: str, *more: str) -> Path:
    """A folder as the command writes it."""
    done = CliRunner().invoke(app, ["export", *WHERE, "--split", split, "--out", str(folder), *more])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def holdout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("export") / "out", "internal", "--size", "32", "--spacing", "2")


def test_no_label_of_a_tested_case_is_in_any_file(tiny: Cohort, holdout: Path) -> None:
    (fold,) = make_split(tiny, load_split_config("internal")).folds
    labels = pd.read_csv(holdout / "labels" / "fold_0.csv")
    assert set(labels["case_id"]) == {*fold.train, *fold.val}
    cases = pd.read_csv(holdout / "cases.csv")
    assert set(cases["case_id"]) == {*fold.train, *fold.val, *fold.test}
    assert not {task.name for task in tiny.tasks} & set(cases)
    truth = tiny.labels("er")[[tiny.case_ids.index(case) for case in labels["case_id"]]]
    np.testing.assert_array_equal(labels["er"], truth)


def test_the_folds_are_those_of_the_split(tiny: Cohort, tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", "internal_cv", "--size", "8", "--spacing", "4")
    again = make_split(tiny, load_split_config(folder / "folds.csv"))
    split = make_split(tiny, load_split_config("internal_cv"))
    for fold, mine in zip(split.folds, again.folds, strict=True):
        assert (fold.train, fold.val, fold.test) == (mine.train, mine.val, mine.test)


def test_the_crops_are_those_that_methods_see(tiny: Cohort, holdout: Path) -> None:
    cases = pd.read_csv(holdout / "cases.csv")
    row = cases.iloc[3]
    volume = sitk.ReadImage(str(holdout / "crops" / f"{row['number']:06}_image.nii.gz"))
    expected = tiny.take([row["case_id"]]).crops(Crop(32, 2))[0]
    np.testing.assert_allclose(sitk.GetArrayFromImage(volume), expected[0], rtol=1e-6)
    assert volume.GetSpacing() == (2, 2, 2)


def test_predictions_made_from_the_files_alone_come_back(holdout: Path, tmp_path: Path) -> None:
    folds, tasks = (pd.read_csv(holdout / name) for name in ("folds.csv", "tasks.csv"))
    labels = pd.read_csv(holdout / "labels" / "fold_0.csv").set_index("case_id")
    for part, name in (("test", "predictions"), ("val", "validation")):
        rows = [
            (case, 0, task, float(labels[task].mean()))
            for case in folds["case_id"][folds["part"] == part]
            for task in tasks["task"]
        ]
        table = pd.DataFrame(rows, columns=["case_id", "fold", "task", "prediction"])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    words = ["submit", str(tmp_path / "predictions.csv"), "--validation", str(tmp_path / "validation.csv")]
    where = ["--cohort", "phantom-tiny", "--split", "internal", "--store", str(tmp_path / "runs")]
    done = CliRunner().invoke(app, [*words, "--method", "theirs", *where])
    assert done.exit_code == 0, done.output


def test_the_page_says_that_the_cohort_is_synthetic_and_how_predictions_come_back(holdout: Path) -> None:
    page = (holdout / "README.md").read_text()
    assert "SYNTHETIC" in page and "bench submit predictions.csv --validation validation.csv" in page


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("x")
    done = CliRunner().invoke(app, ["export", *WHERE, "--split", "internal", "--out", str(tmp_path)])
    assert isinstance(done.exception, UsageError) and "is not empty" in str(done.exception)
    words = ["export", *WHERE, "--split", "internal", "--out", str(tmp_path / "a"), "--size", "1"]
    assert isinstance(CliRunner().invoke(app, words).exception, UsageError)
