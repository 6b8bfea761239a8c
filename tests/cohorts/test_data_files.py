"""Images of two files: both belong to the cohort, and neither may lie outside."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder, load_valid
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from bench.imaging.crop import Crop

HEADER = """
name = "pairs"
synthetic = true
[tasks.er]
kind = "binary"
"""
CROP = Crop(size_mm=16, spacing_mm=2.0)
RAW = {"mhd": "raw", "nhdr": "raw", "hdr": "img"}


def volume(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(50, 200, (16, 18, 20)).astype(np.int16)


def save(voxels: np.ndarray, path: Path) -> None:
    if path.suffix == ".hdr":
        nib.save(nib.Nifti1Pair(voxels.T, np.diag([-1.0, -1, 1, 1])), path.with_suffix(".img"))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))


def make(folder: Path, ending: str) -> Path:
    (folder / "images").mkdir(parents=True)
    mask = np.zeros((16, 18, 20), np.uint8)
    mask[6:9, 7:11, 8:12] = 1
    rows = []
    for n in range(4):
        save(volume(n), folder / f"images/c{n}.{ending}")
        save(mask, folder / f"images/m{n}.{ending}")
        place = {"case_id": f"c{n}", "patient_id": f"p{n}", "site": "a", "group": "internal"}
        rows.append({**place, "image": f"images/c{n}.{ending}", "mask": f"images/m{n}.{ending}", "er": n % 2})
    (folder / "cohort.toml").write_text(HEADER)
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.mark.parametrize("ending", RAW)
def test_a_changed_data_file_changes_the_fingerprint_and_the_crops(tmp_path: Path, ending: str) -> None:
    folder = make(tmp_path / "pairs", ending)
    before = load_folder(folder)
    crops = before.crops(CROP)[:]
    save(volume(99), tmp_path / f"other.{ending}")
    data = f"images/c1.{RAW[ending]}"
    shutil.copy((tmp_path / "other").with_suffix(f".{RAW[ending]}"), folder / data)
    after = load_folder(folder)
    assert after.fingerprint != before.fingerprint
    changed = after.crops(CROP)[:]
    assert not np.array_equal(changed[1], crops[1])
    np.testing.assert_array_equal(changed[[0, 2, 3]], crops[[0, 2, 3]])


def test_a_data_file_changed_within_its_time_stamp_is_seen(tmp_path: Path) -> None:
    import os

    folder = make(tmp_path / "pairs", "mhd")
    before, data = load_folder(folder).fingerprint, folder / "images/c1.raw"
    status = data.stat()
    data.write_bytes(data.read_bytes()[::-1])
    os.utime(data, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load_folder(folder).fingerprint != before


def point(folder: Path, target: str) -> None:
    """Let the header of c1 name another data file."""
    header = folder / "images/c1.mhd"
    lines = [line for line in header.read_text().splitlines() if not line.startswith("ElementDataFile")]
    header.write_text("\n".join([*lines, f"ElementDataFile = {target}", ""]))


def above(folder: Path) -> None:
    shutil.move(folder / "images/c1.raw", folder.parent / "x.raw")
    point(folder, "../../x.raw")


def absolute(folder: Path) -> None:
    point(folder, str((folder / "images/c1.raw").resolve()))


def linked_out(folder: Path) -> None:
    shutil.move(folder / "images/c1.raw", folder.parent / "x.raw")
    (folder / "images/c1.raw").symlink_to(folder.parent / "x.raw")


def folder_linked_out(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    shutil.move(folder / "images/c1.raw", folder.parent / "elsewhere/c1.raw")
    (folder / "images/link").symlink_to(folder.parent / "elsewhere")
    point(folder, "link/c1.raw")


def gone(folder: Path) -> None:
    (folder / "images/c1.raw").unlink()


def listed(folder: Path) -> None:
    point(folder, "LIST\nc1.raw")


def numbered(folder: Path) -> None:
    point(folder, "c%03d.raw 1 16 1")


OUTSIDE = "path outside the folder"


@pytest.mark.parametrize(
    ("plant", "rule", "words"),
    [
        (above, OUTSIDE, "outside the cohort folder; move the file inside"),
        (absolute, OUTSIDE, "by an absolute path"),
        (linked_out, OUTSIDE, "outside the cohort folder"),
        (folder_linked_out, OUTSIDE, "outside the cohort folder"),
        (gone, "missing file", "names the data file 'c1.raw', which is missing"),
        (listed, "unreadable file", "spreads its voxels over several files"),
        (numbered, "unreadable file", "spreads its voxels over several files"),
    ],
)
def test_a_header_that_points_elsewhere_is_refused_by_check_and_run(
    tmp_path: Path, plant: Callable[[Path], None], rule: str, words: str
) -> None:
    folder = make(tmp_path / "pairs", "mhd")
    plant(folder)
    (violation,) = check_folder(folder, quiet=True).violations
    assert (violation.kind, violation.case_id, violation.severity) == (
        rule,
        "c1",
        "error",
    ) and words in violation.detail
    with pytest.raises(CohortError) as refused:
        load_folder(folder).crops(CROP)
    assert words in str(refused.value)
    assert list(load_valid(folder, quiet=True).skipped_cases) == ["c1"]


def test_a_header_of_nrrd_that_points_outside_is_refused_too(tmp_path: Path) -> None:
    folder = make(tmp_path / "pairs", "nhdr")
    header = folder / "images/c1.nhdr"
    shutil.move(folder / "images/c1.raw", tmp_path / "x.raw")
    header.write_text(header.read_text().replace("c1.raw", "../../x.raw"))
    with pytest.raises(CohortError, match="outside the cohort folder"):
        load_folder(folder)


def test_a_folder_of_images_may_be_a_link_as_a_whole(tmp_path: Path) -> None:
    folder = make(tmp_path / "pairs", "mhd")
    expected = load_folder(folder).crops(CROP)[:]
    shutil.move(folder / "images", tmp_path / "elsewhere")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    np.testing.assert_array_equal(load_folder(folder).crops(CROP)[:], expected)
    assert check_folder(folder, quiet=True).would_run


def test_a_data_file_elsewhere_inside_the_folder_is_read(tmp_path: Path) -> None:
    folder = make(tmp_path / "pairs", "mhd")
    expected = load_folder(folder).crops(CROP)[:]
    (folder / "raw").mkdir()
    shutil.move(folder / "images/c1.raw", folder / "raw/x.raw")
    point(folder, "../raw/x.raw")
    np.testing.assert_array_equal(load_folder(folder).crops(CROP)[:], expected)
