"""Clauses on what a method may know and touch: no test label, no test image, no state of another fit."""

import hashlib
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.methods.contract.clause import Breach, Clause, NotAsked
from bench.methods.contract.subject import TOLERANCE, Subject, require_equal
from bench.methods.local import LocalMethod


def _fit_alone(subject: Subject) -> None:
    train, val, test = subject.parts(subject.cohort)
    other_cases = subject.fitted(val, train)
    subject.checked(other_cases, train.blind())
    after_another = subject.checked(subject.fitted(train, val), test)
    fresh = subject.alone(subject.cohort.folder)
    complaint = "a fit after another fit differs from the same fit alone"
    require_equal(fresh, after_another, TOLERANCE, complaint)


def _blind_to_labels(subject: Subject) -> None:
    folder = subject.folder / "altered labels"
    shutil.copytree(subject.cohort.folder, folder)
    _alter_labels(folder / "cases.csv", subject.cohort, set(subject.test.case_ids))
    if isinstance(subject.spec, LocalMethod):
        altered = subject.predicted(load_folder(folder))
    else:
        altered = subject.alone(folder)
    require_equal(subject.batch, altered, TOLERANCE, "predictions follow the labels of test cases")


def _alter_labels(path: Path, cohort: Cohort, test: set[str]) -> None:
    cases = pd.read_csv(path, dtype={"case_id": str})
    rows = cases["case_id"].isin(test)
    for task in cohort.tasks:
        low, high = task.bounds
        cases.loc[rows, task.name] = (low + high) - cases.loc[rows, task.name]
    cases.to_csv(path, index=False)


def _blind_to_images(subject: Subject) -> None:
    if "volumes" not in subject.spec.needs:
        raise NotAsked("not asked: the method needs no images")
    folder = subject.folder / "other images"
    shutil.copytree(subject.cohort.folder, folder)
    train, val, test = subject.parts(subject.cohort)
    for case_id, other in zip(test.case_ids, train.case_ids, strict=True):
        for file, donor in zip(_files(test, case_id), _files(train, other), strict=True):
            shutil.copy(subject.cohort.folder / donor, folder / file)
    swapped = subject.parts(load_folder(folder))
    expected = subject.checked(subject.standard, val.blind())
    found = subject.checked(subject.fitted(swapped[0], swapped[1]), swapped[1].blind())
    require_equal(expected, found, TOLERANCE, "what the method learns follows the images of test cases")


def _files(cohort: Cohort, case_id: str) -> tuple[str, ...]:
    case = next(case for case in cohort.as_loaded if case.case_id == case_id)
    return (case.image, case.mask, *dict(case.others).values())


def _cohort_unchanged(subject: Subject) -> None:
    handed = subject.parts(subject.cohort)
    before = [_copy(part) for part in handed]
    method = subject.fitted(handed[0], handed[1])
    subject.checked(method, handed[2])
    for role, part, kept in zip(("training", "validation", "test"), handed, before, strict=True):
        changed = [name for name, value in kept.items() if not _same(value, getattr(part, name))]
        if changed:
            raise Breach(f"the method changed {changed[0]!r} of the {role} cases that it was handed")


def _copy(cohort: Cohort) -> dict[str, Any]:
    values = {field.name: getattr(cohort, field.name) for field in fields(cohort)}
    return {
        name: value.copy() if isinstance(value, pd.DataFrame | dict) else value
        for name, value in values.items()
    }


def _same(first: Any, second: Any) -> bool:
    return bool(first.equals(second) if isinstance(first, pd.DataFrame) else first == second)


def _no_writes(subject: Subject) -> None:
    before = _content(subject.cohort.folder)
    subject.predicted(subject.cohort)
    after = _content(subject.cohort.folder)
    touched = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    if touched:
        raise Breach(f"the method wrote {touched[0]!r} into the folder of the cohort")


def _content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


CLAUSES = (
    Clause(
        "BC08",
        "fits the same after another fit as alone",
        "Models of another fold have seen this fold's test cases: what is kept between fits leaks labels.",
        "The method is fitted on other cases, then on the usual ones; a fresh process fits the usual ones "
        "alone. Both must predict the same.",
        "Keep what is learnt on self, in fit; no class attributes, module variables or caches of results.",
        _fit_alone,
        where="fit",
    ),
    Clause(
        "BC09",
        "predicts the same whatever the labels of test cases say",
        "A method that finds the answers, on disk or in memory, is measured on nothing.",
        "All labels of the test cases are turned round in a copy of the cohort; a fresh process, which "
        "knows that copy alone, must predict the same.",
        "Use train.labels and val.labels alone; open no file of the cohort yourself.",
        _blind_to_labels,
    ),
    Clause(
        "BC10",
        "learns the same whatever the images of test cases show",
        "A model that adapts to the test images is another protocol than the board says.",
        "The images of the test cases are replaced by others; the model fitted then must predict the "
        "validation cases as before.",
        "Read images through crops, regions, dataset and volume of the cases in train and val.",
        _blind_to_images,
        where="fit",
    ),
    Clause(
        "BC11",
        "leaves the cohort that it is handed as it was",
        "Others are handed the same tables; what one method changes, another would read.",
        "All fields of the three cohorts are compared before and after fit and predict.",
        "Copy a table before you change it: train.table.copy().",
        _cohort_unchanged,
        quick=True,
        where="fit",
    ),
    Clause(
        "BC12",
        "writes nothing into the folder of the cohort",
        "A file beside the images changes what the cohort is, or carries labels from fold to fold.",
        "Names and content of all files of the cohort are compared before and after fit and predict.",
        "Write to run.workdir.",
        _no_writes,
        quick=True,
        where="fit",
    ),
)
