"""``constant`` and ``tumour_size``."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.testing import check_method
from bench_zoo.baselines.constant.method import Constant
from bench_zoo.baselines.tumour_size.method import TumourSize, mask_sizes, size_features


def sphere(radius_mm: float, spacing: tuple[float, float, float]) -> np.ndarray:
    axes = [np.arange(-30, 30 + step / 2, step) for step in spacing]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius_mm**2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["constant", "tumour_size"])
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


def test_constant_is_prevalence_and_median_of_the_training_cases(tiny: Cohort, tmp_path: Path) -> None:
    train, test = tiny.take(tiny.case_ids[:30]), tiny.take(tiny.case_ids[30:]).blind()
    predictions = Constant().fit(train, train, Run(0, "cpu", 1, tmp_path)).predict(test)
    for task in tiny.tasks:
        labels = train.labels(task.name)
        expected = np.nanmean(labels) if task.kind == "binary" else np.nanmedian(labels)
        np.testing.assert_array_equal(predictions[task.name], np.full(len(test), expected))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (2.0, 0.5, 1.0)])
def test_the_sizes_of_a_sphere_are_those_of_a_sphere_on_any_grid(
    spacing: tuple[float, float, float],
) -> None:
    volume, diameter, longest = mask_sizes(sphere(12.0, spacing), spacing)
    assert np.exp(volume) == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.03)
    assert diameter == pytest.approx(24.0, rel=0.02)
    assert longest == pytest.approx(24.0, abs=max(spacing) / 2)


def test_larger_spheres_are_larger_in_every_size() -> None:
    sizes = np.array([mask_sizes(sphere(radius, (2.0, 1.0, 1.0)), (2.0, 1.0, 1.0)) for radius in (3, 6, 9)])
    assert (np.diff(sizes, axis=0) > 0).all()


def test_a_lesion_of_one_voxel_has_sizes() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    assert np.isfinite(mask_sizes(mask, (3.0, 1.0, 1.0))).all()


def test_a_label_that_follows_size_is_learnt_from_size(tiny: Cohort, tmp_path: Path) -> None:
    volume = size_features(tiny)[:, 0]
    table = tiny.table.assign(er=(volume > np.median(volume)).astype(float), ki67=20 + 5 * volume)
    cohort = dataclasses.replace(tiny, table=table)
    train, test = cohort.take(cohort.case_ids[::2]), cohort.take(cohort.case_ids[1::2])
    predictions = TumourSize().fit(train, train, Run(0, "cpu", 1, tmp_path)).predict(test.blind())
    positive = test.labels("er") == 1
    assert predictions["er"][positive].min() > predictions["er"][~positive].max() - 0.1
    assert np.corrcoef(predictions["ki67"], test.labels("ki67"))[0, 1] > 0.95
    assert np.abs(predictions["ki67"] - test.labels("ki67")).mean() < 1.0
