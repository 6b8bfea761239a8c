"""Collections in their published layouts: I-SPY 2, BreastDCEDL, ODELIA, and any of TCIA by its manifest."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.breastdcedl import Acquisition, BreastDcedlImporter
from bench.cohorts.importers.ispy2 import Ispy2Importer
from bench.cohorts.importers.odelia import BREAST, OdeliaImporter
from bench.cohorts.importers.run_import import import_cohort
from bench.cohorts.importers.tcia import INCOMPLETE, TciaImporter
from bench.errors import CohortError, UsageError
from tests.cohorts.dicom_exams import SHAPE, Exam, labels, lesion, segmentation, set_pixels, slices, voxels
from tests.cohorts.toy_importer import tilted_image


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def download(root: Path, collection: str, exams: dict[str, list[Dataset]], described: str = "") -> Path:
    """A download as the NBIA Data Retriever leaves it: a folder a series, and metadata.csv."""
    rows = []
    for patient, files in exams.items():
        for number, series in enumerate(dict.fromkeys(file.SeriesInstanceUID for file in files)):
            own = [file for file in files if file.SeriesInstanceUID == series]
            folder = f"{collection}/{patient}/05-01-2011-NA-MRI/{number}.000000-dyn-12345"
            (root / folder).mkdir(parents=True)
            for at, file in enumerate(own, 1):
                file.save_as(root / folder / f"1-{at:03d}.dcm", enforce_file_format=True)
            rows.append(
                {
                    "Series UID": series,
                    "Collection": collection,
                    "Data Description URI": "https://doi.org/10.7937/TEST",
                    "Subject ID": patient,
                    "Study UID": own[0].StudyInstanceUID,
                    "Modality": own[0].Modality,
                    "Number of Images": len(own),
                    "File Location": "./" + folder if number % 2 else ".\\" + folder.replace("/", "\\"),
                }
            )
    pd.DataFrame(rows).to_csv(root / "metadata.csv", index=False)
    return root


def exam_of(patient: str, **options: object) -> list[Dataset]:
    exam = Exam(patient, one_series=False, **options)  # type: ignore[arg-type]
    return [*slices(exam), segmentation(exam, lesion().astype(int))]


def test_any_collection_of_tcia_is_read_by_its_manifest(tmp_path: Path) -> None:
    exams = {patient: exam_of(patient) for patient in ("BR-07", "BR-08")}
    root = download(tmp_path / "manifest", "Some-Breast", exams)
    report = import_cohort(TciaImporter(root, labels(tmp_path, *exams)), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.case_ids == ("BR-07", "BR-08") and report.name == "some-breast"
    np.testing.assert_array_equal(cohort.volume("BR-07").array("image"), voxels(1))
    assert "10.7937/TEST" in (tmp_path / "out" / "cohort.toml").read_text()


@pytest.mark.parametrize("lost", ["1-003.dcm", "*.dcm"])
def test_a_study_whose_download_is_incomplete_is_left_out(lost: str, tmp_path: Path) -> None:
    exams = {patient: exam_of(patient) for patient in ("BR-07", "BR-08")}
    root = download(tmp_path / "manifest", "Some-Breast", exams)
    # The first series is the phase before contrast: without it, post2 would pass for the first one after.
    (series,) = (root / "Some-Breast" / "BR-07").glob("*/0.*")
    for path in series.glob(lost):
        path.unlink()
    report = import_cohort(TciaImporter(root, labels(tmp_path, *exams)), tmp_path / "out", quiet=True)
    assert load_folder(tmp_path / "out").case_ids == ("BR-08",)
    assert report.reasons == {INCOMPLETE: 1}


def test_a_folder_without_a_manifest_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no metadata.csv.*import the files with `dicom`"):
        TciaImporter(tmp_path, labels(tmp_path, "A")).card()


# I-SPY 2.

SERIES = "ISPY2: VOLSER: uni-lateral cropped: "


def ispy2_sheet(folder: Path) -> Path:
    rows = {
        "Patient_ID": [100899, 102212, 999999],
        "Age_at_Screening": [45, 51, 60],
        "menopausal_status": ["Premenopausal (<6 months since LMP)", "Postmenopausal", None],
        "HR": [1, 0, 1],
        "HER2": [0, None, 1],
        "MP": [0, 1, 0],
        "pCR": [1, 0, 0],
    }
    pd.DataFrame(rows).to_excel(folder / "clinical.xlsx", index=False)
    return folder / "clinical.xlsx"


def ispy2_exam(patient: str, date: str = "20110501") -> list[Dataset]:
    """The trial's series of all phases, its two maps of one phase each, and its inverse mask."""
    exam = Exam(patient, study=generate_uid())
    files = slices(exam)
    maps = []
    for number, name in enumerate(("SER", "PE2"), 1):
        for file in slices(Exam(patient, phases=1, study=exam.study, space=exam.space)):
            file.SeriesDescription, file.SeriesNumber = SERIES + name, 10 + number
            file.AcquisitionTime = file.ContentTime = "090000"
            maps.append(file)
    for file in files:
        file.SeriesDescription = SERIES + "original DCE"
    mask = segmentation(exam, np.ones(SHAPE, int), ("VOI",))
    mask.SeriesDescription = SERIES + "Analysis Mask"
    set_pixels(mask, np.where(lesion(), 0, 32).astype(np.uint8))
    for file in (found := [*files, *maps, mask]):
        file.StudyDate = date
    return found


def test_ispy2_takes_the_first_visit_and_what_the_analysis_mask_leaves_in(tmp_path: Path) -> None:
    first = ispy2_exam("ACRIN-6698-102212")
    later = ispy2_exam("ACRIN-6698-102212", date="20110701")
    other = ispy2_exam("ISPY2-100899")
    stranger = ispy2_exam("ISPY2-555555")
    root = download(
        tmp_path / "in",
        "ISPY2",
        {"ACRIN-6698-102212": [*first, *later], "ISPY2-100899": other, "ISPY2-555555": stranger},
    )
    report = import_cohort(Ispy2Importer(ispy2_sheet(tmp_path), root), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.case_ids == ("ACRIN-6698-102212", "ISPY2-100899")
    volume = cohort.volume("ISPY2-100899")
    np.testing.assert_array_equal(volume.array("mask") != 0, lesion())
    np.testing.assert_array_equal(volume.array("image"), voxels(1))
    assert report.reasons == {"not in the sheet": 1, "no images": 1}
    assert {found["phases"] for found in report.evidence.values()} == {3}
    assert cohort.labels("hr").tolist() == [0, 1]
    assert np.isnan(cohort.labels("her2")).tolist() == [True, False]


def test_ispy2_maps_are_no_phases_whatever_series_are_asked_for(tmp_path: Path) -> None:
    root = download(tmp_path / "in", "ISPY2", {"ISPY2-100899": ispy2_exam("ISPY2-100899")})
    importer = Ispy2Importer(ispy2_sheet(tmp_path), root, series="")
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    assert report.evidence["ISPY2-100899"]["phases"] == 3


def test_the_ispy2_sheet_alone_has_no_er_and_none_is_made(tmp_path: Path) -> None:
    report = import_cohort(Ispy2Importer(ispy2_sheet(tmp_path)), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert [task.name for task in cohort.tasks] == ["hr", "her2"] and report.cases_kept == 3
    assert cohort.table["menopause"].tolist()[:2] == ["premenopausal", "postmenopausal"]
    card = (tmp_path / "out" / "label_card.md").read_text()
    assert "0.74 | not published" in card and "ER and PR apart" in card


# BreastDCEDL.

METADATA = (
    "pid,pCR,n_xy,n_z,n_times,pre,post_early,post_late,slice_thick,xy_spacing,mask_start,mask_end,sraw,eraw,"
    "scol,ecol,tum_vol,age,menopause,race_white,race_black,HR,HER2,HR_HER2_STATUS,TripleNeg,HER2pos,"
    "HRposHER2neg,dataset,test"
)


def breastdcedl(folder: Path) -> BreastDcedlImporter:
    patients = {
        "ISPY2-100899": ("spy2", "_spy2_vis1_dce_aqc_{}", "_spy2_vis1_mask"),
        "ISPY1_1001": ("spy1", "_spy1_vis1_acq{}", "_spy1_vis1_mask"),
        "Breast_MRI_001": ("duke", "_duke_aqc_{}", "_duke_mask"),
    }
    rows = [METADATA]
    for number, (patient, (dataset, volume, mask)) in enumerate(patients.items()):
        values = dict.fromkeys(METADATA.split(","), "")
        values |= {"pid": patient, "dataset": dataset, "pre": "0.0", "post_early": f"{number}.0"}
        values |= {"post_late": "5.0", "HR": "1.0", "HER2": ["0.0", "", "1.0"][number], "test": "2.0"}
        values |= {"age": "45.0", "menopause": "1.0", "slice_thick": "2.0"}
        rows.append(",".join(values.values()))
        (folder / "data" / dataset).mkdir(parents=True)
        for phase in range(3):
            sitk.WriteImage(
                tilted_image(phase),
                str(folder / "data" / dataset / f"{patient}{volume.format(phase)}.nii.gz"),
            )
        if dataset != "duke":
            image = sitk.Cast(tilted_image(0) > 500, sitk.sitkUInt8)
            sitk.WriteImage(image, str(folder / "data" / f"{patient}{mask}.nii.gz"))
    (folder / "metadata.csv").write_text("\n".join(rows))
    return BreastDcedlImporter(folder / "metadata.csv", folder / "data")


def test_breastdcedl_takes_the_acquisition_that_the_metadata_number(tmp_path: Path) -> None:
    report = import_cohort(breastdcedl(tmp_path), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.case_ids == ("ISPY2-100899", "ISPY1_1001")
    assert cohort.groups.tolist() == ["internal", "external"] and set(cohort.sites) == {"ISPY2", "ISPY1"}
    for number, case in enumerate(cohort.case_ids):
        expected = sitk.GetArrayFromImage(tilted_image(number))
        np.testing.assert_array_equal(cohort.volume(case).array("image"), expected)
    assert report.reasons == {"no mask": 1} and np.isnan(cohort.labels("her2")).tolist() == [False, True]
    late = BreastDcedlImporter(tmp_path / "metadata.csv", tmp_path / "data", Acquisition.POST_LATE)
    with pytest.raises(CohortError, match="no image"):
        import_cohort(late, tmp_path / "late", quiet=True)


# ODELIA.


def odelia(root: Path) -> OdeliaImporter:
    for institution, uids in (("CAM", ("A_left", "A_right")), ("UKA", ("B_left",)), ("RSH", ("C_left",))):
        meta = root / "data" / institution / "metadata_unilateral"
        meta.mkdir(parents=True)
        rows = [f"{uid},{uid[0]},{19000 + at},{(2, 1)[at]}" for at, uid in enumerate(uids)]
        if institution != "RSH":
            (meta / "annotation.csv").write_text("\n".join(["UID,PatientID,Age,Lesion", *rows]))
        (meta / "split.csv").write_text("\n".join(["UID,Split,Fold", *(f"{uid},train,0" for uid in uids)]))
        for uid in uids:
            folder = root / "data" / institution / "data_unilateral" / uid
            folder.mkdir(parents=True)
            sitk.WriteImage(tilted_image(1), str(folder / "Post_1.nii.gz"))
    return OdeliaImporter(root)


def test_odelia_keeps_both_breasts_of_a_patient_together(tmp_path: Path) -> None:
    report = import_cohort(odelia(tmp_path / "in"), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.case_ids == ("A_left", "A_right", "B_left")
    assert list(cohort.patient_ids) == ["CAM-A", "CAM-A", "UKA-B"]
    assert cohort.labels("malignant").tolist() == [1, 0, 1] and cohort.labels("lesion").tolist() == [1, 1, 1]
    assert cohort.table["age"].tolist() == [52, 52, 52] and cohort.table["side"].tolist()[1] == "right"
    assert report.reasons == {"no annotation.csv: labels are not published": 1}
    assert report.flags == {BREAST: 3}
    mask = sitk.Cast(tilted_image(0) > 500, sitk.sitkUInt8)
    (tmp_path / "masks").mkdir()
    sitk.WriteImage(mask, str(tmp_path / "masks" / "A_left.nii.gz"))
    drawn = OdeliaImporter(tmp_path / "in", masks=tmp_path / "masks")
    report = import_cohort(drawn, tmp_path / "drawn", quiet=True)
    assert report.flags == {BREAST: 2}
    found = load_folder(tmp_path / "drawn").volume("A_left").array("mask") != 0
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(mask) != 0)


def test_a_folder_that_is_not_odelia_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no INSTITUTION/metadata_unilateral/annotation\.csv"):
        OdeliaImporter(tmp_path).card()
