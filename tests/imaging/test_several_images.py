"""Crops of several images of a case: one unit for all, differences that are not clipped, one grid."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError
from bench.imaging.cache import crop_file
from bench.imaging.crop import Crop
from tests.cohorts.checked_folders import save

SHAPE = (30, 30, 30)
# The crop lies on the voxels of the image: no smoothing, no interpolation.
CROP = Crop(20, 1, ("post1", "pre", "post1-pre", "post2-post1", "image", "mask"))
INNER = (slice(5, 25),) * 3


@pytest.fixture
def files(tmp_path: Path) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    post = draw.normal(200, 30, SHAPE).round()
    post[12, 12, 12] = 2000
    pre = post - 80 + draw.normal(0, 5, SHAPE).round()
    pre[12, 12, 12] = 1960
    mask = np.zeros(SHAPE)
    mask[10:20, 10:20, 10:20] = 1
    found = {"post1": post, "post2": 1.5 * post, "pre": pre, "mask": mask}
    for name, voxels in found.items():
        save(tmp_path / f"{name}.nii.gz", voxels.astype(np.float32), (1, 1, 1))
    return found


@pytest.fixture
def cohort(files: dict[str, np.ndarray], tmp_path: Path) -> Cohort:
    index = pd.Index(["a"], name="case_id")
    names = {"image": "post1", "mask": "mask", "post2": "post2", "pre": "pre"}
    return Cohort(
        "made",
        (),
        pd.DataFrame({"patient_id": ["a"], "site": ["s"], "group": ["internal"]}, index=index),
        pd.DataFrame({column: [f"{name}.nii.gz"] for column, name in names.items()}, index=index),
        tmp_path,
        f"{abs(hash(str(tmp_path))):064x}",
        synthetic=True,
        images=("post1", "post2", "pre"),
    )


def test_all_images_are_in_the_unit_of_the_first(files: dict[str, np.ndarray], cohort: Cohort) -> None:
    post, post2, pre = (files[name][INNER] for name in ("post1", "post2", "pre"))
    median, high = np.percentile(post, [50, 99])
    spread = high - median
    expected = [
        (post - median) / spread,
        (pre - median) / spread,
        (post - pre) / spread,
        (post2 - post) / spread,
        (post - median) / spread,
        files["mask"][INNER],
    ]
    found = cohort.crops(CROP)[0]
    assert found.dtype == np.float32 and found.shape == (6, 20, 20, 20)
    np.testing.assert_allclose(found, np.clip(expected, -3, 4), atol=0.02)


def test_a_difference_is_taken_before_values_are_cut(cohort: Cohort, files: dict[str, np.ndarray]) -> None:
    post, pre, rise = cohort.crops(CROP)[0][:3, 7, 7, 7]
    median, high = np.percentile(files["post1"][INNER], [50, 99])
    assert post == pre == 4
    assert rise == pytest.approx(40 / (high - median), abs=0.03)


def test_the_unit_does_not_change_with_the_gain_of_the_scanner(
    files: dict[str, np.ndarray], cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cohort.crops(CROP)[0]
    for name in ("post1", "post2", "pre"):
        save(tmp_path / f"{name}.nii.gz", (4 * files[name] + 100).astype(np.float32), (1, 1, 1))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    again = cohort.crops(Crop(20, 1, ("post1", "pre", "post1-pre")))[0]
    np.testing.assert_allclose(again, before[:3], atol=0.01)


def test_the_first_image_is_cut_without_the_others(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pre.nii.gz").unlink()
    first = Crop(20, 1, ("post1", "mask", "distance"))
    assert cohort.crops(first)[0].shape == (3, 20, 20, 20)
    folder = crop_file(cohort.crop_source(), first).parent
    assert [path.name for path in folder.glob("*-images.npy")] == []
    with pytest.raises(CohortError, match=r"case 'a': pre .* does not exist"):
        cohort.crops(Crop(20, 1, ("post1-pre",)))


@pytest.mark.parametrize("index", [0, slice(0, 1), np.array([0, 0]), [0]], ids=str)
def test_crops_are_indexed_as_those_of_one_image(index: object, cohort: Cohort) -> None:
    several, one = cohort.crops(CROP), cohort.crops(Crop(20, 1, ("image", "mask")))
    found = several[index]  # type: ignore[index]
    np.testing.assert_array_equal(found[..., [0, 5], :, :, :], one[index])  # type: ignore[index]
    assert several.shape == (1, 6, 20, 20, 20) and one.shape == (1, 2, 20, 20, 20)


@pytest.mark.parametrize("channel", ["post1+pre", "pre-", "-pre", "pre-pre", "mask-pre", "a-b-c", "", "1st"])
def test_what_can_be_no_channel_is_refused_before_any_cohort_is_known(channel: str) -> None:
    with pytest.raises(ValueError, match="crop channels are"):
        Crop(channels=(channel,))
