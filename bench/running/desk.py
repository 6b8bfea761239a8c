"""Hands a method the cases of its cell: first those to learn from, then those to predict."""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.image_files import with_data_files
from bench.cohorts.radiomics import RadiomicsSettings, recipe_name
from bench.errors import MachineError
from bench.files import reason
from bench.imaging.cache import BATCH, STORED, open_images, open_stored, preprocessing_fingerprint
from bench.imaging.crop import Crop, require_images
from bench.imaging.source import CropSource
from bench.running.handed import HandedCohort, given
from bench.splits.fold import Fold

FILES, CROPS, FEATURES = "cases", "crops", "features"


@dataclass(frozen=True)
class Desk:
    """Hands out the cases of one cell, in a folder that shows these cases alone.

    Parameters
    ----------
    cohort, fold
        Every case, and which of them the cell learns from and predicts.
    shows_files
        Whether image files are shown, for a method that reads volumes.
    view
        The folder; the method may read it and not write to it.
    further
        Images beside the first whose files are shown too.
    asked
        Channels of images of which crops were handed out, by the names of the images.
    """

    cohort: Cohort
    fold: Fold
    shows_files: bool
    view: Path
    further: tuple[str, ...] = ()
    asked: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Make the folder, without what an earlier try of the cell may have left there."""
        self.close()
        for part in (FILES, CROPS, FEATURES):
            (self.view / part).mkdir(parents=True)

    def close(self) -> None:
        """Take the folder away."""
        shutil.rmtree(self.view, ignore_errors=True)

    def learning(self) -> HandedCohort:
        """Training and validation cases with their labels."""
        return self._handed(self.cohort, self._learning_ids)

    def test(self) -> HandedCohort:
        """Test cases without labels; their files are shown from now on."""
        return self._handed(self.cohort.blind(), self.fold.test)

    def crops(self, crop: Crop, tested: bool) -> tuple[Path, tuple[str, ...]]:
        """A file with the crops of the test cases, or of the others, and whose they are, in order.

        Crops of the whole cohort are cut first where they were not cut before. Raises CohortError as
        :meth:`bench.cohorts.cohort.Cohort.crops` does.
        """
        require_images(crop, self.cohort.images, self.cohort.name)
        self.asked.update(crop.image_channels(self.cohort.images))
        return self._copied(crop, tested, "", open_stored), self._ids(tested)

    def images(self, crop: Crop, tested: bool) -> Path | None:
        """A file with every image of these crops; None where they show no image but the first."""
        if not crop.needs_others(self.cohort.images):
            return None
        return self._copied(crop, tested, "-images", open_images)

    def radiomics(self, settings: RadiomicsSettings, tested: bool) -> tuple[Path, pd.DataFrame]:
        """The features of the test cases, or of the others: a file, shape (case, feature), and their table.

        The cases of that part alone are measured. Raises CohortError as
        :meth:`bench.cohorts.cohort.Cohort.radiomics` does, MachineError where the disk refuses to keep them.
        """
        cases = self.cohort.take(self._ids(tested))
        self.asked.add(self.cohort.images[0])
        path = self.view / FEATURES / f"{_part(tested)}-{recipe_name(settings)}.npy"
        try:
            table = cases.radiomics(settings)
            np.save(path, table.to_numpy(dtype=float), allow_pickle=False)
        except OSError as error:
            raise MachineError(f"cannot keep radiomics features: {reason(error)}") from error
        return path, table

    def given(self) -> tuple[str, ...]:
        """The images that the method was given, as channels of crops."""
        return given(self.asked, self.shows_files, self.further, self.cohort.images)

    def _copied(
        self, crop: Crop, tested: bool, kind: str, opened: Callable[[CropSource, Crop], np.ndarray]
    ) -> Path:
        """The crops of one kind, of the cases of one part alone, in a file that the method may read."""
        recipe = preprocessing_fingerprint(crop)[:16]
        path = self.view / CROPS / f"{_part(tested)}-{recipe}{kind}.npy"
        if not path.is_file():
            source, case_ids = self.cohort.crop_source(), self._ids(tested)
            stored, rows = opened(source, crop), source.files.index.get_indexer(pd.Index(case_ids))
            part = path.with_suffix(".part")
            shape = (len(case_ids), *stored.shape[1:])
            copied = np.lib.format.open_memmap(part, mode="w+", dtype=STORED, shape=shape)
            for first in range(0, len(case_ids), BATCH):
                copied[first : first + BATCH] = stored[rows[first : first + BATCH]]
            copied.flush()
            part.replace(path)
        return path

    def _ids(self, tested: bool) -> tuple[str, ...]:
        return self.fold.test if tested else self._learning_ids

    @property
    def _learning_ids(self) -> tuple[str, ...]:
        return (*self.fold.train, *self.fold.val)

    def _handed(self, cohort: Cohort, case_ids: tuple[str, ...]) -> HandedCohort:
        cases = cohort.take(case_ids)
        features = None if cohort.feature_file is None else cases.features()
        columns = ["image", "mask", *(name for name in self.further if name in cohort.files)]
        files = cohort.files.loc[list(case_ids) if self.shows_files else [], columns]
        if self.shows_files:
            self._show(files.to_numpy().ravel())
        return HandedCohort(
            name=cohort.name,
            tasks=cohort.tasks,
            table=cases.table,
            files=files,
            folder=self.view / FILES,
            fingerprint=cohort.fingerprint,
            synthetic=cohort.synthetic,
            title=cohort.title,
            licence=cohort.licence,
            citation=cohort.citation,
            label_rule=cohort.label_rule,
            roles=cohort.roles,
            lesion_labels={
                case: cohort.lesion_labels[case] for case in case_ids if case in cohort.lesion_labels
            },
            feature_file=None if features is None else self._written(features, cohort.is_blind),
            feature_rows=features,
            images=cohort.images,
        )

    def _written(self, features: pd.DataFrame, tested: bool) -> Path:
        path = self.view / FILES / f"features-{_part(tested)}.csv"
        features.to_csv(path)
        return path

    def _show(self, names: Iterable[str]) -> None:
        """Show files of the cohort under their names: as links where the disk allows, else as copies."""
        for name in with_data_files(self.cohort.folder, names):
            shown = self.view / FILES / name
            shown.parent.mkdir(parents=True, exist_ok=True)
            source = (self.cohort.folder / name).resolve()
            with suppress(OSError):
                os.link(source, shown)
            if not shown.exists():
                shutil.copyfile(source, shown)


def _part(tested: bool) -> str:
    """The name of one of the two parts that a method is handed, in names of files."""
    return "test" if tested else "learning"
