"""Grey scales of the training cases: what they undo, and that test cases cannot move them."""

from pathlib import Path

import numpy as np
import pytest

from bench.audit.perturbed import changed
from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.methods.parameters import build
from bench.methods.registry import load_registry
from bench_zoo.intensity.method import Harmonised
from bench_zoo.intensity.scale import LANDMARKS, Landmarks, TissueScore

NETWORKS = ("multi_task_cnn", "spatial_mtl")
NAMES = [f"{network}_{kind}" for network in NETWORKS for kind in ("nyul", "zscore")]


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


def fitted(name: str, cohort: Cohort, folder: Path) -> Harmonised:
    folder.mkdir()
    method = build(load_registry().spec(name), {"epochs": 1, "widths": (4, 8), "flips": False})
    train, val = cohort.take(cohort.case_ids[:40]), cohort.take(cohort.case_ids[40:48])
    found = method.fit(train, val, Run(0, "cpu", 1, folder))
    assert isinstance(found, Harmonised)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_test_cases_cannot_move_the_fit(name: str, tiny: Cohort, tmp_path: Path) -> None:
    tested = tiny.take(tiny.case_ids[48:60])
    images = tmp_path / "images"
    images.mkdir()
    bright = changed(tested, lambda image, mask, *_: (image**1.5, mask), images)
    method = fitted(name, tiny, tmp_path / "first")
    scale, before = method.scale, method.predict(tested.blind())["er"]
    after = method.predict(bright.blind())["er"]
    assert method.scale is scale and np.abs(after - before).max() > 0
    alone = np.concatenate([method.predict(tested.take([case]).blind())["er"] for case in tested.case_ids])
    np.testing.assert_allclose(alone, before, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_method_keeps_its_scale(name: str, tiny: Cohort, tmp_path: Path) -> None:
    method = fitted(name, tiny, tmp_path / "run")
    tested = tiny.take(tiny.case_ids[48:60]).blind()
    method.save(tmp_path)
    np.testing.assert_allclose(
        type(method).load(tmp_path).predict(tested)["er"], method.predict(tested)["er"]
    )
