"""Phases of DICOM studies: order, choice, and every planted fault named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bench.cohorts.importers.dicom.choice import choose_phase, mean_intensity, require_phase
from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.headers import read_images
from bench.cohorts.importers.dicom.study import Dynamic, dynamic_of
from bench.cohorts.importers.dicom.volume import grid_of, read_phase, same_pixels
from bench.errors import UsageError
from tests.cohorts.dicom_exams import SHAPE, SPACING, TILT, Exam, enhanced, lesion, slices, voxels, write

FIRST, LAST = 0, SHAPE[0] - 1


def read(folder: Path, files: list[Dataset], series: str = "") -> Dynamic:
    images = [image for path in sorted(write(folder, files).iterdir()) for image in read_images(path)]
    return dynamic_of(images, same_pixels, series)


def chosen(dynamic: Dynamic, wanted: str = "first-post") -> tuple[int, float | None, str]:
    found = choose_phase(
        dynamic.phases, wanted, lambda at: mean_intensity(read_phase(dynamic.phases[at]), lesion())
    )
    return found.place, found.minutes, found.evidence


def drop(*fields: str, **values: object) -> Callable[[list[Dataset]], list[Dataset]]:
    """Files without some fields, and others set."""

    def changed(files: list[Dataset]) -> list[Dataset]:
        for file in files:
            for name in fields:
                delattr(file, name)
            for name, value in values.items():
                setattr(file, name, value)
        return files

    return changed


def in_order(dynamic: Dynamic, phases: int = 3) -> bool:
    found = [read_phase(phase) for phase in dynamic.phases]
    return len(found) == phases and all(np.array_equal(one, voxels(at)) for at, one in enumerate(found))


@pytest.mark.parametrize("exam", [Exam(), Exam(one_series=False), Exam(orientation=TILT)])
def test_phases_of_files_with_names_of_chance_come_in_the_order_of_time(exam: Exam, tmp_path: Path) -> None:
    dynamic = read(tmp_path, slices(exam))
    assert in_order(dynamic)
    assert chosen(dynamic)[:2] == (1, 2.0)


def test_an_oblique_volume_keeps_its_orientation_and_place(tmp_path: Path) -> None:
    exam = Exam(orientation=TILT)
    grid = grid_of(read(tmp_path, slices(exam)).phases[0].images)
    np.testing.assert_allclose(grid.direction, np.stack([TILT[:3], TILT[3:], exam.normal], axis=1), atol=1e-6)
    np.testing.assert_allclose(grid.origin, exam.position(0))
    np.testing.assert_allclose(grid.spacing, SPACING[::-1])
    far = np.array(exam.position(LAST)) + 23 * 0.7 * np.array(TILT[:3]) + 19 * 0.8 * np.array(TILT[3:])
    np.testing.assert_allclose(grid.points(np.array([[23, 19, LAST]]))[0], far, atol=1e-5)


def test_what_tells_phases_apart_is_whichever_field_is_consistent(tmp_path: Path) -> None:
    files = drop("AcquisitionTime", "ContentTime")(slices(Exam()))
    for at, file in enumerate(files):
        file.AcquisitionNumber = (0, 2, 5)[at // SHAPE[0]]
        file.TriggerTime = 1000  # the same everywhere, so it tells nothing
    assert in_order(read(tmp_path / "numbers", files))
    for at, file in enumerate(files):
        del file.AcquisitionNumber
        file.TemporalPositionIdentifier = 1 + at // SHAPE[0]
    assert in_order(read(tmp_path / "temporal", files))


def test_times_within_a_phase_may_differ(tmp_path: Path) -> None:
    """Four acquisition times for three phases: one of them was written in two parts."""
    files = slices(Exam())
    for file in files[SHAPE[0] : SHAPE[0] + 3]:
        file.AcquisitionTime = "100230"
    assert in_order(read(tmp_path, files))


def test_an_enhanced_multi_frame_file_is_the_same_study(tmp_path: Path) -> None:
    dynamic = read(tmp_path, [enhanced(Exam())])
    assert len(dynamic.phases) == 3 and chosen(dynamic)[:2] == (1, 2.0)
    for at, phase in enumerate(dynamic.phases):
        # Philips: stored values times the slope, divided by slope times scale slope.
        np.testing.assert_allclose(read_phase(phase), voxels(at) / 0.5)


def test_rescaling_is_applied(tmp_path: Path) -> None:
    exam = Exam(phases=1, header={"RescaleSlope": 2, "RescaleIntercept": -100})
    np.testing.assert_allclose(read_phase(read(tmp_path, slices(exam)).phases[0]), voxels(0) * 2.0 - 100)


def test_first_post_goes_by_contrast_tags_before_intensity(tmp_path: Path) -> None:
    files = slices(Exam())
    for at, file in enumerate(files):
        file.ContrastBolusAgent = "Gd" if at >= 2 * SHAPE[0] else "NONE"
    place, _, evidence = chosen(read(tmp_path, files))
    assert place == 2 and "contrast agent named from phase 2 on" in evidence


def test_a_phase_before_contrast_may_lack_the_field(tmp_path: Path) -> None:
    files = slices(Exam())
    for file in files[2 * SHAPE[0] :]:
        file.ContrastBolusAgent = "Gd"
    assert chosen(read(tmp_path, files))[0] == 2


def test_a_series_of_flip_angles_is_no_part_of_the_dynamic_study(tmp_path: Path) -> None:
    dynamic = slices(Exam())
    maps = [file for angle in (2, 5) for file in slices(Exam(phases=1, header={"FlipAngle": angle}))]
    for at, file in enumerate(maps):
        file.SeriesInstanceUID = generate_uid(entropy_srcs=[f"map {at // SHAPE[0]}"])
        file.SOPInstanceUID = generate_uid()
    assert in_order(read(tmp_path, [*dynamic, *maps]))


def test_phases_after_contrast_count_from_one() -> None:
    with pytest.raises(UsageError, match="'post0' is no phase"):
        require_phase("post0")


@pytest.mark.parametrize(
    ("wanted", "place"), [("pre", 0), ("post2", 2), ("0", 0), ("2", 2), ("3.9min", 2), ("1.2min", 1)]
)
def test_a_phase_is_chosen_by_name_number_or_minutes(wanted: str, place: int, tmp_path: Path) -> None:
    assert chosen(read(tmp_path, slices(Exam())), wanted)[0] == place


def test_phases_that_do_not_enhance_are_not_guessed(tmp_path: Path) -> None:
    files = slices(Exam())
    for at, file in enumerate(files):
        file.PixelData = voxels(0, seed=at // SHAPE[0])[at % SHAPE[0]].tobytes()
    with pytest.raises(Refused, match="which phase is the first after contrast is unclear"):
        chosen(read(tmp_path, files))


def test_a_lone_phase_without_a_contrast_tag_is_not_taken_for_one_after_contrast(tmp_path: Path) -> None:
    dynamic = read(tmp_path, slices(Exam(phases=1)))
    with pytest.raises(Refused, match="no header says that it is after contrast"):
        chosen(dynamic)
    assert chosen(dynamic, "0")[0] == 0


# Planted faults.


def test_a_slice_missing_from_one_phase_is_named(tmp_path: Path) -> None:
    files = slices(Exam())
    del files[SHAPE[0] + 4]
    dynamic = read(tmp_path, files)
    assert [bool(phase.fault) for phase in dynamic.phases] == [False, True, False]
    with pytest.raises(Refused, match="phase 1, series 1 of 1: slices are missing in between: 7 of 8"):
        chosen(dynamic)
    assert chosen(dynamic, "2")[0] == 2


def test_a_slice_missing_from_every_phase_is_named(tmp_path: Path) -> None:
    files = [file for at, file in enumerate(slices(Exam())) if at % SHAPE[0] != 4]
    with pytest.raises(Refused, match=r"5 mm between slices 4 and 5, 2.5 mm between most"):
        chosen(read(tmp_path, files))


@pytest.mark.parametrize("exam", [Exam(), Exam(one_series=False)])
def test_a_phase_that_is_cut_off_keeps_its_place_in_time(exam: Exam, tmp_path: Path) -> None:
    files = slices(exam)
    dynamic = read(tmp_path, files[: SHAPE[0]] + files[SHAPE[0] + 3 :])
    assert [phase.fault for phase in dynamic.phases] == ["", "slices are missing at an end", ""]
    with pytest.raises(Refused, match="5 of 8 slices"):
        chosen(dynamic, "post1")
    assert chosen(dynamic, "2")[0] == 2


@pytest.mark.parametrize("new_uid", [False, True])
def test_a_duplicated_slice_counts_once(new_uid: bool, tmp_path: Path) -> None:
    files = slices(Exam())
    copies = slices(replace(Exam(), study=files[0].StudyInstanceUID))[9:11]
    # The edge of a volume may be black in every phase.
    for file in files[7::8]:
        file.PixelData = bytes(len(file.PixelData))
    for copy, file in zip(copies, files[9:11], strict=True):
        copy.SeriesInstanceUID = file.SeriesInstanceUID
        copy.SOPInstanceUID = generate_uid() if new_uid else file.SOPInstanceUID
        copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
    dynamic = read(tmp_path, files + copies)
    assert [len(phase.images) for phase in dynamic.phases] == [SHAPE[0]] * 3
    assert dynamic.notes == ("series 1 of 1: 2 duplicated image(s) counted once",)


def test_a_copy_with_other_pixels_is_no_copy(tmp_path: Path) -> None:
    files = slices(Exam())
    other = slices(Exam(), seed=5)[9]
    other.SeriesInstanceUID = files[0].SeriesInstanceUID
    with pytest.raises(Refused):
        in_order(read(tmp_path, [*files, other]))


def test_two_series_mixed_under_one_uid_are_named(tmp_path: Path) -> None:
    files, others = slices(Exam()), slices(Exam(orientation=TILT, phases=1))
    for other in others:
        other.SeriesInstanceUID = files[0].SeriesInstanceUID
    with pytest.raises(Refused, match="images of several orientations in one series"):
        read(tmp_path, files + others)


def test_images_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    files = drop("AcquisitionTime", "ContentTime", "InstanceNumber")(slices(Exam()))
    with pytest.raises(Refused, match=r"no field .* apart \(3 image\(s\) at 8 place\(s\)\)"):
        read(tmp_path, files)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "a localiser"),
        ({"SeriesDescription": "3-plane loc"}, "a localiser"),
        ({"SeriesDescription": "dyn_SUB 1-0"}, "a subtraction: kept apart"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SUBTRACTION"]}, "a subtraction: kept apart"),
        ({"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE", "MIP"]}, "derived from other images"),
        ({"SeriesDescription": "ax T2 STIR"}, "not T1-weighted"),
    ],
)
def test_series_that_are_no_phases_are_left_out_with_the_reason(
    header: dict[str, object], reason: str, tmp_path: Path
) -> None:
    exam = Exam()
    other = slices(replace(exam, phases=1, header=header), seed=9)
    dynamic = read(tmp_path, slices(exam) + other)
    assert in_order(dynamic)
    assert len(dynamic.left_out) == 1 and reason in dynamic.left_out[0]


def test_a_series_can_be_chosen_where_two_could_be_the_study(tmp_path: Path) -> None:
    files = slices(Exam()) + slices(Exam(orientation=TILT, header={"SeriesDescription": "dyn right"}))
    with pytest.raises(Refused, match="choose with --series"):
        read(tmp_path / "both", files)
    assert read(tmp_path / "one", files, "right").phases[0].first.orientation == TILT


def test_numbers_that_scanners_round_differently_mean_the_same(tmp_path: Path) -> None:
    """Positions at x.5 mm and cosines at .xx5 fall on either side where they are rounded."""
    files = slices(Exam(one_series=False))
    for at, file in enumerate(files):
        off = 1e-4 * (-1) ** (at // SHAPE[0])
        file.ImagePositionPatient = [-30.5 + off, *file.ImagePositionPatient[1:]]
        file.ImageOrientationPatient = [1, 0.005 + off / 10, 0, -0.005, 1, 0]
        file.RepetitionTime = 4.45 + off
    assert in_order(read(tmp_path, files))
