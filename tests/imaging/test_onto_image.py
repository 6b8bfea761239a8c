"""A heat map comes back to its place in the patient, whatever grid the image has."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from bench.imaging.crop import Crop
from bench.imaging.onto_image import grids_of_case, on_grid, write_nifti
from tests.imaging.imaging_exams import OBLIQUE, Exam

CROP = Crop(size_mm=36, spacing_mm=1.5)
CENTRE = (4.0, -3.0, 2.0)
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
# Of the lesion's centre: to the left, to the front and to the head, of three different lengths (mm, LPS).
CORNER_MM = np.array([[3.0, 15.0], [-12.0, -3.0], [1.5, 16.5]])


def corner() -> np.ndarray:
    """1 in a box in one corner of the crop, no two of whose edges are alike, (z, y, x)."""
    axis = (np.arange(CROP.shape[0]) - (CROP.shape[0] - 1) / 2) * CROP.spacing_mm
    x, y, z = ((axis > low) & (axis < high) for low, high in CORNER_MM)
    return (z[:, None, None] & y[:, None] & x).astype(np.float32)


@pytest.mark.parametrize(
    "direction", [np.eye(3), np.diag([-1.0, 1, -1]), SAGITTAL, OBLIQUE, OBLIQUE @ SAGITTAL, -OBLIQUE]
)
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 1.1, 2.5)])
def test_a_known_corner_lies_where_it_belongs_for_itk(
    tmp_path: Path, direction: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    size = tuple(round(64 / step) for step in spacing)
    exam = Exam(centre=CENTRE, spacing=spacing, size=size, direction=direction, middle=(20.0, -35.0, 60.0))
    exam = Exam(**{**vars(exam), "centre": tuple(np.add(exam.middle, CENTRE))})
    image, mask = exam.write(tmp_path)
    native, grid = grids_of_case("exam", mask, CROP)
    write_nifti(on_grid(corner(), grid, native), native, tmp_path / "heat.nii.gz")

    heat = sitk.ReadImage(str(tmp_path / "heat.nii.gz"))
    like = sitk.ReadImage(str(image))
    assert heat.GetSize() == like.GetSize()
    for name in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(heat, name)(), getattr(like, name)(), atol=1e-4)
    np.testing.assert_allclose(
        nibabel.load(tmp_path / "heat.nii.gz").affine, nibabel.load(image).affine, atol=1e-3
    )
    hot = np.argwhere(sitk.GetArrayFromImage(heat) > 0.5)[:, ::-1]
    places = np.array([heat.TransformIndexToPhysicalPoint(index.tolist()) for index in hot])
    away = places - exam.centre
    assert (away > CORNER_MM[:, 0] - 0.6).all() and (away < CORNER_MM[:, 1] + 0.6).all()
    values = sitk.GetArrayFromImage(heat)
    assert values.min() == 0 and values.max() == pytest.approx(1)
    index = np.argwhere(values > 0)
    weights = values[tuple(index.T)]
    mean = (weights[:, None] * index).sum(axis=0) / weights.sum()
    middle = np.subtract(heat.TransformContinuousIndexToPhysicalPoint(mean[::-1].tolist()), exam.centre)
    np.testing.assert_allclose(middle, CORNER_MM.mean(axis=1), atol=max(spacing) / 2)
    assert weights.sum() * np.prod(spacing) == pytest.approx(np.prod(np.ptp(CORNER_MM, axis=1)), rel=0.15)


def test_beyond_the_crop_there_is_no_heat(tmp_path: Path) -> None:
    _, mask = Exam().write(tmp_path)
    native, grid = grids_of_case("exam", mask, CROP)
    heat = on_grid(np.ones(CROP.shape, np.float32), grid, native)
    assert heat.shape == (72, 72, 72)
    assert heat.sum() == pytest.approx(36**3, rel=0.03) and heat[0].max() == 0
