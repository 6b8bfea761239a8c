"""BreastDCEDL: its metadata, and the volumes and masks of I-SPY 1, I-SPY 2 and Duke as NIfTI."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bench.cohorts.importers.importer import Card, Case, Excluded, Published, Study, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.importers.sheet import decode, labels_of, read_sheet, require_columns
from bench.errors import UsageError, parameter
from bench.task import Task

ID, DATASET = "pid", "dataset"
MEANING = {"hr": "ER or PR positive", "her2": "HER2 positive"}
COLUMNS = {"hr": "HR", "her2": "HER2"}
LABEL = {"0": "0", "1": "1", "0.0": "0", "1.0": "1", "": ""}
SITES = {"spy1": "ISPY1", "spy2": "ISPY2", "duke": "DUKE"}
EXTERNAL = "spy1"
CLINICAL = ("age", "menopause")
VOLUME = re.compile(r"(.+?)_(?:spy2_vis1_dce|spy1_vis1|duke)_(?:aqc|acq)_?(\d+)\.nii(\.gz)?")
MASK = re.compile(r"(.+?)_(?:spy[12]_vis1|duke)_mask\.nii(\.gz)?")
OUTSIDE = "file outside the folder of the source"
PUBLISHED = (
    Published(
        "her2",
        "AUC",
        0.74,
        None,
        None,
        "Fridman and Goldstein, arXiv 2510.13897, 2025: I-SPY 1 and 2 (1,149 patients), their test part",
    ),
)


class Acquisition(StrEnum):
    """Which of the acquisitions that the metadata name is taken."""

    PRE = "pre"
    POST_EARLY = "post_early"
    POST_LATE = "post_late"


@dataclass(frozen=True)
class BreastDcedlImporter:
    """The patients of BreastDCEDL with a volume and a mask; I-SPY 1 is external.

    ``root`` holds, in any folders, ``ID_spy2_vis1_dce_aqc_K.nii.gz``, ``ID_spy1_vis1_acqK.nii.gz`` and
    ``ID_duke_aqc_K.nii.gz``, K counting acquisitions from 0, and ``ID_spy2_vis1_mask.nii.gz`` and its like.
    """

    metadata: Path = option("BreastDCEDL_metadata.csv, or that of the min-crop version.", argument=True)
    root: Path | None = option("Folder of the volumes and masks; no images where not given.", None)
    acquisition: Acquisition = option(
        "Acquisition to take, as the metadata number it.", Acquisition.POST_EARLY
    )

    def card(self) -> Card:
        """Hormone receptor and HER2 status; neither ER nor PR apart, no Ki-67."""
        if self.root is not None and not self.root.is_dir():
            raise UsageError(f"there is no folder {self.root}; correct {parameter('root')}")
        return Card(
            name="breastdcedl",
            title="BreastDCEDL",
            tasks=tuple(Task(name, "binary", positive=text) for name, text in MEANING.items()),
            licence="CC BY 4.0; Duke cases CC BY-NC 4.0",
            citation="Fridman et al., BreastDCEDL, Scientific Data 13:264, 2026",
            roles={
                "slice_thickness_mm": "acquisition",
                **dict.fromkeys(CLINICAL, "clinical"),
                "published_part": "ignore",
            },
            categorical=("menopause", "published_part"),
            label_rule=(
                "As each source collection (I-SPY 1, I-SPY 2, Duke) has it: HR is 1 where ER or PR is "
                "positive; an empty cell is unknown. published_part is the column test of the metadata."
            ),
            lacks="ER and PR apart, and Ki-67, for all patients; no ER or PR is derived from HR.",
            subtype_rule="The metadata's HR_HER2_STATUS is made of HR and HER2; it is not imported.",
            published=PUBLISHED,
            ids_published=True,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient of the metadata, then the volumes that the metadata do not name."""
        table = metadata_table(self.metadata, self.acquisition)
        volumes, masks = ({}, {}) if self.root is None else files_of(self.root)
        for row in table.to_dict("records"):
            patient, number = str(row[ID]), row["number"]
            files = {"image": volumes.get((patient, number)), "mask": masks.get(patient)}
            missing = [role for role, path in files.items() if path is None]
            if self.root is None:
                yield Study(patient, patient, (row, {}))
            elif missing:
                yield Excluded(patient, patient, f"no {' and no '.join(missing)}", unjoined="table")
            elif any(leaves(path, self.root) for path in files.values() if path is not None):
                yield Excluded(patient, patient, OUTSIDE)
            else:
                yield Study(patient, patient, (row, files))
        for patient in sorted({patient for patient, _ in volumes} - set(table[ID])):
            yield Excluded(patient, patient, "not in the metadata", unjoined="images")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The one case of a patient."""
        row, files = study.content
        group: Literal["internal", "external"] = "external" if row[DATASET] == EXTERNAL else "internal"
        said = f"{self.acquisition}, acquisition {row['number']} by the metadata"
        yield Case(
            study.key,
            study.patient,
            site=SITES[row[DATASET]],
            group=group,
            labels=labels_of(row, MEANING),
            covariates={
                name: row[name] or None for name in ("slice_thickness_mm", *CLINICAL, "published_part")
            },
            evidence={"phase": said, "mask": "published mask"} if files else {},
            **files,
        )


def files_of(root: Path) -> tuple[dict[tuple[str, str], Path], dict[str, Path]]:
    """Volumes by patient and acquisition, and masks by patient, of a folder tree."""
    volumes: dict[tuple[str, str], Path] = {}
    masks: dict[str, Path] = {}
    for path in sorted(root.rglob("*.nii*")):
        mask, volume = MASK.fullmatch(path.name), VOLUME.fullmatch(path.name)
        if mask:
            masks.setdefault(mask[1], path)
        elif volume:
            volumes.setdefault((volume[1], str(int(volume[2]))), path)
    return volumes, masks


def metadata_table(path: Path, acquisition: str) -> pd.DataFrame:
    """Ids, labels, covariates and the number of the acquisition, empty where unknown."""
    table = read_sheet(path)
    require_columns(
        path, table, [ID, DATASET, acquisition, *COLUMNS.values(), *CLINICAL, "slice_thick", "test"]
    )
    found = table[[ID, "age"]].copy()
    found[DATASET] = decode(path, table, DATASET, {name: name for name in SITES})
    for name, column in COLUMNS.items():
        found[name] = decode(path, table, column, LABEL)
    found["menopause"] = table["menopause"].map(_whole)
    found["slice_thickness_mm"] = table["slice_thick"]
    found["published_part"] = table["test"].map(_whole)
    found["number"] = table[acquisition].map(_whole)
    return found


def _whole(cell: Any) -> str:
    """A number without its decimals: the metadata have 2.0 for 2."""
    return str(cell).removesuffix(".0")
