"""The cohort checker: each violation planted in a valid folder is named with its remedy; counts are right."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder, load_valid
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from bench.imaging.cache import crop_file, crop_warnings
from bench.imaging.crop import Crop
from tests.cohorts.checked_folders import (
    CASES,
    HEADER,
    VIOLATIONS,
    a_mask,
    ball,
    found,
    put,
    rewrite,
    save,
    undeclared_column,
    voxels,
)


def coarse_voxels(folder: Path) -> None:
    for name in ("c1.nii.gz", "c1_mask.nii.gz"):
        save(folder / name, voxels(folder / name), (1, 1, 25))


def test_a_sound_folder_has_no_violation(folder: Path) -> None:
    assert found(folder) == [] and check_folder(folder, quiet=True).would_run


@pytest.mark.parametrize("rule", VIOLATIONS)
def test_a_planted_violation_is_named_with_its_remedy(folder: Path, rule: str) -> None:
    plant, severity, case_id, *words = VIOLATIONS[rule]
    plant(folder)
    violation, *others = [violation for violation in found(folder) if violation.kind == rule]
    assert {other.case_id for other in others} <= {violation.case_id}  # image and mask may share a violation
    assert (violation.severity, violation.case_id) == (severity, case_id)
    assert all(word in violation.detail for word in words), violation.detail


def test_every_violation_is_named_where_there_are_several(folder: Path) -> None:
    put(2, "image", "gone.nii.gz")(folder)
    put(2, "er", "7")(folder)
    undeclared_column(folder)
    a_mask(ball() * 0)(folder)
    rules = {violation.kind for violation in found(folder)}
    assert rules == {"missing file", "label outside its range", "column without a role", "empty mask"}


def test_an_unread_header_does_not_hide_the_violations_of_the_cases(folder: Path) -> None:
    (folder / "cohort.toml").write_text("name = ")
    a_mask(ball() * 0)(folder)
    assert {violation.kind for violation in found(folder)} == {"cohort.toml", "empty mask"}


@pytest.mark.parametrize(
    "rule", [rule for rule, value in VIOLATIONS.items() if value[1] == "error" and value[2]]
)
def test_an_error_of_a_case_is_what_a_run_refuses_and_a_sound_load_leaves_out(
    folder: Path, rule: str
) -> None:
    VIOLATIONS[rule][0](folder)
    with pytest.raises(CohortError, match=r"c1|line 3"):
        load_folder(folder).crops(Crop())
    sound = load_valid(folder, quiet=True)
    assert "c1" not in sound.case_ids and list(sound.skipped_cases) == ["c1"]
    assert sound.crops(Crop()).shape[0] == CASES - 1


@pytest.mark.parametrize("rule", [rule for rule, value in VIOLATIONS.items() if value[1] == "warning"])
def test_a_warning_does_not_keep_a_run_from_its_crops(folder: Path, rule: str) -> None:
    VIOLATIONS[rule][0](folder)
    assert check_folder(folder, quiet=True).would_run
    assert load_folder(folder).crops(Crop()).shape[0] == CASES


def test_voxels_that_are_not_finite_beyond_the_crop_are_a_warning(folder: Path) -> None:
    image = np.random.default_rng(1).normal(size=(16, 120, 120)).astype(np.float32)
    mask = np.pad(ball(), ((0, 0), (0, 80), (0, 80)))
    image[8, 119, 119] = np.inf
    save(folder / "c1.nii.gz", image)
    save(folder / "c1_mask.nii.gz", mask)
    (violation,) = found(folder)
    assert (violation.kind, violation.severity) == ("non-finite voxels", "warning")
    assert "the crop round the lesion is valid" in violation.detail


def test_slices_25_mm_apart_are_a_warning(folder: Path) -> None:
    coarse_voxels(folder)
    (violation,) = found(folder)
    assert (violation.kind, violation.severity) == ("absurd spacing", "warning")


DOUBTFUL_MASKS = {
    "probabilities": (0.9 * ball(radius_mm=3).astype(np.float32) + 0.1 * ball(), ">= 0.5"),
    "a background of -1": (2 * ball().astype(np.int8) - 1, "a background other than 0"),
    "a lesion of 0 on -1": (ball().astype(np.int16) - 1, "a background other than 0"),
    "ignored voxels of -1": (ball().astype(np.int8) - ball((8, 33, 33), 3), "a background other than 0"),
    "probabilities on -1": (np.where(ball(), 0.7, -1).astype(np.float32), ">= 0.35"),
    "several labels": (ball() + ball(radius_mm=3), "several labels"),
    "a label close to another": (ball() + 1e-6 * ball(radius_mm=3), ">= 0.5"),
}


@pytest.mark.parametrize("kind", DOUBTFUL_MASKS)
def test_a_mask_that_leaves_the_lesion_open_is_refused_by_check_and_run_alike(
    folder: Path, kind: str
) -> None:
    mask, words = DOUBTFUL_MASKS[kind]
    save(folder / "c1_mask.nii.gz", mask)
    (violation,) = found(folder)
    assert (violation.kind, violation.severity) == (
        "several label values",
        "error",
    ) and words in violation.detail
    with pytest.raises(CohortError) as refused:
        load_folder(folder).crops(Crop())
    assert violation.detail in str(refused.value)


@pytest.mark.parametrize("declared", ["toml", "toml list", "column"])
def test_the_label_of_the_lesion_is_declared_for_all_cases_or_for_one(folder: Path, declared: str) -> None:
    expected = load_folder(folder).crops(Crop())[1]
    save(folder / "c1_mask.nii.gz", 3 * ball() + np.where(ball((8, 33, 33), 5), 7, 0).astype(np.uint8))
    if declared == "column":
        rewrite(folder, lambda cases: cases.assign(lesion_label=["", "3", *[""] * (CASES - 2)]))
    else:
        value = "[1, 3]" if declared == "toml list" else "3"
        (folder / "cohort.toml").write_text(f"lesion_label = {value}\n{HEADER}")
    if declared == "toml":  # it holds for the others too, whose lesion is 1
        assert {violation.case_id for violation in found(folder)} == {f"c{n}" for n in range(CASES)} - {"c1"}
        assert "no voxel of lesion_label 3, only of 1" in found(folder)[0].detail
        return
    assert found(folder) == []
    cohort = load_folder(folder)
    np.testing.assert_array_equal(cohort.crops(Crop())[1], expected)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(cohort.volume("c1").mask), ball())


@pytest.mark.parametrize("value", ['"tumour"', "true", "[]", '["1"]'])
def test_a_label_of_the_lesion_that_is_no_number_is_named(folder: Path, value: str) -> None:
    (folder / "cohort.toml").write_text(f"lesion_label = {value}\n{HEADER}")
    assert "lesion_label must be a number or a list of them" in found(folder)[0].detail


def test_padding_inside_the_crop_is_warned_of_by_check_and_by_runs_that_build_and_reuse_the_crops(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = voxels(folder / "c1.nii.gz").astype(np.float32)
    image[:3] = 1e30
    save(folder / "c1.nii.gz", image)
    (violation,) = found(folder)
    assert (violation.kind, violation.severity) == ("values far apart", "warning")
    assert "4800 voxels of 1e+30" in violation.detail
    expected = "1 of 16 cases of cohort 'mini' may be read wrongly; the first: case 'c1'"
    cohort = load_folder(folder)
    cohort.crops(Crop())
    cohort.take(["c1"]).crops(Crop())
    assert capfd.readouterr().err.count(expected) == 1
    (text,) = crop_warnings(cohort.crop_source())
    assert text.startswith(expected)
    another_process = "import sys; from pathlib import Path; from bench.cohorts.folder import load_folder; "
    another_process += "from bench.imaging.crop import Crop; load_folder(Path(sys.argv[1])).crops(Crop())"
    done = subprocess.run(
        [sys.executable, "-c", another_process, folder], capture_output=True, text=True, check=True
    )
    assert done.stderr.count(expected) == 1 and "done in" not in done.stderr


def test_crops_that_were_stored_without_warnings_stay_valid(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = load_folder(folder).crop_source()
    load_folder(folder).crops(Crop())
    crop_file(source, Crop()).with_suffix(".warnings.json").unlink()
    capfd.readouterr()
    load_folder(folder).crops(Crop())
    assert crop_warnings(source) == [] and capfd.readouterr().err == ""


def test_two_lesions_of_one_exam_are_no_violation(folder: Path) -> None:
    shutil.copy(folder / "c2.nii.gz", folder / "c1.nii.gz")
    save(folder / "c1_mask.nii.gz", ball((8, 25, 25)))
    put(1, "patient_id", "p2")(folder)
    put(1, "site", "a")(folder)
    assert found(folder) == []


def test_an_image_is_recognised_whatever_its_compression(folder: Path) -> None:
    content = gzip.decompress((folder / "c2.nii.gz").read_bytes())
    (folder / "c1.nii.gz").write_bytes(gzip.compress(content, compresslevel=1, mtime=0))
    assert [violation.kind for violation in found(folder)] == ["same image twice"]


def test_a_cohort_without_images_is_checked_too(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.drop(columns=["image", "mask"]))
    assert found(folder) == []


@pytest.mark.slow
def test_real_breast_mri_would_run_and_its_masks_are_seen_in_pieces(real_data: Path) -> None:
    checked = check_folder(real_data / "breastdcedl", quiet=True)
    assert checked.would_run and checked.cases == 268
    assert {violation.kind for violation in checked.violations} == {
        "lesion at the border",
        "several lesions",
        "stray voxels",
    }
    er = next(count for count in checked.counts if (count.site, count.task) == ("duke", "er"))
    assert (er.cases, er.positives) == (136, 97)
