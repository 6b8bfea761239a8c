"""Crops and labels of a cohort as a torch Dataset, and volumes as arrays."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import bench
from bench.errors import CohortError

CROP = bench.Crop(size_mm=40, spacing_mm=2)


def test_items_are_images_with_the_labels_of_their_case(tiny: bench.Cohort) -> None:
    some = tiny.take(tiny.case_ids[5:9])
    crops = some.dataset(CROP, tasks=["ki67", "er"])
    image, label = crops[2]
    assert image.dtype == label.dtype == torch.float32
    assert image.shape == (2, *CROP.shape) and label.shape == (2,)
    assert np.array_equal(image.numpy(), some.crops(CROP)[2])
    expected = [some.labels("ki67")[2], some.labels("er")[2]]
    assert np.allclose(label.numpy(), expected, equal_nan=True)


def test_an_unknown_label_is_nan(tiny: bench.Cohort) -> None:
    unknown = np.isnan(tiny.labels("her2"))
    labels = torch.stack([label for _, label in tiny.dataset(CROP, tasks=["her2"])])
    assert unknown.any() and np.array_equal(torch.isnan(labels[:, 0]).numpy(), unknown)


def test_a_loader_stacks_all_tasks_where_none_is_named(tiny: bench.Cohort) -> None:
    images, labels = next(iter(DataLoader(tiny.dataset(CROP), batch_size=3)))
    assert images.shape == (3, 2, *CROP.shape) and labels.shape == (3, len(tiny.tasks))


def test_blind_cases_have_images_and_no_labels(tiny: bench.Cohort) -> None:
    with pytest.raises(CohortError, match="never sees a test label"):
        tiny.blind().dataset(CROP)
    _, label = tiny.blind().dataset(CROP, tasks=())[0]
    assert label.shape == (0,)


def test_crops_and_regions_are_iterated_case_by_case(tiny: bench.Cohort) -> None:
    some = tiny.take(tiny.case_ids[:3])
    assert [crop.shape for crop in some.crops(CROP)] == [(2, *CROP.shape)] * 3
    assert [region.shape for region in some.regions(CROP)] == [(3, *CROP.shape)] * 3


def test_a_volume_is_an_array_of_slices_first(tiny: bench.Cohort) -> None:
    volume = tiny.volume(tiny.case_ids[0])
    image = volume.array("image")
    assert image.dtype == np.float32 and image.shape == volume.image.GetSize()[::-1]
    assert image[3, 5, 7] == np.float32(volume.image[7, 5, 3])
    assert volume.spacing_mm == volume.image.GetSpacing()[::-1]
    with pytest.raises(ValueError, match="'image' and a 'mask'"):
        volume.array("distance")  # type: ignore[arg-type]
