"""ODELIA (challenge of 2025): breasts with their lesion's class, in the published layout."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import SimpleITK as sitk

from bench.cohorts.importers.importer import Card, Case, Excluded, Study, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.cohorts.values import numbers
from bench.errors import UsageError, parameter
from bench.imaging.volume import as_image, open_file
from bench.task import Task

DATA, METADATA = "data_unilateral", "metadata_unilateral"
UID, PATIENT, LESION = "UID", "PatientID", "Lesion"
CLASSES = {"0": "none", "1": "benign", "2": "malignant", "": ""}
# Days of a year, and an age that nobody reaches.
DAYS, MAX_AGE = 365.25, 130
BREAST = "no lesion is drawn: the mask is the whole breast"
OUTSIDE = "file outside the folder of the source"


@dataclass(frozen=True)
class OdeliaImporter:
    """One case a breast; both breasts of a patient stay together, and the institution is the site.

    ``root`` holds ``INSTITUTION/metadata_unilateral/annotation.csv`` and
    ``INSTITUTION/data_unilateral/UID/Pre.nii.gz``, ``Post_1.nii.gz``, ..., or a folder ``data`` with these.
    """

    root: Path = option("Folder with a folder for each institution.", argument=True)
    image: str = option("Volume to take: Post_1, Post_2, Pre, Sub_1 or T2.", "Post_1")
    masks: Path | None = option(
        "Folder of lesion masks of your own, UID.nii.gz; the breast where none is.", None
    )

    def card(self) -> Card:
        """Whether the breast holds a malignant lesion; no receptor status and no Ki-67."""
        for folder, of in ((self.root, "ROOT"), (self.masks, parameter("masks"))):
            if folder is not None and not folder.is_dir():
                raise UsageError(f"there is no folder {folder}; correct {of}")
        _institutions(self.root)
        return Card(
            name="odelia",
            title="ODELIA challenge 2025",
            tasks=(
                Task("malignant", "binary", positive="a malignant lesion"),
                Task("lesion", "binary", positive="any lesion, benign or malignant", ranked=False),
            ),
            licence="as the data set's page says; access on request",
            citation="ODELIA challenge 2025, huggingface.co/datasets/ODELIA-AI/ODELIA-Challenge-2025",
            roles={"age": "clinical", "side": "ignore", "published_part": "ignore"},
            label_rule=(
                "Column Lesion of annotation.csv: 0 none, 1 benign, 2 malignant; an empty cell is unknown. "
                "A case is a breast."
            ),
            lacks="ER, PR, HER2 and Ki-67 for all patients, and a mask of the lesion.",
            subtype_rule="None: the collection has no receptor status.",
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a breast, then the folders of images that no annotation names."""
        for institution in _institutions(self.root):
            if not (institution / METADATA / "annotation.csv").is_file():
                yield from _hidden(institution)
                continue
            table = annotations(institution)
            for row in table.to_dict("records"):
                yield self._study(institution, row)
            for folder in sorted((institution / DATA).glob("*/")):
                if folder.is_dir() and folder.name not in set(table[UID]):
                    yield Excluded(folder.name, folder.name, "not in annotation.csv", unjoined="images")

    def _study(self, institution: Path, row: dict[Any, Any]) -> Study | Excluded:
        case, patient = str(row[UID]), f"{institution.name}-{row[PATIENT]}"
        image = institution / DATA / case / f"{self.image}.nii.gz"
        mask = None if self.masks is None else self.masks / f"{case}.nii.gz"
        if leaves(image, self.root) or (mask is not None and self.masks and leaves(mask, self.masks)):
            return Excluded(case, patient, OUTSIDE)
        if not image.is_file():
            return Excluded(case, patient, f"no {self.image}.nii.gz", unjoined="table")
        drawn = mask if mask is not None and mask.is_file() else None
        return Study(case, patient, (institution.name, row, image, drawn))

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a breast."""
        site, row, image, mask = study.content
        file = open_file(study.key, "image", image)
        volume = as_image(file.whole(), file.grid)
        yield Case(
            study.key,
            study.patient,
            site=site,
            labels=labels_of(row, ("malignant", "lesion")),
            covariates={name: row[name] or None for name in ("age", "side", "published_part")},
            image=volume,
            mask=breast(volume) if mask is None else mask,
            evidence={
                "phase": self.image,
                **({"mask": "given"} if mask else {"mask": BREAST, "flag": BREAST}),
            },
        )


def _institutions(root: Path) -> list[Path]:
    """Folders of the institutions; raises UsageError where there is none."""
    found = sorted(path.parent for path in [*root.glob(f"*/{METADATA}"), *root.glob(f"data/*/{METADATA}")])
    if not any((folder / METADATA / "annotation.csv").is_file() for folder in found):
        raise UsageError(
            f"{root} holds no INSTITUTION/{METADATA}/annotation.csv; name the folder that the data set was "
            "downloaded to, with its unilateral part"
        )
    return found


def _hidden(institution: Path) -> Iterator[Excluded]:
    """The breasts of an institution whose labels are kept for the challenge."""
    path = institution / METADATA / "split.csv"
    for uid in read_sheet(path)[UID] if path.is_file() else ():
        yield Excluded(uid, uid, "no annotation.csv: labels are not published")


def annotations(institution: Path) -> pd.DataFrame:
    """Ids, labels, age, side and published part of an institution's breasts, empty where unknown."""
    path = institution / METADATA / "annotation.csv"
    table = read_sheet(path)
    require_columns(path, table, [UID, PATIENT, LESION])
    found = table[[UID, PATIENT]].copy()
    kind = decode(path, table, LESION, CLASSES)
    found["malignant"] = kind.map({"none": "0", "benign": "0", "malignant": "1", "": ""})
    found["lesion"] = kind.map({"none": "0", "benign": "1", "malignant": "1", "": ""})
    found["age"] = _years(table["Age"]) if "Age" in table else ""
    found["side"] = [_side(str(uid)) for uid in table[UID]]
    found["published_part"] = _parts(institution, table)
    return found


def _years(cells: "pd.Series[str]") -> list[str]:
    """Ages in years: what no human reaches in years is in days, as the published tables have it."""
    ages = numbers(cells.where(cells != "", "")).values
    return ["" if age != age else f"{age / DAYS if age > MAX_AGE else age:.0f}" for age in ages]


def _side(uid: str) -> str:
    return next((side for side in ("left", "right") if uid.lower().endswith(side)), "")


def _parts(institution: Path, table: pd.DataFrame) -> list[str]:
    path = institution / METADATA / "split.csv"
    if not path.is_file():
        return [""] * len(table)
    split = read_sheet(path)
    require_columns(path, split, [UID, "Split"])
    parts = dict(zip(split[UID], split["Split"], strict=True))
    return [parts.get(uid, "") for uid in table[UID]]


def breast(image: sitk.Image) -> sitk.Image:
    """The largest connected region above Otsu's threshold: the breast against air."""
    above = sitk.OtsuThreshold(sitk.Cast(image, sitk.sitkFloat32), 0, 1)
    pieces = sitk.RelabelComponent(sitk.ConnectedComponent(above), sortByObjectSize=True)
    largest: sitk.Image = sitk.Cast(pieces == 1, sitk.sitkUInt8)
    return largest
