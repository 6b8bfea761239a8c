"""Task and Cohort: the values that flow through the whole program."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from bench.errors import CohortError
from bench.imaging.crop import Crop

if TYPE_CHECKING:
    from bench.imaging.cache import Crops, Regions
    from bench.imaging.volume import Volume

GROUPS = ("internal", "external")
ROLES = ("acquisition", "clinical", "ignore")


@dataclass(frozen=True)
class Task:
    """One biomarker to read.

    Parameters
    ----------
    name
        Column of the label in ``cases.csv``.
    kind
        ``binary`` (label 0 or 1) or ``continuous``.
    title
        What tables print; the name in capitals where none is declared.
    positive
        Binary: what a label of 1 means.
    unit
        Continuous: unit of label and prediction.
    range
        Continuous: lowest and highest possible value.
    ranked
        Whether the task counts in rankings.
    metric
        Name of the ranking metric; ``auc`` (binary) or ``mae`` (continuous) where none is given.
    """

    name: str
    kind: Literal["binary", "continuous"]
    title: str = ""
    positive: str = ""
    unit: str = ""
    range: tuple[float, float] = (-np.inf, np.inf)
    ranked: bool = True
    metric: str = ""

    def __post_init__(self) -> None:
        if not self.metric:
            object.__setattr__(self, "metric", "auc" if self.kind == "binary" else "mae")

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest admissible prediction: (0, 1) for a binary task, else the declared range."""
        return (0.0, 1.0) if self.kind == "binary" else self.range


@dataclass(frozen=True, eq=False)
class Cohort:
    """Cases with their declared tasks; reading of images is lazy.

    A cohort is a value: :meth:`take` and :meth:`blind` return new ones. ``table`` has one row a case,
    indexed by case id, with the columns ``patient_id``, ``site``, ``group``, one a task (float, NaN where
    unknown; absent when blind) and the declared covariates. ``files`` names image and mask of *every* case
    of the cohort, so that any subset shares one crop cache; it holds no labels. ``skipped_cases`` names the
    cases that were left out as broken, each with the reason. ``lesion_labels`` has, by case id, the values of
    the mask that are the lesion, where they are declared.
    """

    name: str
    tasks: tuple[Task, ...]
    table: pd.DataFrame = field(repr=False)
    files: pd.DataFrame = field(repr=False)
    folder: Path
    fingerprint: str
    synthetic: bool
    title: str = ""
    licence: str = ""
    citation: str = ""
    label_rule: str = ""
    roles: Mapping[str, str] = field(default_factory=dict, repr=False)
    feature_file: Path | None = None
    skipped_cases: Mapping[str, str] = field(default_factory=dict, repr=False)
    lesion_labels: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Case ids in order."""
        return tuple(self.table.index)

    @property
    def patient_ids(self) -> np.ndarray:
        """Patient of each case, shape (case,)."""
        return self.table["patient_id"].to_numpy(dtype=object)

    @property
    def sites(self) -> np.ndarray:
        """Site of each case, shape (case,)."""
        return self.table["site"].to_numpy(dtype=object)

    @property
    def groups(self) -> np.ndarray:
        """Group of each case, ``internal`` or ``external``, shape (case,)."""
        return self.table["group"].to_numpy(dtype=object)

    @property
    def is_blind(self) -> bool:
        """Whether the labels were taken away."""
        return any(task.name not in self.table for task in self.tasks)

    def task(self, name: str) -> Task:
        """The task of that name; raises CohortError where the cohort declares none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise CohortError(f"cohort {self.name!r} has no task {name!r}; it declares {self._task_names()}")

    def take(self, case_ids: Iterable[str]) -> "Cohort":
        """The named cases, in the order given; raises CohortError for a case that is not in the cohort."""
        wanted = list(case_ids)
        missing = [case_id for case_id in wanted if case_id not in self.table.index]
        if missing:
            raise CohortError(f"cohort {self.name!r} has no case {missing[0]!r} ({len(missing)} unknown)")
        return replace(self, table=self.table.loc[wanted])

    def leave_out(self, reasons: Mapping[str, str]) -> "Cohort":
        """The cohort without these cases (case id to reason): one with another fingerprint and crop cache."""
        if not reasons:
            return self
        listed = "\0".join((self.fingerprint, *sorted(reasons)))
        return replace(
            self,
            table=self.table.drop(index=list(reasons), errors="ignore"),
            files=self.files.drop(index=list(reasons), errors="ignore"),
            fingerprint=hashlib.sha256(listed.encode()).hexdigest(),
            skipped_cases={**self.skipped_cases, **reasons},
        )

    def blind(self) -> "Cohort":
        """The same cases without labels: the only form in which a method sees what it is tested on."""
        names = [task.name for task in self.tasks if task.name in self.table]
        return replace(self, table=self.table.drop(columns=names))

    def labels(self, task: str) -> np.ndarray:
        """Labels of a task, float, shape (case,), NaN where unknown; raises CohortError when blind."""
        self.task(task)
        if task not in self.table:
            raise CohortError(
                f"labels of {task!r} were asked of blind cases: a method never sees a test label"
            )
        return self.table[task].to_numpy(dtype=float, copy=True)

    def covariates(self, role: Literal["acquisition", "clinical"]) -> pd.DataFrame:
        """The columns declared with that role, one row a case, indexed by case id; may have no column."""
        return self.table[[name for name, its in self.roles.items() if its == role]].copy()

    def features(self) -> pd.DataFrame:
        """The feature table that the cohort carries, numbers or words, one row a case, indexed by case id.

        Raises CohortError where the cohort has none.
        """
        if self.feature_file is None:
            raise CohortError(f"cohort {self.name!r} carries no feature table")
        from bench.cohorts.features import features_of

        return features_of(self.feature_file, self.case_ids)

    @property
    def has_volumes(self) -> bool:
        """Whether every case has an image and a mask."""
        return bool(len(self.files)) and bool(self.files[["image", "mask"]].notna().to_numpy().all())

    def volume(self, case_id: str) -> "Volume":
        """Image and mask of one case with their geometry."""
        from bench.imaging.volume import read_volume

        self._require_volumes()
        row = self.files.loc[case_id]
        image, mask = self.folder / row["image"], self.folder / row["mask"]
        return read_volume(case_id, image, mask, self.lesion_labels.get(case_id, ()))

    def crops(self, crop: Crop) -> "Crops":
        """Crops of these cases, shape (case, channel, z, y, x), read lazily from the shared crop cache."""
        from bench.imaging.cache import open_crops

        self._require_volumes()
        return open_crops(self, crop)

    def regions(
        self,
        crop: Crop,
        core_mm: float = 3.0,
        rim_mm: tuple[float, float] = (-3.0, 1.0),
        surround_mm: tuple[float, float] = (1.0, 9.0),
    ) -> "Regions":
        """Core, rim and surround on the crop grid, bool, shape (case, 3, z, y, x), read lazily.

        See :func:`bench.imaging.regions.region_masks` for the rule.
        """
        from bench.imaging.cache import open_regions

        self._require_volumes()
        return open_regions(self, crop, core_mm, rim_mm, surround_mm)

    def _require_volumes(self) -> None:
        if not self.has_volumes:
            raise CohortError(f"cohort {self.name!r} has no image and mask for every case")

    def _task_names(self) -> str:
        return ", ".join(task.name for task in self.tasks)
