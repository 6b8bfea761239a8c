import numpy as np
import pytest
import SimpleITK as sitk

from bench.imaging.distance import signed_distance


def test_a_face_is_half_a_voxel_from_the_centres_on_either_side_along_every_axis() -> None:
    for axis in range(3):
        lesion = np.zeros((9, 9, 9), bool)
        block = [slice(1, 8)] * 3
        block[axis] = slice(4, 8)
        lesion[tuple(block)] = True
        spacing = np.array([12.0, 0.5, 0.7])
        line = [4, 4, 4]
        line[axis] = 3
        assert signed_distance(lesion, spacing)[tuple(line)] == pytest.approx(spacing[axis] / 2)
    lesion = np.zeros((5, 40, 40), bool)
    lesion[2:4, 10:30, 10:30] = True
    inside = signed_distance(lesion, np.array([12.0, 0.5, 0.5]))[2:4, 20, 20]
    np.testing.assert_allclose(inside, -4.75)  # in-plane: nine voxels of 0.5 mm and a half


def test_it_lies_within_half_a_voxel_of_the_distance_between_centres() -> None:
    rng = np.random.default_rng(0)
    lesion = np.zeros((20, 24, 28), bool)
    lesion[4:16, 4:20, 4:24] = rng.random((12, 16, 20)) < 0.2
    spacing = np.array([3.0, 1.0, 0.8])
    image = sitk.GetImageFromArray(lesion.astype(np.uint8))
    image.SetSpacing(spacing[::-1].tolist())
    centres = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    )
    off = (centres - signed_distance(lesion, spacing))[~lesion]
    assert off.min() >= 0.4 - 1e-5
    assert off.max() <= 1.5 + 1e-5


def test_distances_to_a_sphere_are_right_to_a_third_of_a_millimetre() -> None:
    spacing = np.array([1.5, 0.8, 0.8])
    places = [(np.arange(n) - (n - 1) / 2 + 0.2) * s for n, s in zip((32, 60, 60), spacing, strict=True)]
    true = np.sqrt(places[0][:, None, None] ** 2 + places[1][:, None] ** 2 + places[2] ** 2) - 9
    error = signed_distance(true <= 0, spacing) - true
    near = (true > -6) & (true < 9)
    assert np.sqrt((error[near] ** 2).mean()) < 0.34
    assert abs(error[near].mean()) < 0.25
