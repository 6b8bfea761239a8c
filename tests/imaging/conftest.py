from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from tests.imaging.imaging_exams import Exam, make_cohort


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Six small exams of growing lesions in three file formats."""
    names = [f"case{i}" for i in range(6)]
    files = []
    for i, name in enumerate(names):
        exam = Exam(radius=4.0 + i, spacing=(1.0, 1.2, 2.0), size=(40, 36, 24))
        image, mask = exam.write(tmp_path, name, (".nii.gz", ".nrrd", ".mha")[i % 3])
        files.append((image.name, mask.name))
    return make_cohort(tmp_path, names, files)
