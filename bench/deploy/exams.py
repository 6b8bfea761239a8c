"""Exams without labels as a cohort: one image with its mask, or a cohort folder."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.cohorts.checking.violation import Violation, refuse
from bench.cohorts.cohort import Cohort
from bench.cohorts.columns import FILES
from bench.cohorts.folder import cohort_of, read_listing
from bench.deploy.bundle import Bundle
from bench.errors import CohortError, UsageError, unknown_name
from bench.task import Task

MISSING_COLUMN = "missing column"
UNKNOWN = "unknown"


def exam_of_files(image: Path, mask: Path, bundle: Bundle, covariates: Mapping[str, str]) -> Cohort:
    """One image with the mask of its lesion, as a cohort of one case without labels.

    Parameters
    ----------
    covariates
        Of those that the models' cohort has, the known ones, as text.

    Raises
    ------
    CohortError
        One of the files is missing.
    UsageError
        There is no such covariate, or it is a number and its text is not.
    """
    for path, role in ((image, "image"), (mask, "mask")):
        if not path.is_file():
            raise CohortError(f"the {role} {path} is missing; correct its path")
    folder = image.resolve().parent
    case_id = image.name.removesuffix(".gz").removesuffix(".nii")
    index = pd.Index([case_id], name="case_id")
    named = {"image": image.name, "mask": os.path.relpath(mask.resolve(), folder)}
    digest = hashlib.sha256()
    for path in (image, mask):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    known = {"patient_id": case_id, "site": UNKNOWN, "group": "external"} | _covariates(bundle, covariates)
    return Cohort(
        name=case_id,
        tasks=bundle.tasks,
        table=pd.DataFrame(known, index=index),
        roles=bundle.roles,
        files=pd.DataFrame(named, index=index)[list(FILES)],
        folder=folder,
        fingerprint=digest.hexdigest(),
        synthetic=False,
    )


def _covariates(bundle: Bundle, given: Mapping[str, str]) -> dict[str, float | str | None]:
    """Every covariate of the models' cohort: a number where it is one there, missing where not given."""
    for name in given:
        if name not in bundle.roles:
            raise unknown_name("covariate", name, bundle.roles)
    found: dict[str, float | str | None] = {}
    for name, role in bundle.roles.items():
        text = given.get(name)
        if f"{role} {name}" in bundle.coverage.categories:
            found[name] = text
            continue
        try:
            found[name] = float("nan" if text is None else text)
        except ValueError:
            raise UsageError(f"covariate {name} is a number in {bundle.cohort}, got {text!r}") from None
    return found


def exams_of_folder(folder: Path, tasks: tuple[Task, ...]) -> Cohort:
    """The cases of a cohort folder without their labels, which the folder need not have.

    Parameters
    ----------
    tasks
        What is predicted, whatever the folder declares.

    Raises
    ------
    CohortError
        The folder has a fault other than that columns of labels are missing.
    """
    declared = {task.name for task in read_listing(folder, lambda violation: None).tasks}

    def tell(violation: Violation) -> None:
        if violation.kind != MISSING_COLUMN or violation.column not in declared:
            refuse(violation)

    listing = read_listing(folder, tell)
    bare = replace(listing, tasks=(), labels=pd.DataFrame(index=listing.cases.index))
    return replace(cohort_of(bare), tasks=tasks).blind()
