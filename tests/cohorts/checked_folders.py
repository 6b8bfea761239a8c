"""A small valid cohort folder and violations to plant in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder
from bench.cohorts.checking.violation import Violation

HEADER = """
name = "mini"
synthetic = true
[tasks.er]
kind = "binary"
[tasks.ki67]
kind = "continuous"
range = [0, 100]
[columns]
acquisition = ["vendor"]
"""


CASES = 16


SHAPE = (16, 40, 40)


def ball(centre: tuple[int, ...] = (8, 20, 20), radius_mm: float = 6) -> np.ndarray:
    z, y, x = np.indices(SHAPE)
    squared = (3 * (z - centre[0])) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    return (squared <= radius_mm**2).astype(np.uint8)


def save(path: Path, voxels: np.ndarray, spacing: tuple[float, ...] = (1, 1, 3)) -> None:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def rewrite(folder: Path, change: Callable[[pd.DataFrame], object]) -> None:
    """Change cases.csv; ``change`` may return another table."""
    cases = pd.read_csv(folder / "cases.csv", dtype=object)
    changed = change(cases)
    (cases if changed is None else pd.DataFrame(changed)).to_csv(folder / "cases.csv", index=False)


def put(row: int, column: str, value: object) -> Callable[[Path], None]:
    def change(cases: pd.DataFrame) -> None:
        cases.loc[row, column] = value

    return lambda folder: rewrite(folder, change)


def a_mask(*marks: np.ndarray) -> Callable[[Path], None]:
    """Case c1 gets the mask whose voxels are the first mark's, then the second's, ..."""
    return lambda folder: save(folder / "c1_mask.nii.gz", np.maximum.reduce(marks))


def an_image(make: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda folder: save(folder / "c1.nii.gz", make(voxels(folder / "c1.nii.gz")))


def not_finite(place: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    def make(image: np.ndarray) -> np.ndarray:
        image = image.astype(np.float32)
        image[place] = np.nan
        return image

    return make


def three_phases(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "c1.nii.gz"))
    sitk.WriteImage(sitk.JoinSeries([image] * 3), str(folder / "c1.nii.gz"))


def fine_voxels(folder: Path) -> None:
    for name in ("c1.nii.gz", "c1_mask.nii.gz"):
        save(folder / name, voxels(folder / name), (1e-3, 1e-3, 3e-3))


def truncated(folder: Path) -> None:
    path = folder / "c1.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])


def same_image(folder: Path) -> None:
    """The voxels of c2, in another format and number type."""
    save(folder / "c1.mha", voxels(folder / "c2.nii.gz").astype(np.float32))
    put(1, "image", "c1.mha")(folder)


def undeclared_column(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.assign(shoe_size=40))


def doubled_line(folder: Path) -> None:
    rewrite(folder, lambda cases: pd.concat([cases, cases[1:2]]))


def header(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "cohort.toml").write_text(HEADER.replace(old, new))

    return change


def in_fractions(folder: Path) -> None:
    header("range = [0, 100]", 'range = [0, 100]\nunit = "percentage points"')(folder)
    rewrite(folder, lambda cases: cases.assign(ki67=cases["ki67"].astype(float) / 100))


def one_class_outside(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.assign(er=cases["er"].where(cases["group"] == "internal", "1")))


VIOLATIONS = {
    "mask is the image": (
        put(1, "mask", "c1.nii.gz"),
        *("error", "c1", "its mask 'c1.nii.gz' is its image", "name the file of the mask"),
    ),
    "same mask twice": (
        put(1, "mask", "c2_mask.nii.gz"),
        *("warning", "c2", "is that of case 'c1' too", "correct one"),
    ),
    "patient ids alike": (
        put(1, "patient_id", " P2 "),
        *("warning", "", "'P2' and 'p2' count as different patients", "write one id"),
    ),
    "column with two roles": (
        header("[columns]", '[columns]\nclinical = ["er"]'),
        *("error", "", "'er' is a task and cannot be clinical too", "remove it from one"),
    ),
    "group without contrast": (
        one_class_outside,
        *("warning", "", "4 labels in the group 'external', all 1", "cannot score it"),
    ),
    "fractions for percentages": (
        in_fractions,
        *("warning", "", "no label is above 0.75", "multiply them by 100"),
    ),
    "missing file": (put(1, "image", "gone.nii.gz"), "error", "c1", "missing", "correct its path"),
    "path outside the folder": (put(1, "mask", "../m.nii"), "error", "c1", "outside", "move or link"),
    "different grids": (
        lambda folder: save(folder / "c1_mask.nii.gz", ball(), (1, 1, 4)),
        *("error", "c1", "lies elsewhere than its image", "resample the mask"),
    ),
    "empty mask": (a_mask(ball() * 0), "error", "c1", "is empty", "draw it"),
    "lesion at the border": (
        a_mask(ball((8, 3, 20))),
        *("warning", "c1", "touches the image's end along y", "tissue round the lesion"),
    ),
    "several lesions": (
        a_mask(ball((8, 10, 10), 5), ball((8, 30, 30), 5)),
        *("warning", "c1", "marks 2 lesions", "a line of its own under one patient_id"),
    ),
    "stray voxels": (
        a_mask(ball((8, 12, 12)), ball((8, 36, 36), 0)),
        *("warning", "c1", "1 specks apart from the lesion", "keep the largest: sitk.RelabelComponent"),
    ),
    "several label values": (
        a_mask(ball(), 2 * ball(radius_mm=3)),
        *("error", "c1", "2 values other than 0 (1, 2)", "name the lesion's with lesion_label"),
    ),
    "4D image": (
        three_phases,
        *("error", "c1", "40x40x16x3", "the same phase for every case", "image[:, :, :, 1]"),
    ),
    "non-finite voxels": (
        an_image(not_finite((8, 20, 20))),
        *("error", "c1", "1 voxels that are NaN", "fill them"),
    ),
    "constant image": (
        an_image(np.zeros_like),
        *("error", "c1", "constant round the lesion", "check that image and mask belong together"),
    ),
    "unreadable file": (truncated, "error", "c1", "ends before its last voxel", "copy it again"),
    "absurd spacing": (fine_voxels, "error", "c1", "0.001x0.001x0.003 mm", "set the spacing in mm"),
    "duplicate case id": (doubled_line, "error", "c1", "more than once", "an id of its own"),
    "same image twice": (
        same_image,
        *("warning", "c2", "same voxels as that of case 'c1'", "remove one"),
    ),
    "patient in several groups": (
        put(12, "patient_id", "p0"),
        *(
            "warning",
            "",
            "c0 (internal), c12 (external); the splits external_frozen",
            "keep the cases of one group",
        ),
    ),
    "patient in several sites": (
        put(2, "patient_id", "p1"),
        *("warning", "", "c1 (b), c2 (a)", "correct the patient_id"),
    ),
    "label outside its range": (
        put(1, "ki67", "120"),
        "error",
        "c1",
        "ki67 = 120",
        "from 0 to 100, or empty",
    ),
    "column without a role": (undeclared_column, "error", "", "'shoe_size' has no role", "under [columns]"),
    "unknown group": (put(1, "group", "train"), "error", "c1", "'train'", "expected internal or external"),
    "empty field": (put(1, "site", None), "error", "c1", "line 3: site is empty", "fill it in"),
    "task without contrast": (
        lambda folder: rewrite(folder, lambda cases: cases.assign(er=1)),
        *("error", "", "16 labels, all 1", "ranked = false"),
    ),
}


def found(folder: Path) -> list[Violation]:
    return list(check_folder(folder, quiet=True).violations)
