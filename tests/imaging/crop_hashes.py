"""Hashes of the crops of exams, in whatever process runs this: ``python -m tests.imaging.crop_hashes``."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.imaging.crop import Crop
from bench.imaging.cut import cut_crop

CROP = Crop(size_mm=30, spacing_mm=1.5)


def crop_hashes(folders: Iterable[str]) -> list[str]:
    """One for the exam in each folder."""
    exams = [(Path(folder, "exam_image.nii.gz"), Path(folder, "exam_mask.nii.gz")) for folder in folders]
    return [hashlib.sha256(cut_crop("exam", *exam, CROP).tobytes()).hexdigest() for exam in exams]


if __name__ == "__main__":
    print(*crop_hashes(sys.argv[1:]))
