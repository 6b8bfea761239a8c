"""The folder cohort: its tables, image files, features, and the list of cases that are left out."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cases import (
    check_columns,
    check_files,
    check_identity,
    covariates_of,
    labels_of,
    read_cases,
    with_found_files,
    with_plain_groups,
)
from bench.cohorts.checking.label_copies import Column, label_copies
from bench.cohorts.checking.violation import Tell, Violation, refuse
from bench.cohorts.cohort import Cohort
from bench.cohorts.columns import FILES, IDENTITY, IMAGE, MASK
from bench.cohorts.features import check_features, feature_file_of
from bench.cohorts.fingerprint import fingerprint_of
from bench.cohorts.header import categorical_columns, read_header, roles_of, tasks_of
from bench.cohorts.identity import identity_violations
from bench.cohorts.image_names import image_names
from bench.cohorts.lesion_labels import lesion_labels
from bench.cohorts.skipped import read_skipped
from bench.imaging.detached import MISSING, OUTSIDE
from bench.task import Task

__all__ = [
    "FILES",
    "IDENTITY",
    "MISSING",
    "OUTSIDE",
    "Listing",
    "cohort_of",
    "load_folder",
    "read_listing",
    "shared_violations",
]


@dataclass(frozen=True, eq=False)
class Listing:
    """What the text files of a cohort folder say, as far as they can be read.

    ``cases`` has a row a line of ``cases.csv``, indexed by line, and its columns as text; ``labels`` has the
    same rows and one column a task, float, NaN where the label is unknown or not as declared; ``covariates``
    the same rows and the columns with a role, as numbers or words. ``features`` has a row a case, or is None.
    ``lesion_labels`` are the declared values of the masks by case id.
    """

    folder: Path
    header: Mapping[str, Any]
    tasks: tuple[Task, ...]
    roles: Mapping[str, str]
    cases: pd.DataFrame = field(repr=False)
    labels: pd.DataFrame = field(repr=False)
    covariates: pd.DataFrame = field(repr=False)
    features: pd.DataFrame | None = field(repr=False, default=None)
    lesion_labels: Mapping[str, tuple[float, ...]] = field(repr=False, default_factory=dict)

    @property
    def images(self) -> tuple[str, ...]:
        """Columns that name the images of a case, the first one first."""
        return image_names(self.header)

    def without(self, case_ids: Collection[str]) -> "Listing":
        """The listing without the lines of these cases."""
        kept = ~self.cases["case_id"].isin(list(case_ids))
        return replace(
            self,
            cases=self.cases[kept],
            labels=self.labels[kept],
            covariates=self.covariates[kept],
            features=None if self.features is None else self.features[kept.to_numpy()],
        )


def load_folder(folder: Path, skipped: Mapping[str, str] | None = None) -> Cohort:
    """Read a cohort folder; images are only looked up, not read.

    Parameters
    ----------
    skipped
        Cases to leave out, each with the reason; those of the folder's ``skipped.csv`` where not given.

    Raises
    ------
    CohortError
        ``cohort.toml``, ``cases.csv`` or another table is missing or not as the format asks: the first of the
        errors that :func:`read_listing` and :func:`shared_violations` name. The message names the line or
        case and the remedy.
    """
    reasons = read_skipped(folder) if skipped is None else skipped

    def refuse_unless_skipped(violation: Violation) -> None:
        if not (violation.case_id and violation.case_id in reasons):
            refuse(violation)

    listing = read_listing(folder, refuse_unless_skipped)
    left_out = {case_id: reasons[case_id] for case_id in listing.cases["case_id"] if case_id in reasons}
    listing = listing.without(left_out)
    refuse_errors(shared_violations(listing))
    return cohort_of(listing).leave_out(left_out)


def refuse_errors(violations: Iterator[Violation]) -> None:
    """Raise the first error among the violations as a CohortError; warnings pass."""
    for violation in violations:
        if violation.severity == "error":
            refuse(violation)


def read_listing(folder: Path, tell: Tell) -> Listing:
    """Read the tables and look the files up; every violation of one line, column or file goes to ``tell``."""
    folder = folder.resolve()
    header = read_header(folder, tell)
    tasks = tasks_of(folder, header, tell)
    images = image_names(header)
    cases = _without_empty_files(with_plain_groups(read_cases(folder, images, tell)), images)
    roles = roles_of(folder, header, tell)
    if header and not cases.empty:
        check_columns(folder, [*header["tasks"], *roles], images, cases, tell)
    check_identity(folder, cases, tell)
    labels = {task.name: labels_of(folder, cases, task, tell) for task in tasks if task.name in cases}
    roles = {name: role for name, role in roles.items() if name in cases}
    covariates = covariates_of(folder, cases, roles, categorical_columns(header), tell)
    cases = with_found_files(folder, images, cases)
    check_files(folder, images, cases, tell)
    features = check_features(folder, header, cases["case_id"], tell)
    table = pd.DataFrame(labels, index=cases.index)
    marks = lesion_labels(folder, header, cases, tell)
    return Listing(folder, header, tasks, roles, cases, table, covariates, features, marks)


def shared_violations(listing: Listing) -> Iterator[Violation]:
    """What is wrong with several cases together: names alike, and columns that give a label away."""
    yield from identity_violations(listing.cases)
    cases, labels = listing.cases, listing.labels
    if "patient_id" not in cases:
        return
    columns = [
        Column("cases.csv", name, listing.covariates[name])
        for name, role in listing.roles.items()
        if role != "ignore"
    ]
    if listing.features is not None:
        named = str(listing.header["features"])
        columns += [Column(named, str(name), values) for name, values in listing.features.items()]
    known = {
        task.name: labels[task.name].to_numpy(dtype=float) for task in listing.tasks if task.name in labels
    }
    tasks = tuple(task for task in listing.tasks if task.name in known)
    yield from label_copies(columns, known, tasks, cases["patient_id"].to_numpy(dtype=object))


def cohort_of(listing: Listing) -> Cohort:
    """The cohort of a listing without violations."""
    header, cases = listing.header, listing.cases
    files = _files(cases, listing.images)
    feature_file = feature_file_of(listing.folder, header)
    return Cohort(
        name=header["name"],
        title=header.get("title", header["name"]),
        synthetic=header["synthetic"],
        licence=header.get("licence", ""),
        citation=header.get("citation", ""),
        label_rule=header.get("label_rule", ""),
        tasks=listing.tasks,
        table=_table(listing),
        files=files,
        folder=listing.folder,
        roles=listing.roles,
        feature_file=feature_file,
        fingerprint=fingerprint_of(listing.folder, header, files, feature_file),
        lesion_labels=listing.lesion_labels,
        images=listing.images,
    )


def _without_empty_files(cases: pd.DataFrame, images: tuple[str, ...]) -> pd.DataFrame:
    """The cases without the columns of files where not one line names a file: a cohort without images."""
    names = [*images, MASK]
    if all(name in cases for name in names) and not (cases[names] != "").to_numpy().any():
        return cases.drop(columns=names)
    return cases


def _table(listing: Listing) -> pd.DataFrame:
    columns: dict[str, Any] = {name: listing.cases[name].to_numpy(dtype=object) for name in IDENTITY[1:]}
    columns |= {task.name: listing.labels[task.name].to_numpy() for task in listing.tasks}
    columns |= {name: listing.covariates[name].to_numpy() for name in listing.roles}
    return pd.DataFrame(columns, index=_case_index(listing.cases))


def _files(cases: pd.DataFrame, images: tuple[str, ...]) -> pd.DataFrame:
    """Paths of ``image``, which is the first, ``mask`` and the further images, NaN where there is none."""
    index = _case_index(cases)
    columns = {IMAGE: images[0], MASK: MASK} | {name: name for name in images[1:]}
    if images[0] not in cases:
        return pd.DataFrame(dict.fromkeys(FILES), index=index)
    named = {
        name: cases[column].where(cases[column] != "", np.nan).to_numpy(dtype=object)
        for name, column in columns.items()
    }
    return pd.DataFrame(named, index=index)


def _case_index(cases: pd.DataFrame) -> "pd.Index[Any]":
    index: pd.Index[Any] = pd.Index(cases["case_id"].to_numpy(dtype=object), name="case_id")
    return index
