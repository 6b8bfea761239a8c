"""An exam in DICOM files as a cohort of one case, with what its headers say."""

from collections.abc import Mapping
from pathlib import Path

import SimpleITK as sitk

from bench.cohorts.cohort import Cohort
from bench.cohorts.importers.dicom.one_exam import OneExam
from bench.deploy.bundle import Bundle
from bench.deploy.exams import exam_of_files


def exam_of_dicom(
    exam: OneExam, name: str, bundle: Bundle, covariates: Mapping[str, str], scratch: Path
) -> Cohort:
    """An exam out of DICOM files, as a cohort of one case without labels.

    Parameters
    ----------
    name
        What the case is called.
    covariates
        As of :func:`bench.deploy.exams.exam_of_files`; they come before what the headers say.
    scratch
        An empty folder for image and mask, which has to stay while the exam is predicted.

    Raises
    ------
    UsageError
        There is no such covariate, or it is a number and its text is not.
    """
    image, mask = scratch / f"{name}.nii", scratch / f"{name}_mask.nii"
    sitk.WriteImage(exam.image, image)
    sitk.WriteImage(exam.mask, mask)
    said = {
        column: str(value)
        for column, value in exam.acquisition.items()
        if value is not None and column in bundle.roles
    }
    return exam_of_files(image, mask, bundle, {**said, **covariates})
