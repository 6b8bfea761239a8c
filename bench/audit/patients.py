"""Patients and images that stand on both sides of a split."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import pandas as pd

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.cohorts.identity import plain_id
from bench.splits.fold import PARTS, Fold

# What is written behind a patient's id for a visit, a breast or a lesion: P012_L, P012-T1, P012 lesion 2.
ENDING = re.compile(
    r"(?<=[0-9a-z])[\s_.-]+(?:l|r|left|right|(?:v|visit|t|tp|scan|exam|les|lesion)[\s_.-]?\d+)$", re.I
)
# A running number behind an id: P102212_0003. So many ids must go on in several, for labels to be compared.
COUNTER, FEWEST_STEMS = re.compile(r"(?<=\d)[\s_.-]+\d+$"), 10
SAME_IMAGE, SAME_MASK = "same image twice", "same mask twice"


def without_ending(patient: str) -> str:
    """A patient's id in plain letters, without what marks a visit, a breast or a lesion."""
    bare = patient
    while (shorter := ENDING.sub("", bare)) != bare:
        bare = shorter
    return plain_id(bare)


def _across_folds(subject: Subject) -> Found:
    return list(_shared(subject, subject.cohort.table["patient_id"]))


def _alike_across_folds(subject: Subject) -> Found:
    return list(_shared_alike(subject, plain_id))


def _endings_across_folds(subject: Subject) -> Found:
    found = list(_shared_alike(subject, without_ending, than=plain_id))
    return found or _counters_across_folds(subject)


def _counters_across_folds(subject: Subject) -> list[Evidence]:
    """Patients that differ in a running number, where all that share the rest of the id have equal labels.

    A centre's number in front of a patient's looks the same; but its patients have different labels.
    """
    cases = subject.cohort.table
    stems = cases["patient_id"].map(lambda patient: COUNTER.sub("", str(patient)))
    names = [task.name for task in subject.cohort.tasks]
    several = cases["patient_id"].groupby(stems).nunique()
    shared = stems.isin(several.index[several > 1])
    labels = cases.loc[shared, names].groupby(stems[shared]).nunique()
    told = cases.loc[shared, names].groupby(stems[shared]).count().max(axis=1) > 1
    if told.sum() < FEWEST_STEMS or (labels.loc[told] > 1).to_numpy().any():
        return []
    return list(_shared(subject, stems.where(shared, cases.index.to_series())))


def _in_both_groups(subject: Subject) -> Found:
    cases = subject.cohort.table
    found = []
    for _, own in cases.groupby(cases["patient_id"].map(plain_id)):
        if own["group"].nunique() > 1:
            named = " and ".join(f"{len(part)} {group}" for group, part in own.groupby("group"))
            found.append(
                Evidence(f"patient {own['patient_id'].iloc[0]!r} has {named} cases", tuple(own.index))
            )
    return found


def _same_image(subject: Subject) -> Found:
    if not subject.cohort.has_volumes:
        return NotApplicable("the cohort has no images")
    return [
        Evidence(violation.detail, (violation.case_id,))
        for violation in subject.violations
        if violation.kind in (SAME_IMAGE, SAME_MASK) and violation.case_id in subject.cohort.table.index
    ]


def _shared(subject: Subject, patients: "pd.Series[str]") -> Iterator[Evidence]:
    """Patients, by the name that each case has for them, with cases in two parts of a fold."""
    named = {str(case_id): str(patient) for case_id, patient in patients.items()}
    for fold in subject.split.folds:
        for first, second in combinations(PARTS, 2):
            yield from _between(fold, first, second, named)


def _between(fold: Fold, first: str, second: str, patients: Mapping[str, str]) -> Iterator[Evidence]:
    ids = {part: getattr(fold, part) for part in (first, second)}
    named = [{patients[case_id] for case_id in ids[part]} for part in (first, second)]
    for patient in sorted(named[0] & named[1]):
        cases = tuple(case for part in (first, second) for case in ids[part] if patients[case] == patient)
        yield Evidence(f"patient {patient!r} is in {first} and {second} of fold {fold.index}", cases)


def _shared_alike(
    subject: Subject, shorten: Callable[[str], str], than: Callable[[str], str] = str
) -> Iterator[Evidence]:
    """Patients with cases in two parts under ids that ``shorten`` makes one, and ``than`` does not."""
    cases = subject.cohort.table["patient_id"]
    short = cases.map(shorten)
    several = cases.map(than).groupby(short).nunique()
    alike = short.isin(several.index[several > 1])
    yield from _shared(subject, short.where(alike, cases.index.to_series()))


CHECKS = (
    Check(
        "BA001",
        "Patient in two parts of a fold",
        "A patient is in two parts of a fold",
        "Two exams of one patient resemble each other, so a method is tested on what it learned from.",
        "Give all cases of a patient one patient_id and make the split anew.",
        "fail",
        _across_folds,
    ),
    Check(
        "BA002",
        "Patient ids alike in two parts of a fold",
        "Patients in two parts of a fold have ids that differ in case, blanks or leading zeros alone",
        "They are mostly one patient, written in two ways, and then the test is on what was learned from.",
        "Write one patient_id where they are the same, else make the ids differ in more.",
        "warn",
        _alike_across_folds,
    ),
    Check(
        "BA003",
        "Visits or lesions that count as patients",
        "Patients in two parts of a fold have ids that differ in a visit, a breast or a lesion alone",
        "Visits, breasts and lesions of one patient that count as patients leak into the test and make "
        "intervals too narrow.",
        "Give them one patient_id; the case_id tells them apart.",
        "warn",
        _endings_across_folds,
    ),
    Check(
        "BA004",
        "Patient in both groups",
        "A patient is in the internal and in the external group",
        "An external test on patients that were learned from is no external test.",
        "Keep the patient's cases in one group.",
        "fail",
        _in_both_groups,
    ),
    Check(
        "BA005",
        "Same image or mask in two cases",
        "The same image or mask stands under two cases",
        "A copy in the test part was seen in training, under another name.",
        "Remove one of the cases; two lesions of one exam get one patient_id and a mask each.",
        "fail",
        _same_image,
        cost="deep",
    ),
)
