"""Several phases kept side by side, and volumes of both breasts cut to the side with the lesion."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder
from bench.cohorts.folder import load_folder
from bench.cohorts.importers.dicom.exams import DicomImporter
from bench.cohorts.importers.dicom.several import image_names
from bench.cohorts.importers.dicom.side import BOTH_BREASTS_MM, MARGIN_MM, cut_to_side
from bench.cohorts.importers.run_import import import_cohort
from bench.cohorts.importers.scan import identifying_strings, scan
from bench.errors import CohortError, UsageError
from bench.imaging.crop import Crop
from bench.imaging.grid import Grid
from bench.imaging.volume import as_image
from tests.cohorts.dicom_exams import Exam, labels, lesion, segmentation, slices, voxels, write

TURNED = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
SAGITTAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def exam_files(folder: Path, exam: Exam) -> Path:
    write(folder / exam.patient, [*slices(exam), segmentation(exam, lesion().astype(int))], shuffle=3)
    return folder


def test_phases_are_called_by_what_they_are_and_the_first_after_contrast_is_read_first() -> None:
    assert list(image_names(("pre", "post2", "post1"))) == ["post1", "pre", "post2"]
    assert list(image_names(("pre", "first-post"))) == ["post1", "pre"]
    assert list(image_names(("0", "2.5min"))) == ["phase0", "min2_5"]
    assert list(image_names(("pre",))) == ["pre"] and not image_names(())
    with pytest.raises(UsageError, match="'first-post' and 'post1' are one phase"):
        image_names(("post1", "first-post"))
    with pytest.raises(UsageError, match="is no phase"):
        image_names(("early",))


@pytest.mark.parametrize("one_series", [True, False], ids=["one series", "a series each"])
def test_several_phases_of_an_exam_are_kept_with_the_evidence(one_series: bool, tmp_path: Path) -> None:
    root = exam_files(tmp_path / "in", Exam("BR-07", phases=4, one_series=one_series))
    importer = DicomImporter(root, labels(tmp_path, "BR-07"), phases=("pre", "post1", "post3"))
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.images == ("post1", "pre", "post3")
    (found,), (case,) = report.evidence.values(), cohort.case_ids
    volume = cohort.volume(case)
    for name, phase in (("pre", 0), ("post1", 1), ("post3", 3)):
        np.testing.assert_array_equal(volume.array(name), voxels(phase))
        kept = found["kept"][name]
        assert (kept["phase_number"], kept["minutes"]) == (phase, 2 * phase)
        assert kept["mean_in_mask"] == pytest.approx(voxels(phase)[lesion()].mean(), abs=0.1)
        assert "phase 1 is" in kept["evidence"]
    np.testing.assert_array_equal(volume.array("image"), voxels(1))
    assert cohort.covariates("acquisition")["minutes_after_first_phase"].tolist() == [2]
    assert {one.kind for one in check_folder(tmp_path / "out", quiet=True).violations} <= {
        "task without contrast",
        "lesion at the border",
    }
    rise = cohort.crops(Crop(8, 1, ("post1-pre",)))[0][0]
    assert rise[3:5, 3:5, 3:5].min() > 3 * abs(np.median(rise[0]))
    assert scan(tmp_path / "out", identifying_strings(root)) == []


@pytest.mark.parametrize(
    ("phases", "words"), [(("post1", "post4"), "no such phase"), (("pre", "2min", "post1"), "are one")]
)
def test_a_study_without_the_phases_asked_for_is_left_out(
    phases: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    root = exam_files(tmp_path / "in", Exam("BR-07", phases=3))
    with pytest.raises(CohortError, match=words):
        import_cohort(
            DicomImporter(root, labels(tmp_path, "BR-07"), phases=phases), tmp_path / "out", quiet=True
        )


def test_one_phase_or_several_are_asked_for_not_both(tmp_path: Path) -> None:
    root = exam_files(tmp_path / "in", Exam("BR-07"))
    importer = DicomImporter(root, labels(tmp_path, "BR-07"), phases=("pre", "post1"), phase="post2")
    with pytest.raises(UsageError, match="not both"):
        importer.card()


def breasts(direction: np.ndarray, spacing: tuple[float, ...] = (0.9, 0.9, 3.0)) -> Grid:
    """A grid of both breasts, 360 mm from right to left."""
    along = int(np.abs(direction[0]).argmax())
    size = np.array([60, 50, 40])
    size[along] = round(360 / spacing[along])
    return Grid(
        size, np.array(spacing), np.array([-180.0, -90.0, -60.0]) * np.sign(direction.sum(axis=1)), direction
    )


DIRECTIONS = {
    "axial": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "oblique": TURNED,
    "sagittal slices": SAGITTAL,
}


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("share", [0.2, 0.75], ids=["low", "high"])
def test_a_volume_of_both_breasts_is_cut_to_the_one_with_the_lesion(name: str, share: float) -> None:
    direction = DIRECTIONS[name]
    grid = breasts(direction)
    along = int(np.abs(direction[0]).argmax())
    at = [int(length) // 2 for length in grid.size]
    at[along] = int(share * grid.size[along])
    inside = np.zeros(grid.size[::-1], bool)
    x, y, z = at
    inside[z - 2 : z + 2, y - 3 : y + 3, x - 4 : x + 4] = True
    draw = np.random.default_rng(0).normal(size=inside.shape).astype(np.float32)
    whole, cut = as_image(draw, grid), cut_to_side(inside, grid)
    image, mask = cut.of(whole), cut.of(as_image(inside.astype(np.uint8), grid))
    assert np.count_nonzero(sitk.GetArrayViewFromImage(mask)) == inside.sum()
    assert abs(image.GetSize()[along] - grid.size[along] / 2) <= 1
    corner = [int(length) - 1 for length in image.GetSize()]
    for index in ((0, 0, 0), corner):
        point = image.TransformIndexToPhysicalPoint([int(one) for one in index])
        before = whole.TransformPhysicalPointToIndex(point)
        assert image[[int(one) for one in index]] == whole[before]
        np.testing.assert_allclose(whole.TransformIndexToPhysicalPoint(before), point, atol=1e-6)
    assert image.GetDirection() == whole.GetDirection()
    middle, here = grid.corners()[:, 0].mean(), grid.points(np.array([at]))[0, 0]
    assert f"cut to the {'left' if here > middle else 'right'} half" in cut.evidence


def test_a_lesion_at_the_middle_moves_the_cut_beyond_it() -> None:
    grid = breasts(np.eye(3))
    inside = np.zeros(grid.size[::-1], bool)
    inside[20, 20, 150:206] = True
    cut = cut_to_side(inside, grid)
    assert cut.first[0] == 0 and cut.size[0] == 206 + int(np.ceil(MARGIN_MM / 0.9))


def test_a_volume_of_one_breast_is_not_cut(tmp_path: Path) -> None:
    root = exam_files(tmp_path / "in", Exam("BR-07"))
    importer = DicomImporter(root, labels(tmp_path, "BR-07"), side=True)
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    (found,) = report.evidence.values()
    assert found["side"].startswith("not cut: 16 mm wide") and BOTH_BREASTS_MM > 16
    (case,) = load_folder(tmp_path / "out").case_ids
    assert load_folder(tmp_path / "out").volume(case).array("image").shape == lesion().shape


def test_an_exam_of_both_breasts_is_imported_cut_in_every_phase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.cohorts.importers.dicom.side.BOTH_BREASTS_MM", 10)
    monkeypatch.setattr("bench.cohorts.importers.dicom.side.MARGIN_MM", 1.0)
    exam = Exam("BR-07", orientation=(0.96, 0.28, 0, -0.28, 0.96, 0))
    root = exam_files(tmp_path / "in", exam)
    table = labels(tmp_path, "BR-07")
    importer = DicomImporter(root, table, side=True, phases=("pre", "post1"))
    report = import_cohort(importer, tmp_path / "cut", quiet=True)
    import_cohort(DicomImporter(root, table, phases=("pre", "post1")), tmp_path / "whole", quiet=True)
    cut, whole = load_folder(tmp_path / "cut"), load_folder(tmp_path / "whole")
    (case,) = cut.case_ids
    assert "cut to the left half" in next(iter(report.evidence.values()))["side"]
    small = cut.volume(case)
    assert small.mask.GetSize()[0] < 24 and small.array("mask").sum() == lesion().sum()
    crop = Crop(6, 1, ("post1", "pre", "mask"))
    inner = (slice(None), slice(None), slice(1, 5), slice(1, 5), slice(1, 5))
    np.testing.assert_array_equal(cut.crops(crop)[:][:, 2], whole.crops(crop)[:][:, 2])
    np.testing.assert_allclose(cut.crops(crop)[:][inner], whole.crops(crop)[:][inner], atol=0.02)


def test_a_real_exam_keeps_its_phases_and_the_lesion_brightens(real_data: Path, tmp_path: Path) -> None:
    root, table = real_data / "ucsf_br_06", labels(tmp_path, "UCSF-BR-06")
    importer = DicomImporter(root, table, phases=("pre", "post1", "post2"), side=True)
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    (found,) = report.evidence.values()
    kept = [found["kept"][name] for name in ("pre", "post1", "post2")]
    assert [one["phase_number"] for one in kept] == [0, 1, 2]
    means = [one["mean_in_mask"] for one in kept]
    assert means == sorted(means) and means[1] > 1.5 * means[0]
    assert found["side"].startswith("not cut: 118 mm wide")
    header = tmp_path / "out" / "cohort.toml"
    header.write_text(header.read_text().replace('kind = "binary"', 'kind = "binary"\nranked = false'))
    assert check_folder(tmp_path / "out", quiet=True).would_run
