"""Cohorts whose cases have an image from after contrast and one from before it."""

import shutil
from pathlib import Path

import numpy as np

from tests.cohorts.checked_folders import HEADER, ball, rewrite, save, voxels

IMAGES = ("post1", "pre")


def with_phases(sound: Path, folder: Path) -> Path:
    """A copy of a sound folder with two images a case: ``post1``, which is the image, and ``pre``."""
    shutil.copytree(sound, folder)
    declare(folder, '["post1", "pre"]')
    rewrite(
        folder,
        lambda cases: cases.rename(columns={"image": "post1"}).assign(
            pre=[f"{case_id}_pre.nii.gz" for case_id in cases["case_id"]]
        ),
    )
    for path in sorted(folder.glob("c*_mask.nii.gz")):
        post = voxels(path.with_name(path.name.replace("_mask", "")))
        save(path.with_name(path.name.replace("mask", "pre")), (post - 40 * ball()).astype(np.int16))
    return folder


def declare(folder: Path, images: str) -> None:
    (folder / "cohort.toml").write_text(f"images = {images}\n{HEADER}")
