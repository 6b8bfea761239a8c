"""`bench explain` and `bench pointing`, as typed."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from bench.cohorts.cohort import Cohort
from bench.running.plan import Plan
from tests.command import bench

PROTOCOL = ("--cohort", "phantom-tiny", "--split", "internal_cv")


@pytest.fixture
def asked(finished_store: Path) -> tuple[str, ...]:
    return (*PROTOCOL, "--store", str(finished_store))


def test_a_model_of_features_has_a_table_of_the_worst_cases(
    asked: tuple[str, ...], planned: Plan, tmp_path: Path
) -> None:
    words = ("--method", "tumour_size", "--worst", "2", "--task", "er", "--quiet")
    ended = bench("explain", *asked, *words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["explained/features.csv", "explained/explanations.json"]
    table = pd.read_csv(tmp_path / "explained" / "features.csv")
    assert table["case"].nunique() == 2 and set(table["task"]) == {"er"}
    facts = json.loads((tmp_path / "explained" / "explanations.json").read_text())
    assert facts["synthetic"] and "research use only" in facts["use"]
    first = facts["cases"][0]
    fold = next(fold for fold in planned.split.folds if first["case"] in fold.test)
    assert first["models"] == [{"seed": 0, "fold": fold.index}] and not first["learned_from"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "constant", "--case", "A0001"), "reads no crop here"),
        (("--method", "tumour_size"), "name the cases: --case ID, or --worst N with one --task"),
        (("--method", "tumour_size", "--worst", "2"), "name the cases"),
        (("--method", "tumor_size", "--case", "A0001"), "did you mean tumour_size?"),
        (("--method", "tumour_size", "--case", "Z1"), "has no case 'Z1'"),
        (("--method", "tumour_size", "--case", "A0001", "--task", "grade"), "has no task 'grade'"),
        (("--method", "tumour_size", "--case", "A0001", "--by", "own"), "has no explain(); see --by auto"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_line(
    words: tuple[str, ...], told: str, asked: tuple[str, ...], tmp_path: Path
) -> None:
    ended = bench("explain", *asked, *words, "--quiet", cwd=tmp_path)
    assert ended.returncode in (1, 2) and told in ended.stderr and ended.stderr.count("\n") == 1


def test_predictions_of_exams_are_explained_by_models_that_have_not_learned_from_them(
    asked: tuple[str, ...], planned: Plan, tmp_path: Path
) -> None:
    fold = planned.split.folds[1]
    image, mask = planned.cohort.crop_source().paths(fold.test[0])
    words = ("--method", "tumour_size", "--image", str(image), "--mask", str(mask), "--explain", "why", "-q")
    ended = bench("predict", *asked, *words, "--format", "json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)["exams"][0]["tasks"]
    (case,) = json.loads((tmp_path / "why" / "explanations.json").read_text())["cases"]
    assert case["models"] == [{"seed": 0, "fold": fold.index}] and not case["learned_from"]
    for one in said:
        assert case["tasks"][one["task"]]["prediction"] == pytest.approx(one["value"], abs=1e-6)
        assert case["tasks"][one["task"]]["truth"] is None
    table = pd.read_csv(tmp_path / "why" / "features.csv")
    assert set(table["task"]) == {task.name for task in planned.cohort.tasks}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of networks that were trained for an epoch."""
    folder = tmp_path_factory.mktemp("networks")
    methods = "multi_task_cnn,spatial_mtl,rse_25d,radiomics_lr"
    small = ("--set", "multi_task_cnn.epochs=1", "--set", "spatial_mtl.epochs=1", "--set", "rse_25d.epochs=1")
    words = ("--method", methods, "--cohort", "phantom-tiny", "--split", "internal", "--device", "cpu")
    ended = bench("run", *words, *small, "--store", str(folder / "runs"), "--quiet")
    assert ended.returncode == 0, ended.stderr
    return folder


ROWS = ("multi_task_cnn[epochs=1]", "spatial_mtl[epochs=1]", "rse_25d[epochs=1]")


@pytest.mark.slow
@pytest.mark.parametrize(("row", "by"), [(ROWS[0], "gradients"), (ROWS[1], "own"), (ROWS[2], "occlusion")])
def test_a_network_has_maps_on_the_grid_of_the_image(
    row: str, by: str, networks: Path, tiny: Cohort, tmp_path: Path
) -> None:
    given = ("--cohort", "phantom-tiny", "--split", "internal", "--store", str(networks / "runs"))
    words = ("--method", row, "--worst", "1", "--task", "er", "--by", by, "--quiet", "--out", "found")
    ended = bench("explain", *given, *words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith("ER, area, higher is better: deletion ") or "ER: wiping" in ended.stderr
    (case,) = json.loads((tmp_path / "found" / "explanations.json").read_text())["cases"]
    said = case["tasks"]["er"]
    heat = nibabel.load(tmp_path / "found" / said["file"])
    image = nibabel.load(tiny.crop_source().paths(case["case"])[0])
    assert heat.shape == image.shape and 0 < heat.get_fdata().max() <= 1
    np.testing.assert_allclose(heat.affine, image.affine, atol=1e-4)
    assert said["way"] == by and len(said["faithfulness"]) == 1
    (correlation,) = said["correlation_at_random_weights"]
    assert -1 <= correlation < 1
    assert imread(tmp_path / "found" / f"{case['case']}.png").shape[1] > 1000


@pytest.mark.slow
def test_maps_of_several_methods_are_scored_beside_each_other(networks: Path, tmp_path: Path) -> None:
    given = ("--cohort", "phantom-tiny", "--split", "internal", "--store", str(networks / "runs"))
    methods = [word for row in ROWS[:2] for word in ("--method", row)]
    ended = bench("pointing", *given, *methods, "--cases", "3", "--out", "scores.csv", "-q", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(tmp_path / "scores.csv")
    assert len(table) == 8 and set(table["method"]) == set(ROWS[:2]) and (table["cases"] == 3).all()
    assert ((table["share"] - table["even"] - table["gain"]).abs() < 1e-5).all()
    assert table["learned"].notna().all() and (table["learned"] != table["gain"]).any()
    ended = bench("pointing", *given, "--method", "radiomics_lr", "-q", cwd=tmp_path)
    assert ended.returncode == 2 and "reads no crop here" in ended.stderr


@pytest.mark.slow
def test_a_new_exam_is_predicted_with_its_map(networks: Path, tiny: Cohort, tmp_path: Path) -> None:
    given = ("--cohort", "phantom-tiny", "--split", "internal", "--store", str(networks / "runs"))
    image, mask = tiny.crop_source().paths(tiny.case_ids[-1])
    words = ("--method", ROWS[0], "--image", str(image), "--mask", str(mask), "--explain", "why", "-q")
    ended = bench("predict", *given, *words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    facts = json.loads((tmp_path / "why" / "explanations.json").read_text())
    assert facts["synthetic"] and facts["cases"][0]["tasks"]["er"]["way"] == "gradients"
    heat = nibabel.load(tmp_path / "why" / facts["cases"][0]["tasks"]["er"]["file"])
    np.testing.assert_allclose(heat.affine, nibabel.load(image).affine, atol=1e-4)
