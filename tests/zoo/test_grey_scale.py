"""Grey scales of the training cases: what they undo, and that test cases cannot move them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.audit.perturbed import changed
from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.methods.lens import seen
from bench.methods.method import Run
from bench.methods.parameters import build, parameters
from bench.methods.registry import load_registry
from bench.methods.through import Through
from bench_zoo.harmonisation import scaled
from bench_zoo.harmonisation.grey_scale import GreyScale
from bench_zoo.harmonisation.scale import LANDMARKS, Floats, Landmarks, TissueScore, Voxels
from bench_zoo.radiomics.extraction import Settings
from bench_zoo.radiomics.table import feature_table

NETWORK = {"epochs": 1, "widths": (4, 8), "flips": False}
NAMES: dict[str, dict[str, Any]] = {
    "multi_task_cnn+nyul": NETWORK,
    "spatial_mtl+zscore": NETWORK,
    "radiomics_lr+zscore": {"regions": ("lesion",)},
}


class Unchanged(TissueScore):
    """A scale that leaves every image as it is."""

    def apply(self, image: Floats, lesion: Voxels) -> Floats:
        return image


def crops(cases: int = 6) -> list[tuple[np.ndarray, np.ndarray]]:
    """Noise with a brighter ball, and a border beyond the image."""
    rng = np.random.default_rng(0)
    ball = ((np.indices((12, 12, 12)) - 6) ** 2).sum(axis=0) < 12
    found = []
    for _ in range(cases):
        image = rng.gamma(2.0, 1.0, (12, 12, 12)) + 3 * ball
        image[:2] = 0
        found.append((image.astype(np.float32), ball))
    return found


def test_a_gain_and_an_offset_are_undone() -> None:
    (image, ball), *others = crops()
    inside = image != 0
    for kind in (Landmarks, TissueScore):
        scale = kind.fitted(others)
        other = np.where(inside, 2.5 * image + 7, 0).astype(np.float32)
        np.testing.assert_allclose(scale.apply(other, ball), scale.apply(image, ball), atol=1e-4)
        assert not scale.apply(other, ball)[~inside].any()


def test_landmarks_of_a_case_become_the_standard_ones_even_after_a_curve() -> None:
    (image, ball), *others = crops()
    scale = Landmarks.fitted(others)
    inside = image != 0
    curved = np.where(inside, np.sqrt(image), 0).astype(np.float32)
    for given in (image, curved):
        found = scale.apply(given, ball)[inside]
        np.testing.assert_allclose(np.percentile(found, LANDMARKS), scale.standard, atol=0.05)
        assert (np.argsort(found, kind="stable") == np.argsort(given[inside], kind="stable")).mean() > 0.99


def test_landmarks_are_nyuls() -> None:
    pairs = crops()
    marks = np.array([np.percentile(image[image != 0], LANDMARKS) for image, _ in pairs])
    low, high = np.median(marks[:, 0]), np.median(marks[:, -1])
    expected = np.mean([np.interp(one, [one[0], one[-1]], [low, high]) for one in marks], axis=0)
    np.testing.assert_allclose(Landmarks.fitted(pairs).standard, expected, rtol=1e-5)


def test_tissue_has_the_mean_and_spread_of_training() -> None:
    (image, ball), *others = crops()
    scale = TissueScore.fitted(others)
    tissue = scale.apply(3 * image, ball)[(image != 0) & ~ball]
    assert (tissue.mean(), tissue.std()) == pytest.approx((scale.mean, scale.spread), rel=1e-3)


def test_a_flat_crop_stays_as_it_is() -> None:
    image, ball = np.full((12, 12, 12), 2.0, np.float32), crops()[0][1]
    for kind in (Landmarks, TissueScore):
        np.testing.assert_array_equal(kind.fitted(crops()).apply(image, ball), image)


def fitted(name: str, cohort: Cohort, folder: Path) -> Through:
    folder.mkdir()
    spec = load_registry().spec(name)
    method = build(spec, parameters(spec, NAMES[name]))
    train, val = cohort.take(cohort.case_ids[:20]), cohort.take(cohort.case_ids[20:28])
    found = method.fit(train, val, Run(0, "cpu", 1, folder))
    assert isinstance(found, Through) and isinstance(found.lens, GreyScale)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_test_cases_cannot_move_the_fit(name: str, tiny: Cohort, tmp_path: Path) -> None:
    tested = tiny.take(tiny.case_ids[48:54])
    images = tmp_path / "images"
    images.mkdir()
    bright = changed(tested, lambda image, mask, *_: (image**1.5, mask), images)
    method = fitted(name, tiny, tmp_path / "first")
    scales, before = method.lens.as_json(), method.predict(tested.blind())["er"]
    after = method.predict(bright.blind())["er"]
    assert scales and method.lens.as_json() == scales and np.abs(after - before).max() > 0
    alone = np.concatenate([method.predict(tested.take([case]).blind())["er"] for case in tested.case_ids])
    np.testing.assert_allclose(alone, before, atol=1e-6)
    method.save(tmp_path)
    loaded = type(method).load(tmp_path)
    np.testing.assert_allclose(loaded.predict(tested.blind())["er"], before)


def test_what_a_network_reads_is_on_the_scale_of_training_whatever_the_channels(tiny: Cohort) -> None:
    lens, cases = GreyScale("zscore"), tiny.take(tiny.case_ids[:8])
    lens.train = cases
    crop = Crop(40, 2, ("distance", "image"))
    found, plain = seen(lens, cases).crops(crop), cases.crops(crop)
    assert found.shape == plain.shape and found[0].shape == plain[0].shape
    np.testing.assert_array_equal(found[:][:, 0], plain[:][:, 0])
    np.testing.assert_array_equal(np.array(found)[3], found[3])
    (scale,) = lens.scales.values()
    lesion = np.array(cases.crops(Crop(40, 2, ("mask",))))[:, 0] > 0
    for case in range(8):
        tissue = found[case][1][(found[case][1] != 0) & ~lesion[case]]
        assert (tissue.mean(), tissue.std()) == pytest.approx((scale.mean, scale.spread), rel=1e-3)


@pytest.mark.slow
def test_radiomics_on_an_unchanged_scale_are_those_of_every_method(tiny: Cohort) -> None:
    settings = Settings(("lesion", "surround"), 1.5, 5.0, (1.0, 9.0), ("original", "log"))
    cases = tiny.take(tiny.case_ids[:3])
    files = scaled.files_of(cases)
    rows = [scaled.scaled_features(one, files[one], settings, Unchanged(0.0, 1.0)) for one in files]
    found, expected = scaled.in_order(rows, cases.case_ids), feature_table(cases, settings)
    assert set(found) == set(expected)
    pd.testing.assert_frame_equal(found, expected[found.columns])
