"""Public collections: the real sheets, and small ones of the same shape with images."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.duke import DukeImporter
from bench.cohorts.importers.ispy1 import Ispy1Importer
from bench.cohorts.importers.mama_mia import MamaMiaImporter
from bench.cohorts.importers.run_import import import_cohort
from bench.errors import CohortError, UsageError
from tests.cohorts.toy_importer import tilted_image


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_the_official_duke_sheet(real_data: Path, tmp_path: Path) -> None:
    sheet = real_data / "duke" / "Clinical_and_Other_Features.xlsx"
    report = import_cohort(DukeImporter(sheet), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert len(cohort) == 922
    positive = {task: counts["positive"] for task, counts in report.labels.items()}
    assert positive == {"er": 686, "pr": 598, "her2": 163, "triple_negative": 164, "luminal_a": 595}
    assert pd.Series(cohort.sites).value_counts().to_dict() == {"GE": 628, "Siemens": 294}
    assert cohort.table["field_strength"].value_counts().to_dict() == {1.5: 468, 3: 453, 2.8936: 1}
    assert cohort.case_ids[0] == "Breast_MRI_001"
    assert "0.649" in (tmp_path / "out" / "label_card.md").read_text()


def test_the_official_mama_mia_sheet(real_data: Path, tmp_path: Path) -> None:
    sheet = real_data / "mama_mia" / "clinical_and_imaging_info.xlsx"
    report = import_cohort(MamaMiaImporter(sheet), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert report.cases_kept == 1506
    assert {task: counts["missing"] for task, counts in report.labels.items()} == {
        "er": 996,
        "pr": 996,
        "her2": 22,
        "hr": 16,
    }
    assert np.isnan(cohort.labels("er")[cohort.sites == "ISPY2"]).all()
    assert set(cohort.sites[cohort.groups == "external"]) == {"NACT"}
    assert (cohort.groups == "external").sum() == 64


def test_the_official_ispy1_sheet_with_features(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "ispy1"
    importer = Ispy1Importer(folder / "clinical_and_outcome.xlsx", folder / "captk_features.csv.gz")
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    assert (report.patients_found, report.cases_kept) == (221, 161)
    assert report.reasons == {"no line in the feature table": 60}
    assert report.labels["hr"]["positive"] == 92  # the feature table's own Target
    assert load_folder(tmp_path / "out").features().shape == (161, 370)


DUKE_ROWS = [
    ("Breast_MRI_001", "2", "1", "-15209", "0", "0", "0", "1", "2"),
    ("Breast_MRI_002", "0", "3", "-14061", "1", "1", "NC", "2", "0"),
    ("Breast_MRI_003", "0", "1", "NP", "2", "1", "", "0", ""),
]
DUKE_NAMES = [
    *("Patient ID", "Manufacturer", "Field Strength (Tesla)", "Date of Birth (Days)"),
    *("Menopause (at diagnosis)", "ER", "PR", "HER2", "Mol Subtype"),
]


def duke_source(folder: Path, rows: list[tuple[str, ...]] = DUKE_ROWS) -> DukeImporter:
    legend = ["", "GE MEDICAL SYSTEMS=0, SIEMENS=2", "1.5=1,3=3", "", "", *["{0 = neg,\n1 = pos}"] * 3, ""]
    themes = ["Patient Information", "MRI Technical Information", *[""] * 7]
    sheet = folder / "clinical.xlsx"
    pd.DataFrame([themes, DUKE_NAMES, legend, *rows]).to_excel(
        sheet, sheet_name="Data", header=False, index=False
    )
    boxes = {"Patient ID": [row[0] for row in rows]}
    ends = ("Row", 4, 7), ("Column", 3, 6), ("Slice", 2, 5)
    for name, start, end in ends:
        boxes |= {f"Start {name}": [start] * len(rows), f"End {name}": [end] * len(rows)}
    pd.DataFrame(boxes).to_excel(folder / "boxes.xlsx", index=False)
    (folder / "nifti").mkdir()
    for at, row in enumerate(rows[:2]):
        sitk.WriteImage(tilted_image(at), str(folder / "nifti" / f"{row[0]}.nii.gz"))
    return DukeImporter(sheet, folder / "boxes.xlsx", folder / "nifti")


def test_duke_volumes_with_boxes_counted_from_one(tmp_path: Path) -> None:
    report = import_cohort(duke_source(tmp_path), tmp_path / "out", quiet=True)
    assert report.reasons == {"no volume ID.nii.gz": 1} and report.cases_kept == 2
    cohort = load_folder(tmp_path / "out")
    assert list(cohort.labels("er")) == [0, 1]
    assert list(np.isnan(cohort.labels("pr"))) == [False, True]
    assert list(np.isnan(cohort.labels("her2"))) == [False, True]  # 2 is borderline
    mask = sitk.GetArrayFromImage(cohort.volume("Breast_MRI_001").mask)
    assert mask.sum() == 64 and mask[1:5, 3:7, 2:6].all()


def test_a_code_that_the_legend_lacks_is_named(tmp_path: Path) -> None:
    rows = [*DUKE_ROWS[:2], (*DUKE_ROWS[2][:5], "7", *DUKE_ROWS[2][6:])]
    with pytest.raises(CohortError, match=r"clinical.xlsx, line 6: ER is '7', expected one of"):
        import_cohort(duke_source(tmp_path, rows), tmp_path / "out", quiet=True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*nowhere.xlsx"):
        import_cohort(MamaMiaImporter(tmp_path / "nowhere.xlsx"), tmp_path / "out", quiet=True)
    with pytest.raises(UsageError, match="and `boxes` go together"):
        DukeImporter(tmp_path / "nowhere.xlsx", images=tmp_path).card()


def test_a_link_out_of_the_folder_and_an_id_with_a_path_are_not_followed(tmp_path: Path) -> None:
    importer = mama_mia_source(tmp_path)
    sitk.WriteImage(tilted_image(1), str(tmp_path.parent / "secret.nii.gz"))
    linked = tmp_path / "images" / "DUKE_001" / "duke_001_0001.nii.gz"
    linked.unlink()
    linked.symlink_to(tmp_path.parent / "secret.nii.gz")
    sheet = pd.read_excel(importer.sheet, dtype=str, keep_default_na=False)
    sheet.loc[1, "patient_id"] = "../../x"
    sheet.loc[2, "patient_id"] = "NACT_02"
    sheet.to_excel(importer.sheet, sheet_name="dataset_info", index=False)
    report = import_cohort(importer, tmp_path / "out", quiet=True)
    assert report.reasons["file outside the folder of the source"] == 2
    assert load_folder(tmp_path / "out").case_ids == ("NACT_02",)
    assert ".." not in (tmp_path / "out" / "import_report.json").read_text()


def mama_mia_source(folder: Path) -> MamaMiaImporter:
    named = "dataset site er pr her2 hr manufacturer scanner_model field_strength slice_thickness"
    columns = [
        *named.split(),
        "fat_suppressed",
        "bilateral_mri",
        "num_phases",
        "age",
        "menopause",
        "has_implant",
    ]
    sheet = pd.DataFrame("1", index=range(3), columns=columns)
    sheet.insert(0, "patient_id", ["DUKE_001", "NACT_02", "ISPY2_3"])
    sheet["dataset"] = ["DUKE", "NACT", "ISPY2\xa0"]
    sheet["er"] = ["1", "0", ""]
    sheet.to_excel(folder / "info.xlsx", sheet_name="dataset_info", index=False)
    (folder / "segmentations" / "expert").mkdir(parents=True)
    for patient in ("DUKE_001", "NACT_02", "DUKE_999"):
        (folder / "images" / patient).mkdir(parents=True)
        for phase in range(2):
            image = tilted_image(phase)
            name = patient.lower()
            sitk.WriteImage(image, str(folder / "images" / patient / f"{name}_{phase:04d}.nii.gz"))
            mask = sitk.Cast(image > 500, sitk.sitkUInt8)
            sitk.WriteImage(mask, str(folder / "segmentations" / "expert" / f"{name}.nii.gz"))
    return MamaMiaImporter(folder / "info.xlsx", folder)


def test_mama_mia_takes_the_first_phase_after_contrast_and_names_what_does_not_join(tmp_path: Path) -> None:
    report = import_cohort(mama_mia_source(tmp_path), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert cohort.case_ids == ("DUKE_001", "NACT_02")
    assert list(cohort.groups) == ["internal", "external"]
    image = sitk.GetArrayFromImage(cohort.volume("DUKE_001").image)
    np.testing.assert_array_equal(image, sitk.GetArrayFromImage(tilted_image(1)))
    assert report.unjoined("images") == ["DUKE_999"] and report.unjoined("table") == ["ISPY2_3"]
    assert report.evidence["DUKE_001"]["phase"] == "1, by the name of the file"
