"""Task and Cohort: the values that flow through the whole program."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from bench.errors import CohortError
from bench.imaging.crop import IMAGE, Crop
from bench.imaging.source import CaseFiles, CropSource, case_files
from bench.task import Task

if TYPE_CHECKING:
    from bench.cohorts.dataset import CropDataset
    from bench.cohorts.radiomics import RadiomicsSettings
    from bench.imaging.crops import Crops, Regions
    from bench.imaging.volume import Volume


@dataclass(frozen=True, eq=False)
class Cohort:
    """Cases with their declared tasks; reading of images is lazy.

    A cohort is a value: :meth:`take` and :meth:`blind` return new ones. ``table`` has one row a case,
    indexed by case id, with the columns ``patient_id``, ``site``, ``group``, one a task (float, NaN where
    unknown; absent when blind) and the declared covariates. ``files`` names image and mask of *every* case
    of the cohort, so that any subset shares one crop cache; it holds no labels. ``skipped_cases`` names the
    cases that were left out as invalid, each with the reason. ``lesion_labels`` has, by case id, the values
    of the mask that are the lesion, where they are declared. Images are read from ``as_loaded``, which holds
    both as they were when the cohort was loaded: whoever changes ``files`` changes no crop. ``sources`` are
    the folders of the cohorts that it was joined from, whose files lie under links in ``folder``. ``images``
    are the names of the images of each case, such as phases; ``files`` has the first of them as ``image``,
    the others under their names.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> len(cohort), [task.name for task in cohort.tasks]
    (68, ['er', 'pr', 'her2', 'ki67'])
    >>> some = cohort.take(cohort.case_ids[:3])
    >>> some.labels("er").shape
    (3,)
    >>> some.blind().is_blind
    True
    >>> crops = some.crops(bench.Crop(size_mm=40, spacing_mm=2))
    >>> crops.shape  # (case, channel, z, y, x)
    (3, 2, 20, 20, 20)
    >>> image, label = some.dataset(bench.Crop(size_mm=40, spacing_mm=2), tasks=["er"])[0]
    >>> tuple(image.shape), tuple(label.shape)
    ((2, 20, 20, 20), (1,))
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
    as_loaded: tuple[CaseFiles, ...] = field(default=(), repr=False)
    sources: tuple[Path, ...] = field(default=(), repr=False)
    images: tuple[str, ...] = (IMAGE,)

    def __post_init__(self) -> None:
        if not self.as_loaded and len(self.files):
            object.__setattr__(self, "as_loaded", case_files(self.files, self.lesion_labels))

    def __len__(self) -> int:
        return len(self.table)

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Case ids in order."""
        return tuple(self.table.index.to_numpy(dtype=object).tolist())

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
        places = self.table.index.get_indexer_for(pd.Index(wanted))
        if (places < 0).any():
            missing = [case_id for case_id in wanted if case_id not in self.table.index]
            raise CohortError(f"cohort {self.name!r} has no case {missing[0]!r} ({len(missing)} unknown)")
        return replace(self, table=self.table.iloc[places])

    def leave_out(self, reasons: Mapping[str, str]) -> "Cohort":
        """The cohort without these cases (case id to reason): one with another fingerprint and crop cache."""
        if not reasons:
            return self
        listed = "\0".join((self.fingerprint, *sorted(reasons)))
        return replace(
            self,
            table=self.table.drop(index=list(reasons), errors="ignore"),
            files=self.files.drop(index=list(reasons), errors="ignore"),
            as_loaded=tuple(case for case in self.as_loaded if case.case_id not in reasons),
            fingerprint=hashlib.sha256(listed.encode()).hexdigest(),
            skipped_cases={**self.skipped_cases, **reasons},
        )

    def blind(self) -> "Cohort":
        """The same cases without labels: the only form in which a method sees what it is tested on.

        Columns of the role ``ignore`` go too, as what they hold may be made of the labels.
        """
        ignored = [name for name, role in self.roles.items() if role == "ignore"]
        names = [name for name in (*(task.name for task in self.tasks), *ignored) if name in self.table]
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
        return self.table[[name for name, declared in self.roles.items() if declared == role]].copy()

    def features(self) -> pd.DataFrame:
        """The feature table that the cohort carries, numbers or words, one row a case, indexed by case id.

        Raises CohortError where the cohort has none.
        """
        if self.feature_file is None:
            raise CohortError(f"cohort {self.name!r} carries no feature table")
        from bench.cohorts.features import features_of

        return features_of(self.feature_file, self.case_ids)

    def radiomics(self, settings: "RadiomicsSettings | None" = None) -> pd.DataFrame:
        """Radiomics features of these cases, float, one row a case, indexed by case id.

        They are measured once, whichever method asks first, and kept in the cache of the cohort. Behind the
        fence of a run the benchmark measures the cases that the method holds, and no other.

        Parameters
        ----------
        settings
            What is measured; where not given, what ``radiomics_lr`` measures.

        Returns
        -------
        pandas.DataFrame
            A column a feature, ``<region>_<name of pyradiomics>``. NaN where a case lacks a feature; one
            that all cases lack has no column: ``reindex`` new cases to the columns of the training cases.

        Raises
        ------
        CohortError
            The cohort has no images, pyradiomics is not installed, or it refuses the parameter file.
        """
        from bench.cohorts.radiomics import RadiomicsSettings, measured

        return measured(self, settings or RadiomicsSettings())

    @property
    def has_volumes(self) -> bool:
        """Whether every case has its images and a mask."""
        return bool(self.as_loaded) and all(case.is_complete for case in self.as_loaded)

    def volume(self, case_id: str) -> "Volume":
        """Images and mask of one case with their geometry."""
        from bench.imaging.volume import read_volume

        source = self.crop_source()
        labels, others = source.lesion_labels.get(case_id, ()), source.others(case_id)
        return read_volume(case_id, *source.paths(case_id), labels, others, self.images[0])

    def crops(self, crop: Crop) -> "Crops":
        """Crops of these cases, shape (case, channel, z, y, x), read lazily from the shared crop cache.

        Raises CohortError where a channel shows an image that the cases do not have.
        """
        from bench.imaging.cache import open_crops

        return open_crops(self.crop_source(), self.case_ids, crop)

    def dataset(self, crop: Crop, tasks: Iterable[str] | None = None) -> "CropDataset":
        """A torch Dataset of (image, labels), one item per case, in the order of the cases.

        Parameters
        ----------
        crop
            Which crop; its channels are those of the image.
        tasks
            Whose labels, in this order; all tasks where not given.

        Returns
        -------
        CropDataset
            Items are an image, float32 of shape (channel, z, y, x), and labels, float32 of shape (task,), NaN
            where unknown.

        Raises
        ------
        CohortError
            Labels are asked of blind cases (``tasks=()`` asks for none), or there is no such task.
        """
        from bench.cohorts.dataset import CropDataset

        names = [task.name for task in self.tasks] if tasks is None else list(tasks)
        return CropDataset(self.crops(crop), [self.labels(name) for name in names])

    def regions(
        self,
        crop: Crop,
        core_mm: float = 3.0,
        rim_mm: tuple[float, float] = (-3.0, 1.0),
        surround_mm: tuple[float, float] = (1.0, 9.0),
    ) -> "Regions":
        """Core, rim and peritumoural region on the crop grid, bool, shape (case, 3, z, y, x), read lazily.

        See :func:`bench.imaging.regions.region_masks` for the rule.
        """
        from bench.imaging.cache import open_regions

        return open_regions(self.crop_source(), self.case_ids, crop, core_mm, rim_mm, surround_mm)

    def crop_source(self) -> CropSource:
        """The image files of every case; raises CohortError where one lacks its image or mask."""
        if not self.has_volumes:
            raise CohortError(
                f"cohort {self.name!r} shows no image and mask of every case; a method is shown them where "
                'needs=("volumes",) stands in the MethodSpec'
            )
        rows = {case.case_id: (case.image, case.mask, *dict(case.others).values()) for case in self.as_loaded}
        others = [name for name, _ in self.as_loaded[0].others]
        files = pd.DataFrame.from_dict(rows, orient="index", columns=["image", "mask", *others])
        marks = {case.case_id: case.lesion_label for case in self.as_loaded if case.lesion_label}
        return CropSource(self.name, self.folder, files, self.fingerprint, marks, self.images)

    def _task_names(self) -> str:
        return ", ".join(task.name for task in self.tasks)
