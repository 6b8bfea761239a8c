from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.errors import CohortError
from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop, smoothing_mm
from bench.imaging.intensity import normalise
from tests.imaging.imaging_exams import OBLIQUE, Exam, anatomy

CROP = Crop(size_mm=36, spacing_mm=1.5)
FLIPPED = np.diag([-1.0, 1.0, -1.0])
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])


def cut(exam: Exam, folder: Path, crop: Crop = CROP) -> np.ndarray:
    return cut_crop("exam", *exam.write(folder), crop)


def distance_to(centre: tuple[float, float, float], radius: float, crop: Crop) -> np.ndarray:
    """Signed distance to a sphere on the grid of a crop round the origin, (z, y, x)."""
    axis = (np.arange(crop.shape[0]) - (crop.shape[0] - 1) / 2) * crop.spacing_mm
    x, y, z = centre
    return np.sqrt((axis[:, None, None] - z) ** 2 + (axis[:, None] - y) ** 2 + (axis - x) ** 2) - radius


@pytest.mark.parametrize("direction", [FLIPPED, SAGITTAL, OBLIQUE, OBLIQUE @ SAGITTAL])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.9, 0.9, 1.8)])
def test_a_patient_gives_the_same_crop_whatever_way_the_scanner_laid_the_grid(
    tmp_path: Path, direction: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    size = tuple(round(72 / step) for step in spacing)
    straight = cut(Exam(spacing=spacing, size=size), tmp_path)
    turned = cut(Exam(spacing=spacing, size=size, direction=direction), tmp_path)
    image, mask, distance = np.abs(turned - straight)
    assert np.percentile(image, 99) < 0.06  # of the span from median to 99th percentile
    assert mask.mean() < 0.01
    assert np.median(distance) < 0.2


def test_the_axes_are_those_of_the_patient_towards_head_back_and_left(tmp_path: Path) -> None:
    for axis, place in enumerate((2, 1, 0)):
        image, _, _ = cut(
            Exam(values=lambda points, place=place: 10 * points[:, place], direction=OBLIQUE), tmp_path
        )
        slopes = [np.diff(image, axis=a).mean() for a in range(3)]
        assert int(np.argmax(np.abs(slopes))) == axis
        assert slopes[axis] > 0


@pytest.mark.parametrize(
    ("spacing", "volume_error", "distance_error"),
    [
        ((0.7, 0.7, 1.5), 0.04, 0.4),
        ((1.2, 1.2, 1.2), 0.05, 0.4),
        ((0.5, 0.5, 3.0), 0.08, 0.7),
        ((0.8, 0.8, 6.0), 0.05, 1.2),
    ],
)
@pytest.mark.parametrize("direction", [None, OBLIQUE])
def test_a_sphere_keeps_its_volume_and_distances(
    tmp_path: Path,
    spacing: tuple[float, float, float],
    volume_error: float,
    distance_error: float,
    direction: np.ndarray | None,
) -> None:
    radius, size = 13.0, tuple(round(66 / step) for step in spacing)
    _, mask, distance = cut(Exam(radius, spacing=spacing, size=size, direction=direction), tmp_path)
    volume = mask.sum() * CROP.spacing_mm**3
    assert volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=volume_error)
    true = distance_to((0, 0, 0), radius, CROP)
    near = (true > -6) & (true < 9)
    assert np.sqrt(((distance - true)[near] ** 2).mean()) < distance_error
    assert ((distance <= 0) == mask.astype(bool)).all()


def test_the_crop_is_what_resampling_the_whole_volume_gives(tmp_path: Path) -> None:
    exam = Exam(centre=(4, -6, 3), spacing=(1.5, 1.6, 3.0), size=(50, 46, 24), direction=OBLIQUE)
    image_path, mask_path = exam.write(tmp_path)
    lesion = np.argwhere(sitk.GetArrayFromImage(exam.volumes()[1]))[:, ::-1]
    places = np.array(
        [exam.volumes()[1].TransformContinuousIndexToPhysicalPoint(i.tolist()) for i in lesion.astype(float)]
    )
    centre = (places.min(axis=0) + places.max(axis=0)) / 2
    origin = centre - (np.array(CROP.shape) - 1) / 2 * CROP.spacing_mm
    whole = sitk.Resample(
        sitk.Cast(sitk.ReadImage(str(image_path)), sitk.sitkFloat32),
        list(CROP.shape),
        sitk.Transform(),
        sitk.sitkLinear,
        origin.tolist(),
        [CROP.spacing_mm] * 3,
        np.eye(3).ravel().tolist(),
    )
    expected = normalise(sitk.GetArrayFromImage(whole), "exam")
    np.testing.assert_allclose(cut_crop("exam", image_path, mask_path, CROP)[0], expected, atol=1e-4)


def test_detail_finer_than_the_crop_is_smoothed_away_not_aliased(tmp_path: Path) -> None:
    def striped(points: np.ndarray) -> np.ndarray:
        return anatomy(points) + 60 * np.sin(2 * np.pi * points[:, 0] / 1.25)  # aliases to 7.5 mm at 1.5 mm

    exam = {"spacing": (0.5, 0.5, 1.5), "size": (140, 140, 48)}
    plain = cut(Exam(**exam), tmp_path)[0]
    stripes = cut(Exam(**exam, values=striped), tmp_path)[0]
    unguarded = (
        60 / np.sqrt(2) / 250
    )  # rough size of the stripes had they been picked up, in normalised units
    assert np.std(stripes - plain) < unguarded / 5


def test_smoothing_matches_resolutions_and_leaves_coarser_axes_alone() -> None:
    sigma = smoothing_mm(np.array([0.5, 1.5, 6.0]), 1.5)
    width = 2 * np.sqrt(2 * np.log(2)) * sigma[0]
    assert np.hypot(0.5, width) == pytest.approx(1.5)
    assert sigma[1:].tolist() == [0, 0]


def test_beyond_the_image_the_crop_holds_the_median_and_no_lesion(tmp_path: Path) -> None:
    exam = Exam(radius=6, centre=(-26, 0, 0), size=(60, 60, 60))  # the image ends at x = -30
    image, mask, distance = cut(exam, tmp_path)
    middle = (-29.5 - 20.5) / 2  # centres of the first and last lesion voxel along x
    x = middle + (np.arange(24) - 11.5) * 1.5
    assert (image[:, :, x < -30] == 0).all()
    assert np.median(image[:, :, x > -30]) == pytest.approx(0, abs=1e-5)
    assert (mask[:, :, x < -31] == 0).all()
    assert mask[:, :, (x > -30) & (x < -28)].any()
    assert (distance[:, :, x < -31] > 0).all()


def test_of_a_lesion_larger_than_the_crop_the_distances_count_the_boundary_outside(tmp_path: Path) -> None:
    small = Crop(size_mm=12, spacing_mm=1.5)
    _, mask, distance = cut(Exam(radius=20), tmp_path, small)
    assert mask.all()
    np.testing.assert_allclose(distance, distance_to((0, 0, 0), 20, small), atol=0.8)


def test_a_lesion_that_slips_between_the_voxels_of_the_crop_keeps_one(tmp_path: Path) -> None:
    _, mask, distance = cut(Exam(radius=0.1, spacing=(0.5, 0.5, 0.5), centre=(0.25, 0.25, 0.25)), tmp_path)
    assert mask.sum() == 1
    assert distance.min() == 0
    assert mask[11:13, 11:13, 11:13].sum() == 1


def test_the_declared_labels_of_a_mask_are_its_lesion(tmp_path: Path) -> None:
    image, mask = Exam().write(tmp_path)
    before = cut_crop("exam", image, mask, CROP)
    labels = sitk.ReadImage(str(mask), sitk.sitkInt16)
    labels[:, :36, :] = labels[:, :36, :] * 300
    sitk.WriteImage(labels, str(mask))
    with pytest.raises(CohortError, match=r"has 2 values other than 0 \(1, 300\).*lesion_label"):
        cut_crop("exam", image, mask, CROP)
    np.testing.assert_array_equal(cut_crop("exam", image, mask, CROP, (1, 300)), before)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha", ".nhdr", ".mhd"])
def test_the_file_format_does_not_change_the_crop(tmp_path: Path, suffix: str) -> None:
    exam = Exam(spacing=(0.9, 0.9, 2.5), size=(70, 70, 26), direction=OBLIQUE)
    expected = cut_crop("exam", *exam.write(tmp_path), CROP)
    got = cut_crop("exam", *exam.write(tmp_path, suffix=suffix), CROP)
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize(
    "kind", [sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64, sitk.sitkInt64]
)
def test_the_number_type_of_the_file_does_not_change_the_crop(tmp_path: Path, kind: int) -> None:
    image, mask = Exam().write(tmp_path)
    expected = cut_crop("exam", image, mask, CROP)
    for path in (image, mask):
        sitk.WriteImage(sitk.ReadImage(str(path), kind), str(path))
    np.testing.assert_allclose(cut_crop("exam", image, mask, CROP), expected, atol=1e-5)


def test_a_constant_image_is_an_error_that_names_the_case(tmp_path: Path) -> None:
    flat = Exam(values=lambda points: np.full(len(points), 7.0))
    with pytest.raises(CohortError, match=r"case 'exam': the image is constant .* both 7\)"):
        cut(flat, tmp_path)


def test_not_finite_voxels_are_an_error_that_names_the_case(tmp_path: Path) -> None:
    image, mask = Exam().write(tmp_path)
    broken = sitk.ReadImage(str(image), sitk.sitkFloat32)
    broken[36, 36, 36] = float("nan")
    sitk.WriteImage(broken, str(image))
    with pytest.raises(CohortError, match=r"case 'exam': image .* has 1 voxels that are NaN or infinite"):
        cut_crop("exam", image, mask, CROP)
