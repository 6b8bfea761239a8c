"""Exams in DICOM files are predicted as their images are, and reported so that the report reads back."""

import json
from pathlib import Path

import highdicom.sr
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.sr.codedict import codes

from bench.cohorts.importers.dicom.one_exam import read_exam
from bench.deploy.bundle import Bundle
from bench.deploy.card import RESEARCH
from bench.deploy.coverage import Coverage
from bench.deploy.predict import ExamPrediction, TaskPrediction
from bench.deploy.structured_report import SCHEME, structured_report
from bench.deploy.text import SYNTHETIC
from bench.task import Task
from tests.cohorts.dicom_exams import Exam, enhanced, lesion, segmentation, slices, write
from tests.command import bench

TASKS = (
    Task("er", "binary", "ER"),
    Task("pr", "binary", "PR"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)
SAID = ExamPrediction(
    "exam",
    (
        TaskPrediction("er", 0.71234, 0.6, 0.8, 0.05, 5, True, (0.5, 0.6)),
        TaskPrediction("pr", 0.4, 0.4, 0.4, np.nan, 1, None, None, "1 of 1 models have no threshold: few"),
        TaskPrediction("ki67", 21.5, 20.0, 25.0, 1.0, 5),
    ),
    "undetermined",
    ("lesion volume, ml is 90, in training 0.1 to 20",),
)


def some_bundle(synthetic: bool) -> Bundle:
    texts = ("cohort_title", "licence", "citation", "label_rule", "split_title", "estimand")
    return Bundle(
        method="tumour_size",
        label="tumour_size",
        target="",
        params={"strength": 2},
        code="c0de" * 16,
        cohort="phantom-tiny",
        split="internal_cv",
        synthetic=synthetic,
        tasks=TASKS,
        roles={},
        models=(),
        thresholds=(),
        coverage=Coverage(0, {}, {}),
        scores=(),
        versions={},
        **dict.fromkeys(texts, ""),
    )


@pytest.mark.parametrize("synthetic", [True, False])
@pytest.mark.parametrize("frames", [False, True], ids=["a file a slice", "frames of one file"])
def test_a_report_reads_back_with_all_that_was_said(synthetic: bool, frames: bool, tmp_path: Path) -> None:
    exam = Exam()
    files = [enhanced(exam)] if frames else slices(exam)
    read = read_exam(write(tmp_path / "exam", [*files, segmentation(exam, lesion().astype(int))]))
    path = tmp_path / "report.dcm"
    structured_report(
        some_bundle(synthetic), SAID, read.images, read.evidence, "youden", "st_gallen"
    ).save_as(path)
    report = highdicom.sr.srread(path)
    assert (report.Modality, report.VerificationFlag, report.CompletionFlag) == (
        "SR",
        "UNVERIFIED",
        "PARTIAL",
    )
    assert (report.PatientID, report.StudyInstanceUID) == ("BR-07", exam.study)
    assert report.ContentQualification == "RESEARCH" and "RESEARCH USE ONLY" in report.SeriesDescription
    assert ("SYNTHETIC" in report.SeriesDescription) is synthetic
    whole, er, pr, ki67 = report.content.get_image_measurement_groups()
    texts = said_in(whole)
    assert RESEARCH in texts and (SYNTHETIC in texts) is synthetic and f"Warning: {SAID.warnings[0]}" in texts
    assert any("phase 1 is" in text for text in texts)
    assert [one.value.meaning for one in whole.get_qualitative_evaluations()] == ["undetermined"]
    assert [one.value.meaning for one in er.get_qualitative_evaluations()] == ["positive"]
    assert [one.value.meaning for one in pr.get_qualitative_evaluations()] == ["no decision"]
    assert numbers(er) == [0.71234, 0.6, 0.8, 0.5, 0.6] and numbers(pr) == [0.4]
    assert numbers(ki67) == [21.5, 20.0, 25.0] and not ki67.get_qualitative_evaluations()
    assert ki67.get_measurements()[0].unit == codes.UCUM.Percent
    assert any("few" in text for text in said_in(pr))
    sources = {one.referenced_sop_instance_uid: one.referenced_frame_numbers for one in whole.source_images}
    assert sources.keys() == {pydicom.dcmread(image.path).SOPInstanceUID for image in read.images}
    of_phase_1 = [2 + 3 * at for at in range(len(read.images))]
    assert [*sources.values()] == ([of_phase_1] if frames else [None] * len(read.images))
    algorithm = {str(item.value) for item in whole[0].ContentSequence if item.value_type.value == "TEXT"}
    assert {"tumour_size", "strength=2", "cohort=phantom-tiny"} <= algorithm
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == SCHEME


def said_in(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> list[str]:
    return [item.value for item in group[0].ContentSequence if item.name == codes.DCM.Comment]


def numbers(group: highdicom.sr.MeasurementsAndQualitativeEvaluations) -> list[float]:
    return [one.value for one in group.get_measurements()]


@pytest.mark.slow
def test_a_dicom_folder_is_predicted_as_the_image_in_it(finished_store: Path, tmp_path: Path) -> None:
    models = ("--method", "tumour_size", "--cohort", "phantom-tiny", "--split", "internal_cv")
    models = (*models, "--store", str(finished_store))
    exam = Exam(header={"PixelSpacing": [0.8, 0.7]})
    root = write(tmp_path / "exam", [*slices(exam), segmentation(exam, lesion().astype(int))])
    said = bench("predict", *models, "--dicom", str(root), "--format", "json")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert found["read"]["phase_number"] == 1 and found["exams"][0]["case_id"] == "exam"
    read = read_exam(root)
    image, mask = tmp_path / "exam.nii", tmp_path / "mask.nii"
    sitk.WriteImage(read.image, image)
    sitk.WriteImage(read.mask, mask)
    plain = bench("predict", *models, "--image", str(image), "--mask", str(mask), "--format", "json")
    assert json.loads(plain.stdout)["exams"][0]["tasks"] == found["exams"][0]["tasks"]
    known = [one for one in found["exams"][0]["warnings"] if "not known" in one]
    assert not any("vendor" in one for one in known)  # the header says it
    out = tmp_path / "report.dcm"
    ended = bench("predict", *models, "--dicom", str(root), "--out", str(out))
    assert ended.returncode == 0, ended.stderr
    _, er, *_ = highdicom.sr.srread(out).content.get_image_measurement_groups()
    assert er.get_measurements()[0].value == pytest.approx(found["exams"][0]["tasks"][0]["value"])
    text = bench("predict", *models, "--dicom", str(root)).stdout
    assert "phase: first-post" in text and RESEARCH in " ".join(text.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--exams", "f", "--format", "sr"), "refers to DICOM images and is a file; give --dicom and --out"),
        (("--dicom", "f", "--format", "sr"), "give --dicom and --out"),
        (("--image", "a", "--mask", "b", "--phase", "pre"), "choose in a DICOM folder; give --dicom"),
        (("--dicom", "f", "--image", "a", "--mask", "b"), "name the exams"),
        (("--exams", "f", "--mask", "b"), "name the exams"),
    ],
)
def test_what_does_not_go_together_is_refused(words: tuple[str, ...], expected: str) -> None:
    ended = bench("predict", "--bundle", "nowhere", *words)
    assert ended.returncode == 2 and expected in ended.stderr and ended.stderr.count("\n") == 1
