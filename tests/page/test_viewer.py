"""The viewer in the page: which volumes it gets, that it lays them in the right place, and a real browser."""

import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import ImageError, UsageError
from bench.explain.stored import stored_heats
from bench.imaging.onto_image import grids_of_case, on_grid, write_nifti
from bench.page.case_pictures import CROP, case_planes, heated, picture_png
from bench.page.case_volumes import NIIVUE, CaseVolumes, bounded, case_volumes, heat_planes, window_bytes
from bench.page.html import Shots, page
from bench.report.cases import case_reports
from bench.report.full_report import full_report
from bench.running.plan import Plan
from bench.store.collect import results_of_store
from tests.command import bench
from tests.page.browser import CHROMIUM, NO_WEBGL, opened
from tests.page.reports import simulated


def opened_volume(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


def corner_file(cohort: Cohort, case_id: str, path: Path) -> None:
    """A heat map on the image's grid that is 1 in the corner towards left, back and head of the crop."""
    _, mask = cohort.crop_source().paths(case_id)
    native, grid = grids_of_case(case_id, mask, CROP)
    corner = np.zeros(CROP.shape, np.float32)
    corner[30:, 34:, 38:] = 1
    write_nifti(on_grid(corner, grid, native), native, path)


@pytest.mark.parametrize("site", ["A", "B", "C", "D"])
def test_volumes_lie_on_the_grid_of_the_pictures_whatever_grid_the_image_has(
    site: str, tiny: Cohort, tmp_path: Path
) -> None:
    case_id = tiny.case_ids[list(tiny.sites).index(site)]
    corner_file(tiny, case_id, tmp_path / "heat.nii.gz")
    heats = {"corner": tmp_path / "heat.nii.gz"}
    volumes = case_volumes(tiny, case_id, heats)
    image, outline, heat = map(opened_volume, (volumes.image, volumes.outline, volumes.heats["corner"]))
    for one in (image, outline, heat):
        assert one.shape == (48, 48, 48) and one.get_data_dtype() == np.uint8
        np.testing.assert_allclose(one.affine, image.affine)
    # x of NIfTI runs to the right here, so that the crop's left is its first end: RAS against LPS.
    assert np.diag(image.affine)[:3] == pytest.approx([-1, -1, 1])
    hot = np.argwhere(np.asarray(heat.dataobj) > 127)
    assert hot.min(axis=0) == pytest.approx([38, 34, 30], abs=1) and hot.max(axis=0) == pytest.approx(
        [47, 47, 47], abs=1
    )
    assert 0 < np.asarray(outline.dataobj).sum() < np.asarray(image.dataobj).size / 20
    axial, _, sagittal = heat_planes(tiny, case_id, {"corner": tmp_path / "heat.nii.gz"})[0]
    assert axial.shape == (48, 48) and sagittal.shape == (48, 48)


def test_a_picture_has_a_row_a_map_and_the_outline_on_top(tiny: Cohort) -> None:
    planes = case_planes(tiny, tiny.case_ids[0])
    everywhere = np.ones((48, 48))
    row = heated(planes[0], everywhere)
    plain = heated(planes[0], 0 * everywhere)
    changed = (row != plain).any(axis=2)
    assert 0.8 < changed.mean() < 1  # all but the outline
    one, two = (
        int.from_bytes(picture_png(planes, heats)[20:24], "big")
        for heats in ([], [[everywhere, everywhere, everywhere]])
    )
    assert two == 2 * one


def volumes(heat: str = "maps & <more>") -> CaseVolumes:
    return CaseVolumes(b"image" * 200, b"outline", {heat: b"heat"})


def test_a_page_holds_what_fits_into_its_bound() -> None:
    size = len(volumes().to_json())
    made = {name: volumes() for name in "abc"}
    assert list(bounded(made, 2 * size)) == ["a", "b"]
    assert bounded(made, size - 1) == {}
    assert json.loads(bounded(made)["a"])["heats"][0]["name"] == "maps & <more>"


def test_an_anonymous_page_has_no_picture_volume_or_id() -> None:
    report = replace(full_report(simulated(), cases=3), tasks=(), subtypes=None, sites=None)
    ids = [case.case_id for case in report.cases]
    shots = Shots(dict.fromkeys(ids, b"\x89PNG"), dict.fromkeys(ids, volumes()), dict.fromkeys(ids, ("map",)))
    shown, hidden = page(report, shots), page(report, shots, anonymous=True)
    assert shown.count('class="volumes"') == 3 and 'id="niivue"' in shown and "</script><more>" not in shown
    assert "3 of the 3 cases have it" in shown and "BSD 2-Clause" in shown and "Fergus" not in shown
    for word in (*ids, "data:image/png", 'class="volumes"', 'id="niivue"', "Look inside"):
        assert word not in hidden.split('id="cases"')[1]


def test_the_script_of_the_viewer_is_the_published_one() -> None:
    script = gzip.decompress((NIIVUE / "niivue.umd.js.gz").read_bytes())
    stated = re.search(r"`([0-9a-f]{64})`", (NIIVUE / "README.md").read_text(encoding="utf-8"))
    assert stated and hashlib.sha256(script).hexdigest() == stated[1]
    assert "BSD 2-Clause" in (NIIVUE / "LICENSE.txt").read_text(encoding="utf-8")
    assert 0 < window_bytes()[0] < window_bytes()[1] < 255


def test_a_folder_without_explanations_or_of_another_cohort_is_refused(tiny: Cohort, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"explanations.json cannot be read .* `bench explain` writes it"):
        stored_heats([tmp_path], tiny.name)
    (tmp_path / "explanations.json").write_text(json.dumps({"cohort": "other", "cases": []}))
    with pytest.raises(UsageError, match="explains cases of other, expected phantom-tiny"):
        stored_heats([tmp_path], tiny.name)
    (tmp_path / "torn.nii.gz").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"heat map .*torn.nii.gz cannot be read"):
        case_volumes(tiny, tiny.case_ids[0], {"one": tmp_path / "torn.nii.gz"})


@pytest.fixture(scope="module")
def report(planned: Plan, tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of real volumes, whose first case has a map of a corner."""
    folder = tmp_path_factory.mktemp("report")
    given = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(planned.store.folder))
    words = (*given, "--cases", "3", "--out", "report.html")
    first, *_ = case_reports(results_of_store(planned.cohort, planned.split, planned.store), 3)
    (folder / "maps").mkdir()
    corner_file(tiny, first.case_id, folder / "maps" / "corner.nii.gz")
    case = {"case": first.case_id, "tasks": {"er": {"file": "corner.nii.gz"}}}
    facts = {"cohort": tiny.name, "method": "corner", "cases": [case]}
    (folder / "maps" / "explanations.json").write_text(json.dumps(facts))
    made = bench("report", *words, "--explained", "maps", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "report.html"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("width", [1440, 390])
def test_a_browser_shows_the_crop_and_obeys_keys_without_network_and_error(
    width: int, report: Path, tmp_path: Path
) -> None:
    with opened(report, tmp_path / "profile", width) as shown:
        assert shown.run("document.querySelectorAll('button.inside:not([hidden])').length") == 3
        shown.run("document.querySelector('button.inside').click()")
        shown.until("Boolean(document.getElementById('viewer').dataset.shows)")
        said = "document.querySelector('#viewer output').textContent"
        assert "axial 25, coronal 25, sagittal 25. Window: 87 to 164" in shown.run(said)
        before = shown.picture()
        for key in ("ArrowUp", "ArrowUp", "PageUp", "ArrowLeft", "]"):
            shown.press(key)
        assert "axial 27, coronal 26, sagittal 26. Window: 83 to 160" in shown.run(said)
        assert shown.picture() != before
        assert shown.run("document.querySelector('#viewer select').selectedOptions[0].text") == "corner, er"
        assert shown.run("document.documentElement.scrollWidth") == width
        shown.press("Escape")
        assert shown.run("document.getElementById('viewer').hidden")
        assert shown.run("document.activeElement.className") == "inside"
        assert shown.console == []
        assert [one for one in shown.asked if not one.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_without_webgl_the_pictures_are_left(report: Path, tmp_path: Path) -> None:
    with opened(report, tmp_path / "profile", graphics=NO_WEBGL) as shown:
        assert shown.run("document.querySelectorAll('button.inside:not([hidden])').length") == 0
        assert shown.run("document.querySelectorAll('img.shown').length") == 3
        assert shown.run("document.getElementById('viewer').hidden")
