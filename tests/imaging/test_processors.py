"""Crops are the same bits whatever kernels and vector units the processor's libraries choose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imaging.crop_hashes import crop_hashes
from tests.imaging.imaging_exams import OBLIQUE, Exam

SETTINGS = [
    {"OPENBLAS_CORETYPE": "SkylakeX", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
    {"OPENBLAS_CORETYPE": "Zen"},
    {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512_SKX"},
]


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Grids along the patient's axes, whose voxels and crops share their ends, and an oblique one."""
    folders = []
    for spacing, direction in (((1.5, 1.5, 1.5), None), ((0.7, 0.7, 3.0), None), ((0.9, 1.1, 2.5), OBLIQUE)):
        folder = tmp_path_factory.mktemp("exam")
        Exam(8.0, spacing=spacing, size=(40, 40, 20), direction=direction).write(folder)
        folders.append(str(folder))
    return folders


def hashes(exams: list[str], setting: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.imaging.crop_hashes", *exams],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **setting},
        cwd=Path(__file__).parents[2],
    )
    return done.stdout.split()


def test_crops_are_the_same_bits_on_every_kind_of_processor(exams: list[str]) -> None:
    expected = crop_hashes(exams)
    assert len(set(expected)) == 3
    for setting in SETTINGS:
        assert hashes(exams, setting) == expected, setting
