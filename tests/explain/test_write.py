"""What is written of a case: a known corner comes out in the right place, in the file and on the sheet."""

import json
from pathlib import Path
from typing import Any, cast

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.image import imread

from bench.cohorts.cohort import Cohort
from bench.explain.case import ExplainedCase, explain_case
from bench.explain.models import RowModels
from bench.explain.run import explain_into
from bench.explain.way import Way
from bench.explain.write import heat_file, sheet_of
from bench.imaging.crop import Crop
from bench.running.plan import Plan

CROP = Crop(size_mm=40, spacing_mm=2)
# Of the crop's centre: to the left, to the back and to the head (mm, LPS), no two edges alike.
CORNER_MM = np.array([[-2.0, 18.0], [-2.0, 14.0], [-2.0, 10.0]])


class Corner:
    """A method whose map is one corner of the crop."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        cohort.crops(CROP)
        return {task.name: np.full(len(cohort), 0.25) for task in cohort.tasks}

    def explain(self, cohort: Cohort) -> np.ndarray:
        axis = (np.arange(20) - 9.5) * 2
        x, y, z = ((axis > low) & (axis < high) for low, high in CORNER_MM)
        box = z[:, None, None] & y[:, None] & x
        return np.repeat(box[None].astype(float), len(cohort.crops(CROP)), axis=0)


@pytest.fixture
def models(planned: Plan) -> RowModels:
    return RowModels("corner", "corner", {(0, 0): Path()}, planned.split, lambda folder: cast(Any, Corner()))


def explained(models: RowModels, cohort: Cohort, case_id: str) -> ExplainedCase:
    return explain_case(models, cohort, case_id, cohort.tasks, checks=False)


@pytest.mark.parametrize("site", ["A", "B", "C", "D"])  # straight, flipped, sagittal and oblique
def test_a_known_corner_lies_where_it_belongs(
    site: str, models: RowModels, tiny: Cohort, tmp_path: Path
) -> None:
    case_id = tiny.case_ids[list(tiny.sites).index(site)]
    paths = explain_into(tmp_path, models, tiny, [case_id], tiny.tasks, Way.auto, False, lambda *_: None)[1]
    assert [path.name for path in paths] == [f"{case_id}_heat.nii.gz", f"{case_id}.png", "explanations.json"]
    heat, image = sitk.ReadImage(str(paths[0])), tiny.volume(case_id).image
    assert heat.GetSize() == image.GetSize()
    np.testing.assert_allclose(heat.GetDirection(), image.GetDirection(), atol=1e-4)
    mask = sitk.GetArrayFromImage(tiny.volume(case_id).mask) > 0
    places = [
        np.array([heat.TransformIndexToPhysicalPoint(index[::-1].tolist()) for index in np.argwhere(where)])
        for where in (mask, sitk.GetArrayFromImage(heat) > 0.5)
    ]
    middle = (places[0].min(axis=0) + places[0].max(axis=0)) / 2
    low, high = places[1].min(axis=0) - middle, places[1].max(axis=0) - middle
    edge = max(image.GetSpacing())
    np.testing.assert_allclose(low, CORNER_MM[:, 0], atol=1 + edge)
    np.testing.assert_allclose(high, CORNER_MM[:, 1], atol=1 + edge)
    assert imread(paths[1]).shape[1] > 1000
    _require_one_place_for_every_reader(paths[0], heat)


def _require_one_place_for_every_reader(path: Path, heat: sitk.Image) -> None:
    """ITK, with which 3D Slicer reads NIfTI (LPS), and nibabel (RAS) put each voxel into the same place.

    By either of the two transforms that a NIfTI header has.
    """
    image = nibabel.load(path)
    assert np.array_equal(np.asarray(image.dataobj).T, sitk.GetArrayFromImage(heat))
    for place, code in (image.header.get_qform(coded=True), image.header.get_sform(coded=True)):
        assert code > 0
        for index in np.argwhere(sitk.GetArrayFromImage(heat) > 0.5)[:, ::-1]:
            right, front, head = nibabel.affines.apply_affine(place, index)
            itk = heat.TransformIndexToPhysicalPoint(index.tolist())
            np.testing.assert_allclose((-right, -front, head), itk, atol=1e-2)


def test_the_sheet_shows_it_in_radiological_convention(models: RowModels, tiny: Cohort) -> None:
    case_id = tiny.case_ids[-1]
    sheet = sheet_of(models, tiny, explained(models, tiny, case_id))
    assert sheet.synthetic and f"case {case_id}" in sheet.title and "no direction" not in sheet.notes
    (name,) = sheet.heats  # one map for all tasks
    assert name.startswith("ER: predicted 0.25, truth ") and "Ki-67: predicted 0.2" in name
    axial, coronal, sagittal = (np.argwhere(heat > 0.5).mean(axis=0) - 23.5 for heat in sheet.heats[name])
    assert axial[0] > 3 and axial[1] > 3  # towards the back below, the left on the right
    assert coronal[0] < -2 and coronal[1] > 3  # the head on top
    assert sagittal[0] < -2 and sagittal[1] > 3  # the back on the right


def test_the_facts_name_the_files_and_how_they_were_made(
    models: RowModels, tiny: Cohort, tmp_path: Path
) -> None:
    explain_into(tmp_path, models, tiny, [tiny.case_ids[0]], tiny.tasks[:1], Way.auto, True, lambda *_: None)
    facts = json.loads((tmp_path / "explanations.json").read_text())
    said = facts["cases"][0]["tasks"]["er"]
    assert said["file"] == heat_file(tiny.case_ids[0], "er", Way.own) and (tmp_path / said["file"]).is_file()
    assert said["made_by"].startswith("the method's own explain()") and said["voxel_mm"] == 2.0
    assert said["faithfulness"] == [None]  # nothing changes this prediction
    assert heat_file("a/b", "er", Way.gradients) == "a%2Fb_er_heat.nii.gz"
