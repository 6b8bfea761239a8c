"""Check a cohort folder: read everything once and name every violation with its remedy."""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.cohorts.checking.case import Reading, read_case
from bench.cohorts.checking.readings import unfinished
from bench.cohorts.checking.violation import Violation, refuse
from bench.cohorts.cohort import Cohort
from bench.cohorts.columns import MASK
from bench.cohorts.counts import Count, counts_of
from bench.cohorts.folder import Listing, load_folder, read_listing, refuse_errors, shared_violations
from bench.cohorts.skipped import SKIPPED, read_skipped, write_skipped
from bench.errors import CohortError
from bench.imaging.detached import MISSING, OUTSIDE
from bench.progress import progress_bar, warn
from bench.task import Task

# Reading and inflating release the interpreter's lock, so threads suffice; each holds one volume.
MAX_WORKERS = 8
BATCH = 64
LEFT_OUT, LEFT_OUT_VALID, LEFT_OUT_UNKNOWN = "left out", "left out though valid", "left out and unknown"


@dataclass(frozen=True)
class Checked:
    """What a check of a cohort folder found."""

    violations: tuple[Violation, ...]
    counts: tuple[Count, ...]
    cases: int

    @property
    def would_run(self) -> bool:
        """Whether a run would take the cohort: there are warnings at most."""
        return all(violation.severity == "warning" for violation in self.violations)


def check_folder(folder: Path, quiet: bool = False, skip_broken: bool = False) -> Checked:
    """Find every violation of a cohort folder; every file is read whole.

    What a check that was stopped has read is not read again. The cases that its ``skipped.csv`` leaves out
    are read too, but what is wrong with them is no error any more.

    Parameters
    ----------
    skip_broken
        Write ``skipped.csv`` anew: the cases with an error, each with the first.
    """
    listing, violations = _violations_of_cases(folder, quiet)
    if skip_broken:
        write_skipped(folder, {case_id: why for case_id, why in _reasons(violations).items() if case_id})
    skipped = _skipped_or_violation(folder)
    if isinstance(skipped, Violation):
        violations, skipped = [skipped, *violations], {}
    violations = [*_without_skipped(violations, skipped, listing)]
    kept = listing.without(skipped)
    violations += [*shared_violations(kept), *_label_violations(kept), *_mask_violations(kept.cases)]
    places = {case_id: place for place, case_id in enumerate(listing.cases["case_id"])}
    violations.sort(key=lambda violation: places.get(violation.case_id, -1))
    return Checked(tuple(violations), tuple(counts_of(kept)), len(kept.cases))


def _skipped_or_violation(folder: Path) -> dict[str, str] | Violation:
    try:
        return read_skipped(folder)
    except CohortError as error:
        return Violation(SKIPPED, str(error))


def _violations_of_cases(folder: Path, quiet: bool) -> tuple[Listing, list[Violation]]:
    """What the tables and the images of single cases have wrong; images alike are among it."""
    violations: list[Violation] = []
    listing = read_listing(folder, violations.append)
    unread = {violation.case_id for violation in violations if violation.kind in (MISSING, OUTSIDE)}
    if all(name in listing.cases for name in (*listing.images, MASK)):
        cases = listing.cases[~listing.cases["case_id"].isin(list(unread))]
        readings = _read_all(listing, cases, quiet)
        violations += [violation for reading in readings for violation in reading.violations]
        violations += _same_image_violations(cases, readings)
    return listing, violations


def _without_skipped(
    violations: Iterable[Violation], skipped: Mapping[str, str], listing: Listing
) -> Iterator[Violation]:
    """The violations, with one warning in the place of all of a case that is left out."""
    errors = _reasons(violations := list(violations))
    yield from (
        violation for violation in violations if not violation.case_id or violation.case_id not in skipped
    )
    known = set(listing.cases["case_id"])
    for case_id in skipped:
        if case_id not in known:
            kind, why = LEFT_OUT_UNKNOWN, f"cases.csv has no such case; remove its line of {SKIPPED}"
        elif case_id in errors:
            kind, why = LEFT_OUT, f"it is left out by {SKIPPED}: {errors[case_id]}"
        else:
            kind, why = LEFT_OUT_VALID, f"it is valid; to take it back, remove its line of {SKIPPED}"
        yield Violation(kind, f"case {case_id!r}: {why}", case_id, "warning")


def load_valid(folder: Path, quiet: bool = False) -> Cohort:
    """The cohort of a folder without its invalid cases, which ``skipped_cases`` names with their reasons.

    A folder with a ``skipped.csv`` is taken as it says; else every file is read, and the list is written.

    Raises CohortError for a violation of the cohort as a whole, and where no case is left.
    """
    if (folder / SKIPPED).is_file():
        return load_folder(folder)
    reasons = invalid_cases(folder, quiet)
    try:
        write_skipped(folder, reasons)
    except CohortError as error:
        warn(f"every run will read all cases again: {error}")
    return load_folder(folder, reasons)


def invalid_cases(folder: Path, quiet: bool = False) -> dict[str, str]:
    """The cases that a run would reject, each with the first reason; every file is read.

    Raises CohortError for a violation of the cohort as a whole, and where no case is left.
    """
    listing, violations = _violations_of_cases(folder, quiet)
    for violation in violations:
        if violation.severity == "error" and not violation.case_id:
            refuse(violation)
    reasons = _reasons(violations)
    kept = listing.without(reasons)
    if kept.cases.empty:
        reason = next(iter(reasons.values()), "it has none")
        raise CohortError(f"every case of cohort {listing.header['name']!r} is invalid; the first: {reason}")
    refuse_errors(shared_violations(kept))
    return reasons


def _reasons(violations: Iterable[Violation]) -> dict[str, str]:
    """The first error of each case that has one."""
    reasons: dict[str, str] = {}
    for violation in violations:
        if violation.severity == "error":
            reasons.setdefault(violation.case_id, violation.detail)
    return reasons


def _read_all(listing: Listing, cases: pd.DataFrame, quiet: bool) -> list[Reading]:
    """One reading a line of ``cases``, in its order."""
    folder, others = listing.folder, listing.images[1:]
    lines = list(cases[["case_id", listing.images[0], MASK, *others]].itertuples(index=False, name=None))

    def read(line: tuple[str, ...]) -> Reading:
        case_id, image, mask, *more = line
        further = {name: folder / path for name, path in zip(others, more, strict=True)}
        label = listing.lesion_labels.get(case_id, ())
        files = {listing.images[0]: folder / image, MASK: folder / mask, **further}
        key = kept.key(case_id, files, label)
        reading = kept.known(key) or read_case(case_id, folder / image, folder / mask, label, further)
        kept.keep(key, reading)
        return reading

    readings: list[Reading] = []
    with (
        unfinished(folder) as kept,
        progress_bar(f"reading {len(lines)} cases", quiet) as advance,
        ThreadPoolExecutor(min(MAX_WORKERS, os.cpu_count() or 1)) as pool,
    ):
        # In batches, so that a check that is stopped ends with what it is at.
        for start in range(0, len(lines), BATCH):
            for reading in pool.map(read, lines[start : start + BATCH]):
                readings.append(reading)
                advance(len(readings), len(lines))
    return readings


# What several cases show together.


def _mask_violations(cases: pd.DataFrame) -> Iterator[Violation]:
    """Cases whose mask is the file of another case's."""
    if "mask" not in cases:
        return
    first: dict[str, str] = {}
    for case_id, mask in cases.loc[cases["mask"] != "", ["case_id", "mask"]].itertuples(index=False):
        if mask in first:
            detail = f"case {case_id!r}: its mask {mask!r} is that of case {first[mask]!r} too; correct one"
            yield Violation("same mask twice", detail, str(case_id), "warning")
        first.setdefault(mask, str(case_id))


def _label_violations(listing: Listing) -> Iterator[Violation]:
    """Ranked tasks that no split can score, that a group has no contrast for, or in another unit."""
    for task in listing.tasks:
        known = listing.labels[task.name].dropna() if task.name in listing.labels else None
        if known is None or not task.ranked or not len(listing.cases):
            continue
        if known.nunique() < 2:
            what = f"all {known.iloc[0]:g}" if len(known) else "none"
            detail = (
                f"task {task.name!r} has {len(known)} labels, {what}: it cannot be scored; fill in "
                f"more, or set ranked = false under [tasks.{task.name}]"
            )
            yield Violation("task without contrast", detail)
        else:
            yield from _group_violations(listing, task)
        if task.unit == "percentage points" and 0 < known.max() <= 1:
            detail = (
                f"task {task.name!r} is in percentage points and no label is above {known.max():g}: if they "
                "are fractions, multiply them by 100"
            )
            yield Violation("fractions for percentages", detail, severity="warning")


def _group_violations(listing: Listing, task: Task) -> Iterator[Violation]:
    """Groups on whose cases a task cannot be scored, though it can on others."""
    if "group" not in listing.cases:
        return
    for group, labels in listing.labels[task.name].groupby(listing.cases["group"]):
        known = labels.dropna()
        if known.nunique() < 2:
            what = f"all {known.iloc[0]:g}" if len(known) else "none"
            detail = (
                f"task {task.name!r} has {len(known)} labels in the group {group!r}, {what}: a split that "
                "tests that group alone cannot score it"
            )
            yield Violation("group without contrast", detail, severity="warning")


def _same_image_violations(cases: pd.DataFrame, readings: Iterable[Reading]) -> Iterator[Violation]:
    """Cases whose image is another case's, unless they are two lesions of one exam."""
    seen: dict[str, list[tuple[str, str, str]]] = {}
    patients = cases["patient_id"] if "patient_id" in cases else cases["case_id"]
    for case_id, patient, reading in zip(cases["case_id"], patients, readings, strict=True):
        if not reading.image_hash:
            continue
        for other, other_patient, other_mask in seen.setdefault(reading.image_hash, []):
            if patient != other_patient or reading.mask_hash == other_mask:
                detail = (
                    f"case {case_id!r}: its image has the same voxels as that of case {other!r} (patients "
                    f"{patient!r} and {other_patient!r}); remove one; two lesions of one exam get one "
                    "patient_id and a mask each"
                )
                yield Violation("same image twice", detail, case_id, "warning")
                break
        seen[reading.image_hash].append((case_id, patient, reading.mask_hash))
