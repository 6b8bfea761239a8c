"""Several images a case: which there are, what is wrong with them, what methods and pictures get of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cohorts.case_facts import case_facts
from bench.cohorts.catalogue import open_cohort
from bench.cohorts.checking.check import check_folder
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError, ImageError
from bench.imaging.crop import Crop
from bench.imaging.header_notes import header_notes
from tests.cohorts.checked_folders import SHAPE, put, rewrite, save, voxels
from tests.cohorts.phases import declare, with_phases
from tests.command import bench

CROP = Crop(24, 2, ("post1", "pre", "post1-pre", "mask"))


@pytest.fixture(scope="module")
def phases(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_phases(sound, tmp_path_factory.mktemp("phases") / "mini")


@pytest.fixture(scope="module")
def cohort(phases: Path) -> Cohort:
    return load_folder(phases)


@pytest.fixture
def folder(phases: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(phases, tmp_path / "changed"))


def test_a_cohort_of_two_phases_has_nothing_wrong(phases: Path) -> None:
    assert [one.detail for one in check_folder(phases, quiet=True).violations] == []


def test_the_first_image_is_what_a_cohort_of_one_image_has(cohort: Cohort, sound: Path) -> None:
    single = load_folder(sound)
    assert (single.images, cohort.images) == (("image",), ("post1", "pre"))
    assert list(single.files) == ["image", "mask"] and list(cohort.files) == ["image", "mask", "pre"]
    crop = Crop(24, 2, ("image", "mask", "distance"))
    np.testing.assert_array_equal(cohort.crops(crop)[:], single.crops(crop)[:])
    np.testing.assert_array_equal(cohort.crops(CROP)[:][:, 0], single.crops(crop)[:][:, 0])
    np.testing.assert_array_equal(cohort.volume("c3").array("image"), single.volume("c3").array("image"))


def test_a_volume_has_every_image(cohort: Cohort, phases: Path) -> None:
    volume = cohort.take(["c3"]).volume("c3")
    np.testing.assert_array_equal(volume.array("pre"), voxels(phases / "c3_pre.nii.gz"))
    np.testing.assert_array_equal(volume.array("post1"), volume.array("image"))
    with pytest.raises(ValueError, match="'image' and a 'mask', 'pre', got 'post2'"):
        volume.array("post2")


def test_a_dataset_has_the_channels(cohort: Cohort) -> None:
    image, labels = cohort.dataset(CROP, tasks=["er"])[2]
    assert tuple(image.shape) == (4, 12, 12, 12) and labels.tolist() == [1]
    np.testing.assert_array_equal(image.numpy(), cohort.crops(CROP)[2])


def test_the_content_of_every_image_makes_the_fingerprint(cohort: Cohort, folder: Path) -> None:
    changed = voxels(folder / "c3_pre.nii.gz")
    changed[0, 0, 0] += 1
    save(folder / "c3_pre.nii.gz", changed)
    assert load_folder(folder).fingerprint != cohort.fingerprint


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ('"post1"', "must be a list"),
        ("[]", "must be a list"),
        ('["post1", "post1"]', "named twice"),
        ('["post1", "image"]', "always means the first image"),
        ('["post1", "mask"]', "has another meaning"),
        ('["post1", "er"]', "has another meaning"),
        ('["post1", "post1-pre"]', "is no name of an image"),
    ],
)
def test_an_odd_list_of_images_is_refused(images: str, words: str, folder: Path) -> None:
    declare(folder, images)
    with pytest.raises(CohortError, match=words):
        load_folder(folder)


def test_an_image_is_no_covariate(folder: Path) -> None:
    header = (folder / "cohort.toml").read_text()
    (folder / "cohort.toml").write_text(header.replace('["vendor"]', '["vendor", "pre"]'))
    with pytest.raises(CohortError, match="'pre' is one of the images"):
        load_folder(folder)


def lose_column(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.drop(columns="pre"))


def other_size(folder: Path) -> None:
    save(folder / "c1_pre.nii.gz", voxels(folder / "c1_pre.nii.gz")[1:])


def other_place(folder: Path) -> None:
    save(folder / "c1_pre.nii.gz", voxels(folder / "c1_pre.nii.gz"), (1, 1, 4))


def not_finite(folder: Path) -> None:
    save(folder / "c1_pre.nii.gz", np.full(SHAPE, np.nan, np.float32))


def flat(folder: Path) -> None:
    save(folder / "c1_pre.nii.gz", np.full(SHAPE, 7, np.int16))


def four_dimensions(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "c1_pre.nii.gz"))
    sitk.WriteImage(sitk.JoinSeries([image] * 3), str(folder / "c1_pre.nii.gz"))


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no column": (lose_column, "missing column", "names the images post1, pre.*missing: pre"),
    "no file": (put(1, "pre", None), "missing file", "'c1' has no pre"),
    "file gone": (put(1, "pre", "gone.nii.gz"), "missing file", "its pre 'gone.nii.gz' is missing"),
    "outside": (put(1, "pre", "../c1.nii.gz"), "path outside the folder", "its pre '../c1.nii.gz'"),
    "mask": (put(1, "pre", "c1_mask.nii.gz"), "mask is the image", "its mask 'c1_mask.nii.gz' is its image"),
    "one file": (put(1, "pre", "c1.nii.gz"), "images alike", "its pre 'c1.nii.gz' is its post1 too"),
    "size": (other_size, "different grids", "pre .* has size 40x40x15, expected its first image's 40x40x16"),
    "place": (other_place, "different grids", "pre .* lies elsewhere than its first image.*sitkLinear"),
    "not finite": (not_finite, "non-finite voxels", "pre .* voxels that are NaN"),
    "flat": (flat, "constant image", "the pre is constant round the lesion"),
    "4D": (four_dimensions, "4D image", "pre .*save the one phase"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_of_a_further_image_is_found(name: str, folder: Path) -> None:
    plant, kind, words = FAULTS[name]
    plant(folder)
    found = [one for one in check_folder(folder, quiet=True).violations if one.severity == "error"]
    assert {one.kind for one in found} == {kind}
    assert pd.Series([one.detail for one in found]).str.contains(words).all(), found
    with pytest.raises(CohortError):
        load_folder(folder).crops(CROP)


def test_a_file_of_other_geometry_is_refused_where_it_is_read(folder: Path) -> None:
    other_place(folder)
    with pytest.raises(ImageError, match=r"case .c1.: pre .* lies elsewhere than its first image"):
        load_folder(folder).volume("c1")


def test_phases_of_equal_voxels_are_named(folder: Path) -> None:
    save(folder / "c1_pre.nii.gz", voxels(folder / "c1.nii.gz"))
    (found,) = check_folder(folder, quiet=True).violations
    assert (found.kind, found.severity, found.case_id) == ("images alike", "warning", "c1")


def test_a_channel_that_the_cohort_lacks_is_refused_by_name(cohort: Cohort, sound: Path) -> None:
    for opened, channel, words in (
        (cohort, "post2", "'post2', only post1, pre"),
        (cohort, "post2-pre", "'post2', only post1, pre"),
        (load_folder(sound), "pre", "'pre', only image"),
    ):
        with pytest.raises(CohortError, match=f"channel '{channel}' .* no image {words}"):
            opened.crops(Crop(channels=(channel,)))


def test_facts_say_how_bright_the_lesion_is_in_each_phase(cohort: Cohort) -> None:
    post, pre = (
        float(part.split()[1]) for part in case_facts(cohort, "c3")["mean in the lesion"].split(", ")
    )
    assert post - pre == pytest.approx(40, abs=0.2)


def test_a_case_is_drawn_with_every_phase(phases: Path, sound: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    for folder, name in ((phases, "two.png"), (sound, "one.png")):
        done = bench("case", "c3", "--cohort", str(folder), "--out", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    assert len(imread(tmp_path / "two.png")) > len(imread(tmp_path / "one.png"))


def test_headers_of_further_images_are_looked_at(cohort: Cohort) -> None:
    assert header_notes(cohort.crop_source()) == []
    assert list(cohort.crop_source().others("c0")) == ["pre"]


def test_crops_are_exported_by_channel(phases: Path, tmp_path: Path) -> None:
    words = ["export", "--cohort", str(phases), "--split", "internal", "--size", "24", "--spacing", "2"]
    done = bench(*words, "--out", str(tmp_path / "all"), "--channels", "post1,pre,post1-pre,mask")
    assert done.returncode == 0, done.stderr
    first = sorted(path.name for path in (tmp_path / "all" / "crops").glob("000001*"))
    assert first == [f"000001_{channel}.nii.gz" for channel in ("mask", "post1-pre", "post1", "pre")]
    refused = bench(*words, "--out", str(tmp_path / "none"), "--channels", "post2")
    assert refused.returncode and "no image 'post2'" in refused.stderr and not (tmp_path / "none").exists()


def test_joined_cohorts_keep_the_images_that_all_have(phases: Path, sound: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(phases, tmp_path / "other"))
    renamed(other, "other")
    both = open_cohort([str(phases), str(other)])
    assert both.images == ("post1", "pre")
    np.testing.assert_array_equal(both.crops(CROP)[:16], load_folder(phases).crops(CROP)[:])
    single = Path(shutil.copytree(sound, tmp_path / "single"))
    renamed(single, "single")
    mixed = open_cohort([str(phases), str(single)])
    assert mixed.images == ("image",) and list(mixed.files) == ["image", "mask"]


def renamed(folder: Path, name: str) -> None:
    header = (folder / "cohort.toml").read_text()
    (folder / "cohort.toml").write_text(header.replace('"mini"', json.dumps(name)))
    for number, path in enumerate(sorted(folder.glob("c?.nii.gz")) + sorted(folder.glob("c1?.nii.gz"))):
        save(path, voxels(path) + number + 1)
