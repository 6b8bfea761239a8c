import sys
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort

# pytest's importlib mode puts no folder of tests on the path; these tests share imaging_exams.py.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Six small exams of growing lesions in three file formats."""
    from imaging_exams import Exam, make_cohort

    names = [f"case{i}" for i in range(6)]
    files = []
    for i, name in enumerate(names):
        exam = Exam(radius=4.0 + i, spacing=(1.0, 1.2, 2.0), size=(40, 36, 24))
        image, mask = exam.write(tmp_path, name, (".nii.gz", ".nrrd", ".mha")[i % 3])
        files.append((image.name, mask.name))
    return make_cohort(tmp_path, names, files)
