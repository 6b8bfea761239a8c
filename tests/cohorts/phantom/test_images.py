"""The images of the phantom: what is visible where, and their geometry."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import label as components

from bench.cohorts.folder import load_folder
from bench.cohorts.phantom.anatomy import draw_structure, render, smooth_field
from bench.cohorts.phantom.scanner import SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES


def test_a_smooth_field_has_variance_one_and_the_stated_correlation() -> None:
    axes = (np.arange(0, 60, 1.5), np.arange(0, 60, 1.0), np.arange(0, 60, 1.0))
    rng = np.random.default_rng(0)
    fields = np.stack([smooth_field(rng, axes, 1.5) for _ in range(20)])
    assert fields.var() == pytest.approx(1.0, abs=0.03)
    for axis, step in ((1, 1.5), (3, 1.0)):
        apart = 2
        one, other = np.take(fields, range(30), axis), np.take(fields, range(apart, 30 + apart), axis)
        assert np.mean(one * other) == pytest.approx(np.exp(-((apart * step) ** 2) / (4 * 1.5**2)), abs=0.03)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_each_attribute_is_visible_in_its_own_place(name: str) -> None:
    axes = (np.arange(-28, 28, 1.5),) * 3
    structure = draw_structure(np.random.default_rng(4), axes, 0.0)
    typical = {n: a.quantity(0.0) for n, a in ATTRIBUTES.items()}
    pair = [render(structure, typical | {name: ATTRIBUTES[name].quantity(x)})[0] for x in (-1.5, 1.5)]
    change = np.abs(pair[1] - pair[0])
    depth = np.linalg.norm(structure.position, axis=0) / typical["size_radius"]
    places = {
        "core": depth < 0.9,
        "rim": (depth > 0.4) & (depth < 1.3),
        "texture": depth < 1.3,
        "surround": depth > 0.7,
        "margin": (depth > 0.7) & (depth < 2.5),
        "size": depth < 3.0,
    }
    own = places[ATTRIBUTES[name].place]
    noise = max(site.noise for site in SITES.values())
    assert np.sum(change[own] > noise) > 30
    assert change[~own].sum() < 0.2 * change.sum()


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_quantity_rises_strictly_with_its_parameter_within_its_range(name: str) -> None:
    values = [ATTRIBUTES[name].quantity(x) for x in np.linspace(-5, 5, 21)]
    assert (np.diff(values) > 0).all()
    assert ATTRIBUTES[name].low < values[0] < values[-1] < ATTRIBUTES[name].high


def test_the_radius_is_that_of_the_sphere_of_equal_volume() -> None:
    axes = (np.arange(-24, 24, 1.2),) * 3
    typical = {n: a.quantity(0.0) for n, a in ATTRIBUTES.items()}
    for radius in (6.0, 9.0, 13.0):
        masks = [
            render(draw_structure(np.random.default_rng(k), axes, 0.0), typical | {"size_radius": radius})[1]
            for k in range(5)
        ]
        measured = [1.2 * (mask.sum() * 3 / (4 * np.pi)) ** (1 / 3) for mask in masks]
        assert np.mean(measured) == pytest.approx(radius, rel=0.05)


def test_every_volume_has_its_sites_geometry_and_one_lesion(few: Path) -> None:
    cohort = load_folder(few / "cohort")
    for case_id, site_name in zip(cohort.case_ids, cohort.sites, strict=True):
        site = SITES[site_name]
        image, mask = (
            sitk.ReadImage(str(few / "cohort" / cohort.files.loc[case_id, kind]))
            for kind in ("image", "mask")
        )
        assert image.GetPixelID() == sitk.sitkInt16
        assert image.GetSpacing() == pytest.approx(site.spacing[::-1])
        assert image.GetDirection() == pytest.approx(np.ravel(site.direction), abs=1e-5)
        assert mask.GetOrigin() == pytest.approx(image.GetOrigin())
        assert components(sitk.GetArrayFromImage(mask))[1] == 1


def test_a_cube_of_48_mm_round_the_lesion_lies_inside_the_image(few: Path) -> None:
    for path in sorted((few / "cohort" / "images").glob("*_mask.nii.gz")):
        mask = sitk.ReadImage(str(path))
        inside = np.argwhere(sitk.GetArrayFromImage(mask))[:, ::-1]
        points = np.array([mask.TransformIndexToPhysicalPoint([int(i) for i in index]) for index in inside])
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        corners = centre + 24 * (2 * np.array(list(np.ndindex(2, 2, 2))) - 1)
        index = np.array(
            [mask.TransformPhysicalPointToContinuousIndex([float(v) for v in c]) for c in corners]
        )
        assert (index >= -0.5).all()
        assert (index <= np.array(mask.GetSize()) - 0.5).all()


def test_sites_are_stored_in_different_orientations() -> None:
    assert len({site.direction for site in SITES.values()}) == 4
    for site in SITES.values():
        direction = np.array(site.direction)
        assert direction @ direction.T == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(direction) == pytest.approx(1.0)
