"""The radiomics methods: what is measured, what is kept, what a failing case costs."""

import logging
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread

import nibabel
import numpy as np
import pandas as pd
import psutil
import pytest
import SimpleITK as sitk

pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)

from radiomics.featureextractor import RadiomicsFeatureExtractor

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError
from bench.imaging.grid import Grid
from bench.methods.contract.catalogue import CLAUSES
from bench.methods.contract.cohort import tiny_cohort
from bench.methods.contract.suite import contract_checks
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench_zoo.radiomics import table
from bench_zoo.radiomics.boosted import RadiomicsXGB
from bench_zoo.radiomics.extraction import Settings, case_features, lesion_block, region_voxels, within_image
from bench_zoo.radiomics.ridge import RadiomicsLR
from bench_zoo.radiomics.screen import Screen
from bench_zoo.radiomics.table import feature_table, table_file

SETTINGS = Settings(("lesion", "surround"), 2.0, 5.0, (1.0, 9.0), ("original",))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return tiny_cohort(tmp_path_factory.mktemp("few"), cases=12, seed=3)


def write_exam(
    folder: Path, voxels: np.ndarray, lesion: np.ndarray, spacing: float = 2.0
) -> tuple[Path, Path]:
    paths = folder / "image.nii.gz", folder / "mask.nii.gz"
    for path, values in zip(paths, (voxels.astype(np.float32), lesion.astype(np.uint8)), strict=True):
        image = sitk.GetImageFromArray(values)
        image.SetSpacing((spacing,) * 3)
        sitk.WriteImage(image, str(path))
    return paths


def ball(shape: tuple[int, int, int], centre: tuple[int, int, int], radius: float) -> np.ndarray:
    grid = np.indices(shape) - np.reshape(centre, (3, 1, 1, 1))
    return np.asarray((grid**2).sum(axis=0) <= radius**2)


def noise(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).gamma(4, 25, size=shape)


def kill_a_worker() -> None:
    """Kill a process that measures cases when there is one and it has been handed its first case."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process().children():
            if "bench_zoo.radiomics.worker" in child.cmdline():
                time.sleep(0.3)
                child.kill()
                return
        time.sleep(0.02)


SPECS = {"radiomics_lr": ("original",), "radiomics_xgb": ("original",)} | dict.fromkeys(
    ("radiomics_lasso", "radiomics_elastic_net"), ("log",)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "images"),
    [
        pytest.param(*item, marks=() if item[0] == "radiomics_lr" else pytest.mark.thorough)
        for item in SPECS.items()
    ],
)
def test_keeps_the_contract_but_for_the_threads_that_measure(name: str, images: tuple[str, ...]) -> None:
    codes = [clause.code for clause in CLAUSES if clause.code != "BC25"]
    params = {"spacing_mm": 2.0, "image_types": images}
    checks = contract_checks(load_registry().spec(name), params, codes=codes)
    assert [check for check in checks if not check.kept] == []


def test_features_do_not_change_with_the_scanners_gain_and_offset(tmp_path: Path) -> None:
    voxels, lesion = noise((30, 30, 30)), ball((30, 30, 30), (15, 14, 15), 4)
    first, _ = case_features("c", *write_exam(tmp_path, voxels, lesion), SETTINGS)
    second, _ = case_features("c", *write_exam(tmp_path, 8 * voxels + 1024, lesion), SETTINGS)
    assert len(first) == 200
    assert second == pytest.approx(first, rel=1e-3, abs=1e-6)


def test_features_do_not_change_when_the_patient_is_mirrored(tmp_path: Path) -> None:
    voxels, lesion = noise((30, 30, 30)), ball((30, 30, 30), (15, 14, 15), 4)
    first, _ = case_features("c", *write_exam(tmp_path, voxels, lesion), SETTINGS)
    second, _ = case_features("c", *write_exam(tmp_path, voxels[:, ::-1], lesion[:, ::-1]), SETTINGS)
    within = {name: value for name, value in first.items() if "Maximum2D" not in name}
    assert {name: second[name] for name in within} == pytest.approx(within, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("kind", ["255", "float", "big-endian", "bool of signed bytes"])
def test_features_do_not_change_with_how_the_mask_is_written(tmp_path: Path, kind: str) -> None:
    lesion = ball((30, 30, 30), (15, 14, 15), 4)
    image, mask = write_exam(tmp_path, noise((30, 30, 30)), lesion)
    values = {
        "255": lesion.astype(np.uint8) * 255,
        "float": lesion.astype(np.float32),
        "big-endian": lesion.astype(">i2"),
        "bool of signed bytes": lesion.astype(np.int8),
    }[kind]
    written = nibabel.Nifti1Image(values.T, nibabel.load(mask).affine)
    if kind == "big-endian":
        header = nibabel.Nifti1Header(endianness=">")
        written = nibabel.Nifti1Image(values.T, nibabel.load(mask).affine, header)
    other = tmp_path / "other.nii"
    nibabel.save(written, other)
    first, _ = case_features("c", image, mask, SETTINGS)
    second, error = case_features("c", image, other, SETTINGS)
    assert not error and second == pytest.approx(first, rel=1e-6)


def test_a_lesion_wider_than_the_usual_crop_is_measured_whole(tmp_path: Path) -> None:
    lesion = ball((50, 50, 50), (25, 25, 25), 20)
    block = lesion_block("c", *write_exam(tmp_path, noise((50, 50, 50)), lesion), SETTINGS)
    voxels = region_voxels(block, SETTINGS)
    assert voxels["lesion"].sum() == pytest.approx(lesion.sum(), rel=0.05)
    outermost = np.ones(block.distance.shape, bool)
    outermost[1:-1, 1:-1, 1:-1] = False
    assert not (voxels["surround"] & outermost).any()


def test_the_surround_ends_where_the_image_ends(tmp_path: Path) -> None:
    lesion = ball((20, 20, 20), (10, 10, 2), 2)
    block = lesion_block("c", *write_exam(tmp_path, noise((20, 20, 20)), lesion), SETTINGS)
    surround = region_voxels(block, SETTINGS)["surround"]
    beyond = (block.distance > 1) & (block.distance <= 9) & ~block.inside
    assert beyond.any() and not (surround & beyond).any()


def test_a_voxel_lies_in_the_image_up_to_the_edge_of_the_outermost_voxels() -> None:
    native = Grid(np.array([4, 3, 2]), np.array([1.0, 1.0, 2.0]), np.zeros(3), np.eye(3))
    target = Grid(np.array([6, 1, 1]), np.ones(3), np.array([-0.6, 0.0, 0.0]), np.eye(3))
    np.testing.assert_array_equal(within_image(native, target)[0, 0], [False, True, True, True, True, False])


def test_a_region_too_small_to_measure_leaves_the_others(tmp_path: Path) -> None:
    lesion = ball((30, 30, 30), (15, 15, 15), 0)
    settings = replace(SETTINGS, regions=("lesion", "surround"))
    features, error = case_features("c", *write_exam(tmp_path, noise((30, 30, 30)), lesion), settings)
    assert error.startswith("lesion: ValueError: mask only contains 1 segmented voxel")
    assert {name.partition("_")[0] for name in features} == {"surround"}


def test_core_rim_and_filtered_images_are_measured_when_asked_for(tmp_path: Path) -> None:
    paths = write_exam(tmp_path, noise((30, 30, 30)), ball((30, 30, 30), (15, 14, 15), 5))
    settings = Settings(("core", "rim"), 2.0, 5.0, (1.0, 9.0), ("original", "log"))
    features, error = case_features("c", *paths, settings)
    assert not error
    kinds = {"_".join(name.split("_")[:2]) for name in features}
    sigmas = ("original", "log-sigma-2-0-mm-3D", "log-sigma-4-0-mm-3D")
    assert kinds == {f"{region}_{sigma}" for region in ("core", "rim") for sigma in sigmas}
    assert not any("shape" in name for name in features)


def test_filtered_images_give_pyradiomics_own_values_of_the_whole_cube(tmp_path: Path) -> None:
    paths = write_exam(tmp_path, noise((30, 30, 30)), ball((30, 30, 30), (15, 14, 15), 5))
    settings = replace(SETTINGS, image_types=("log", "wavelet"))
    features, _ = case_features("c", *paths, settings)
    block = lesion_block("c", *paths, settings)
    image = sitk.GetImageFromArray(block.percent)
    mask = sitk.GetImageFromArray(region_voxels(block, settings)["lesion"].astype(np.uint8))
    image.SetSpacing((2.0,) * 3)
    mask.SetSpacing((2.0,) * 3)
    own = RadiomicsFeatureExtractor(
        {
            "setting": {"binCount": 32, "additionalInfo": False},
            "imageType": {"LoG": {"sigma": [2.0, 4.0]}, "Wavelet": {}},
            "featureClass": {"firstorder": None, "glcm": None},
        }
    ).execute(image, mask)
    expected = {f"lesion_{name}": float(value) for name, value in own.items() if not name.endswith("MCC")}
    found = {name: value for name, value in features.items() if name.startswith("lesion")}
    assert len(found) == 10 * 41
    assert found == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.slow
def test_methods_share_the_features_of_original_images(few: Cohort) -> None:
    cohort = replace(few, fingerprint="e" * 64).take(few.case_ids[:4])
    both = replace(SETTINGS, image_types=("log", "original"))
    alone, together = feature_table(cohort, SETTINGS), feature_table(cohort, both)
    pd.testing.assert_frame_equal(together[list(alone.columns)], alone)
    assert [table_file(cohort, part).is_file() for part in both.parts()] == [True, True]
    assert both.parts()[0] == SETTINGS


def test_of_runs_that_start_together_one_measures(few: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort, started = replace(few, fingerprint="f" * 64), []
    start = table._start
    monkeypatch.setattr(table, "_start", lambda settings: started.append(1) or start(settings))
    runs = [Thread(target=feature_table, args=(cohort, SETTINGS)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(started) == min(2, os.cpu_count() or 1)


def test_an_unknown_region_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"expected any of lesion, core, rim, surround, got .'ring',."):
        Settings(("ring",), 2.0, 5.0, (1.0, 9.0), ("original",))


@pytest.mark.slow
def test_measured_cases_are_kept_and_only_missing_ones_are_measured(few: Cohort, tmp_path: Path) -> None:
    cohort = replace(few, folder=shutil.copytree(few.folder, tmp_path / "cohort"), fingerprint="a" * 64)
    half = cohort.take(cohort.case_ids[:6])
    before = feature_table(half, SETTINGS)
    for case_id in half.case_ids:
        (cohort.folder / cohort.files.loc[case_id, "image"]).unlink()
    after = feature_table(cohort, SETTINGS)
    assert list(after.index) == list(cohort.case_ids) and after.notna().all(axis=None)
    pd.testing.assert_frame_equal(after.loc[list(half.case_ids)], before)


@pytest.mark.slow
def test_a_case_whose_process_is_killed_is_named_and_tried_again_by_the_next_run(
    few: Cohort, caplog: pytest.LogCaptureFixture
) -> None:
    cohort = replace(few, fingerprint="d" * 64)
    killer = Thread(target=kill_a_worker)
    killer.start()
    with caplog.at_level(logging.WARNING):
        first = feature_table(cohort, SETTINGS)
    killer.join()
    assert first.isna().all(axis=1).sum() == 1
    assert "lacks radiomics features: the process that measured it ended; out of memory?" in caplog.text
    assert feature_table(cohort, SETTINGS).notna().all(axis=None)
    assert not list(table_file(cohort, SETTINGS).parent.glob("*.part"))


@pytest.mark.slow
def test_a_case_that_cannot_be_read_is_named_and_its_features_are_missing(
    few: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cohort = replace(few, folder=shutil.copytree(few.folder, tmp_path / "cohort"), fingerprint="b" * 64)
    broken, *others = cohort.case_ids
    (cohort.folder / cohort.files.loc[broken, "image"]).write_bytes(b"not an image")
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            table = feature_table(cohort, SETTINGS)
        assert table.loc[broken].isna().all() and table.loc[others].notna().all(axis=None)
        assert f"case {broken!r} lacks radiomics features: case {broken!r}: image" in caplog.text
    for method in (RadiomicsLR(spacing_mm=2.0), RadiomicsXGB(spacing_mm=2.0)):
        run = Run(0, "cpu", 1, tmp_path)
        fitted = method.fit(cohort.take(cohort.case_ids[:9]), cohort.take(cohort.case_ids[9:]), run)
        assert all(np.isfinite(values).all() for values in fitted.predict(cohort.blind()).values())


@pytest.mark.slow
def test_a_cohort_without_any_readable_case_is_an_error(few: Cohort, tmp_path: Path) -> None:
    cohort = replace(few, folder=shutil.copytree(few.folder, tmp_path / "cohort"), fingerprint="c" * 64)
    shutil.rmtree(cohort.folder / "images")
    with pytest.raises(CohortError, match="no feature varies over the 12 training cases; the log names"):
        RadiomicsLR(spacing_mm=2.0).fit(cohort, cohort, Run(0, "cpu", 1, tmp_path))


@pytest.mark.slow
def test_boosting_without_validation_labels_grows_a_fixed_number_of_trees(
    few: Cohort, tmp_path: Path
) -> None:
    table = few.table.copy()
    names = [task.name for task in few.tasks]
    table.loc[list(few.case_ids[8:]), names] = np.nan
    cohort = replace(few, table=table)
    method = RadiomicsXGB(spacing_mm=2.0, rounds=40)
    method.fit(cohort.take(few.case_ids[:8]), cohort.take(few.case_ids[8:]), Run(0, "cpu", 1, tmp_path))
    assert {booster.num_boosted_rounds() for booster in method.boosters.values()} == {10}


def test_a_feature_that_hardly_varies_is_dropped() -> None:
    many = np.zeros(200)
    many[:9] = np.arange(1, 10)
    sums = 0.1 + 1e-16 * np.arange(200)
    frame = pd.DataFrame({"few": many, "digits": sums, "enough": np.where(np.arange(200) < 20, 1.0, 0.0)})
    assert Screen.of(frame, 0.95).features == ("enough",)


def some_features(cases: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    values = rng.normal(size=cases)
    return pd.DataFrame(
        {
            "a": np.exp(3 * values),
            "b": rng.normal(size=cases),
            "constant": 1.0,
            "echo": values + 0.01 * rng.normal(size=cases),
            "mostly_missing": np.where(np.arange(cases) < 150, np.nan, values),
        }
    )


def test_features_that_repeat_others_or_say_nothing_are_dropped() -> None:
    assert Screen.of(some_features(), 0.95).features == ("a", "b")


def test_scores_are_standard_normal_whatever_a_features_distribution() -> None:
    table = some_features()
    scores = Screen.of(table, 0.95).apply(table)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=0.05)
    assert (np.argsort(scores[:, 0]) == np.argsort(table["a"])).mean() > 0.9


def test_missing_values_become_the_median_and_outliers_no_more_than_the_extreme() -> None:
    screen = Screen.of(some_features(), 0.95)
    strange = pd.DataFrame({"b": [np.nan, 1e9, -1e9], "a": [1.0, np.nan, 2.0]})
    scores = screen.apply(strange)[:, screen.features.index("b")]
    assert scores[0] == 0 and scores[1] == pytest.approx(-scores[2]) and 2 < scores[1] < 3


def test_a_feature_that_most_cases_share_a_value_of_keeps_its_order() -> None:
    table = pd.DataFrame({"zones": [0.0] * 90 + list(np.arange(1.0, 11.0))})
    scores = Screen.of(table, 0.95).apply(table)[:, 0]
    assert (np.diff(scores) >= 0).all() and scores[-1] > scores[0]
