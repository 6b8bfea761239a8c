"""What imaging needs to know of a cohort: where the files of every case lie, and a hash of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.imaging.crop import IMAGE


class CaseFiles(NamedTuple):
    """The files of a case as its cohort was loaded, relative to the folder of the cohort.

    Attributes
    ----------
    image, mask
        Paths; empty where the cohort names none. ``image`` is the first of several.
    lesion_label
        Values of the mask that are the lesion; empty where none are declared.
    others
        Names and paths of the further images.
    """

    case_id: str
    image: str
    mask: str
    lesion_label: tuple[float, ...]
    others: tuple[tuple[str, str], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether mask and images are named."""
        return bool(self.image and self.mask) and all(path for _, path in self.others)


def case_files(files: pd.DataFrame, lesion_labels: Mapping[str, tuple[float, ...]]) -> tuple[CaseFiles, ...]:
    """A table with the columns ``image``, ``mask`` and further images, by case id, as a fixed value."""
    others = [str(name) for name in files if name not in ("image", "mask")]
    named = files[["image", "mask", *others]].fillna("").astype(str)
    return tuple(
        CaseFiles(
            case_id, image, mask, tuple(lesion_labels.get(case_id, ())), tuple(zip(others, more, strict=True))
        )
        for case_id, image, mask, *more in named.itertuples(name=None)
    )


@dataclass(frozen=True, eq=False)
class CropSource:
    """The files that crops are cut from, of every case of a cohort, so that any subset shares one cache.

    Parameters
    ----------
    name
        Of the cohort, for messages.
    folder
        What the paths in ``files`` are relative to.
    files
        Paths of ``image`` (the first where there are several), ``mask`` and the further images under their
        names, one row per case, indexed by case id.
    fingerprint
        Changes with the content of any file, in hex.
    lesion_labels
        Case id to the values of the mask that are the lesion, where they are declared.
    images
        Names of the images of a case, in their order.
    """

    name: str
    folder: Path
    files: pd.DataFrame
    fingerprint: str
    lesion_labels: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    images: tuple[str, ...] = (IMAGE,)

    def paths(self, case_id: str) -> tuple[Path, Path]:
        """Image, of several the first, and mask of a case."""
        row = self.files.loc[case_id]
        return self.folder / row["image"], self.folder / row["mask"]

    def others(self, case_id: str) -> dict[str, Path]:
        """The further images of a case by their names."""
        row = self.files.loc[case_id]
        return {name: self.folder / row[name] for name in self.images[1:] if name in row}
