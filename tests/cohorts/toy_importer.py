"""Importers of a few lines, for tests of the frame."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import SimpleITK as sitk

from bench.cohorts.importers.importer import Box, Card, Case, Excluded, Study, option
from bench.task import Task

NAMES = ("Doe^Jane", "Roe^Mary", "Poe^Ann", "Loe^Sue")
TILT = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)


def tilted_image(seed: int, scale: float = 1000) -> sitk.Image:
    """An oblique volume of 12 x 10 x 8 voxels."""
    voxels = np.random.default_rng(seed).random((8, 10, 12)) * scale
    image = sitk.GetImageFromArray(np.round(voxels) if scale > 1 else voxels)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-31.5, 12.25, 7.125))
    image.SetDirection(TILT)
    return image


@dataclass(frozen=True)
class ToyImporter:
    """Two exams a patient, of which the second lies 100 days later; Loe^Sue has no images."""

    patients: int = option("How many.", 3)
    scale: float = option("Largest voxel value.", 1000.0)
    pause: float = option("Seconds a study takes.", 0.0)

    def card(self) -> Card:
        """Two tasks and a covariate."""
        tasks = (Task("er", "binary", positive="ER positive"), Task("ki67", "continuous", unit="%"))
        return Card("toy", tasks, roles={"age": "clinical", "comment": "ignore"})

    def studies(self) -> Iterator[Study | Excluded]:
        """A study a patient."""
        for at in range(self.patients):
            name = NAMES[at] if at < len(NAMES) - 1 else f"Coe^Nr{at}"
            yield Study(name, name, at)
        yield Excluded(NAMES[-1], NAMES[-1], "no images", unjoined="table")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """The exams of a patient."""
        time.sleep(self.pause)
        for exam in range(2):
            yield Case(
                f"{study.key}/{exam}",
                study.patient,
                labels={"er": study.content % 2, "ki67": None if exam else 12.5 + study.content},
                covariates={"age": 50 + exam, "comment": "=HYPERLINK(1)" if exam else None},
                image=tilted_image(study.content, self.scale),
                mask=Box((2, 3, 1), (5, 6, 4)),
                exam_date=date(2011, 5, 1 + exam * 20),
                evidence={"phase": "first post-contrast"},
            )
