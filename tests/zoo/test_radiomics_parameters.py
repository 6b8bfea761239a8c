"""A parameter file of pyradiomics: what it measures, what it names, and what is refused before a run."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)

from radiomics.featureextractor import RadiomicsFeatureExtractor

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.contract.cohort import tiny_cohort
from bench.methods.method import Run
from bench.methods.parameters import parameters
from bench.methods.registry import load_registry, unavailable_reason
from bench.methods.variant import choose
from bench_zoo.radiomics.extraction import Settings, case_features
from bench_zoo.radiomics.own import distance_near, native_regions
from bench_zoo.radiomics.parameters import parameters_text
from bench_zoo.radiomics.ridge import RadiomicsLR
from bench_zoo.radiomics.table import feature_table, table_file

PARAMETERS = """\
setting:
  binCount: 32
  normalize: true
  normalizeScale: 100
  removeOutliers: 3
  resampledPixelSpacing: [2, 2, 0]  # in the slices alone
  interpolator: sitkBSpline
  resegmentRange: [-3, 3]
  resegmentMode: sigma
  force2D: true
imageType:
  Original: {}
  LoG: {sigma: [2.0]}
featureClass:
  shape:
  firstorder:
  glcm: [Contrast, Idm]
"""
SETTINGS = Settings(("lesion", "surround"), 2.0, 5.0, (1.0, 9.0), ("original",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(PARAMETERS)
    return path


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return tiny_cohort(tmp_path_factory.mktemp("few"), cases=12, seed=3)


def by_pyradiomics(file: Path, image: Path, mask: Path) -> dict[str, float]:
    found = RadiomicsFeatureExtractor(str(file)).execute(str(image), str(mask))
    return {name: float(value) for name, value in found.items() if not name.startswith("diagnostics")}


def lesion_features(file: Path, image: Path, mask: Path) -> dict[str, float]:
    settings = replace(SETTINGS, regions=("lesion",), radiomics_file=parameters_text(str(file)))
    features, error = case_features("c", image, mask, settings)
    assert not error
    return {name.removeprefix("lesion_"): value for name, value in features.items()}


def test_a_real_case_is_measured_as_pyradiomics_does_with_the_same_file(file: Path, real_data: Path) -> None:
    folder = real_data / "reference" / "pyradiomics"
    paths = folder / "breast1_image.nrrd", folder / "breast1_label.nrrd"
    expected = by_pyradiomics(file, *paths)
    assert len(expected) == 14 + 2 * (18 + 2)
    assert lesion_features(file, *paths) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", ["breast1", "brain1"])
def test_default_parameters_give_the_published_baselines(tmp_path: Path, real_data: Path, case: str) -> None:
    folder = real_data / "reference" / "pyradiomics"
    (tmp_path / "params.yaml").write_text("setting: {binWidth: 25, voxelArrayShift: 2000}")
    found = lesion_features(
        tmp_path / "params.yaml", folder / f"{case}_image.nrrd", folder / f"{case}_label.nrrd"
    )
    table = pd.read_csv(folder / "baselines_default.csv", index_col=0)
    published = pd.to_numeric(
        table.loc[table.index.str.startswith("original_"), case], errors="coerce"
    ).dropna()
    assert len(published) == 107
    assert {name: found[name] for name in published.index} == pytest.approx(dict(published), rel=1e-3)


def test_a_synthetic_case_is_measured_as_pyradiomics_does(file: Path, few: Cohort) -> None:
    files = few.files.iloc[0]
    paths = few.folder / files["image"], few.folder / files["mask"]
    assert lesion_features(file, *paths) == pytest.approx(by_pyradiomics(file, *paths), rel=1e-9)


@pytest.mark.parametrize("value", [255, 7])
def test_the_value_that_marks_the_lesion_does_not_matter(
    file: Path, few: Cohort, tmp_path: Path, value: int
) -> None:
    files = few.files.iloc[0]
    image, mask = few.folder / files["image"], few.folder / files["mask"]
    other = tmp_path / "other.nii.gz"
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(str(mask)) != 0, sitk.sitkUInt8) * value, str(other))
    assert lesion_features(file, image, other) == pytest.approx(lesion_features(file, image, mask), rel=1e-12)


def test_regions_on_the_images_own_grid_end_with_the_image(few: Cohort) -> None:
    volume = few.volume(few.case_ids[0])
    masks = native_regions(volume, ("lesion", "rim", "surround"), (1.0, 9.0))
    voxels = {name: sitk.GetArrayFromImage(mask).astype(bool) for name, mask in masks.items()}
    lesion = sitk.GetArrayFromImage(volume.mask) != 0
    np.testing.assert_array_equal(voxels["lesion"], lesion)
    assert voxels["surround"].any() and not (voxels["surround"] & (lesion | voxels["rim"])).any()
    distance = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(
            volume.mask != 0, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
    )
    far = distance > 9 + max(volume.mask.GetSpacing())
    assert not (voxels["surround"] & far).any()


def test_distances_near_a_lesion_at_the_images_edge_equal_those_of_a_larger_image() -> None:
    lesion = np.zeros((12, 20, 20), bool)
    lesion[0:3, 5:9, 16:20] = True
    spacing = np.array([3.0, 1.0, 1.0])
    near = distance_near(lesion, spacing, 4.0)
    wide = distance_near(np.pad(lesion, 30), spacing, 60.0)[30:-30, 30:-30, 30:-30]
    np.testing.assert_allclose(near[np.isfinite(near)], wide[np.isfinite(near)], atol=1e-5)
    assert np.isfinite(near[wide <= 4.0]).all() and np.isinf(near).any()


def test_the_content_and_not_the_path_names_cell_and_table(file: Path, few: Cohort, tmp_path: Path) -> None:
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text("# the same\n" + PARAMETERS)
    other.write_text(PARAMETERS.replace("32", "16"))
    spec = load_registry().spec("radiomics_lr")
    first, second, third = (choose(spec, {"radiomics_file": str(path)}) for path in (file, same, other))
    assert first.params == second.params and first.label == second.label
    assert first.params != third.params and first.label != third.label
    assert json.loads(first.params["radiomics_file"])["setting"]["binCount"] == 32
    assert len(first.label) < 50
    tables = [
        table_file(few, replace(SETTINGS, radiomics_file=choice.params["radiomics_file"]))
        for choice in (first, second, third)
    ]
    assert tables[0] == tables[1] != tables[2]


def test_settled_parameters_stay_as_they_are(file: Path) -> None:
    spec = load_registry().spec("radiomics_xgb")
    once = parameters(spec, {"radiomics_file": str(file)})
    file.unlink()
    assert parameters(spec, once) == once
    assert parameters(spec)["radiomics_file"] == ""


def test_grid_bins_and_image_types_do_not_name_the_table_of_a_file(few: Cohort) -> None:
    settings = replace(SETTINGS, radiomics_file='{"setting": {"binCount": 8}}')
    other = replace(settings, spacing_mm=1.0, bin_width=2.0, image_types=("log",))
    assert table_file(few, settings) == table_file(few, other) != table_file(few, SETTINGS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.yaml", "radiomics_file: no such file: nowhere.yaml; expected the path of a parameter file"),
        ("{setting: [}", "radiomics_file: neither YAML nor JSON"),
        ("{}", "radiomics_file: expected setting, imageType or featureClass, got {}"),
        ("{setting: {binWdth: 3}}", "Key 'binWdth' was not defined. Path: '/setting'"),
        ("{setting: {binWidth: wide}}", "Value 'wide' is not of type 'float'"),
        ("{imageType: {Logg: {}}}", "Image Type Logg is not recognized. Available image types are"),
        ("{imageType: {LoG: {}}}", "image type LoG needs sigma, in mm"),
        ("{featureClass: {glcm: [Foo]}}", "contains unrecognized features: {'Foo'}"),
        ("{setting: {label: 2}}", "take out label and label_channel: the cohort says which voxels"),
    ],
)
def test_wrong_parameters_are_refused_in_one_line(given: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parameters_text(given)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_what_a_file_replaces_cannot_be_set_beside_it(file: Path) -> None:
    spec = load_registry().spec("radiomics_lr")
    with pytest.raises(UsageError, match="radiomics_file and bin_width were both set"):
        parameters(spec, {"radiomics_file": str(file), "bin_width": 10.0})


def test_without_pyradiomics_a_file_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    spec = load_registry().spec("radiomics_lr")
    assert parameters(spec, {"radiomics_file": "nowhere.yaml"})["radiomics_file"] == "nowhere.yaml"
    assert "needs radiomics: pyradiomics" in str(unavailable_reason(spec))


def test_a_table_of_an_experiment_file_is_taken_as_parameters() -> None:
    assert parameters_text({"setting": {"binCount": 8}}) == '{"setting": {"binCount": 8}}'


@pytest.mark.slow
def test_a_method_fits_by_a_file_and_pyradiomics_warnings_stay_in_the_log(
    few: Cohort,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    cohort = replace(few, fingerprint="9" * 64)
    steps: list[tuple[Any, ...]] = []
    method = RadiomicsLR(radiomics_file='{"setting": {"binCount": 8}, "featureClass": {"firstorder": null}}')
    run = Run(0, "cpu", 1, tmp_path, lambda *step: steps.append(step))
    with caplog.at_level(logging.INFO):
        method.fit(cohort.take(cohort.case_ids[:8]), cohort.take([]), run)
        found = method.predict(cohort.take(cohort.case_ids[8:]).blind())
    assert all(np.isfinite(values).all() for values in found.values())
    assert steps[7] == (8, 8, None) and steps[-1] == (4, 4, None)
    assert "(radiomics_file): 8 of 8 cases" in caplog.text
    assert "Fixed bin Count enabled!" in caplog.text
    assert "Fixed bin Count" not in "".join(capfd.readouterr())
    assert feature_table(
        cohort, Settings(**{**SETTINGS.__dict__, "radiomics_file": method.radiomics_file})
    ).shape == (
        12,
        36,
    )
