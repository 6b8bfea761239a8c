"""Check a cohort folder: read everything once and name every fault with its remedy."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort, Task
from bench.cohorts.counts import Count, counts_of
from bench.cohorts.fault import Fault, refuse
from bench.cohorts.folder import (
    FILES,
    MISSING,
    OUTSIDE,
    Listing,
    load_folder,
    read_listing,
    refuse_errors,
    shared_faults,
)
from bench.cohorts.reading import Reading, read_case
from bench.cohorts.skipped import SKIPPED, read_skipped, write_skipped
from bench.errors import CohortError
from bench.progress import progress_bar

# Reading and inflating release the interpreter's lock, so threads suffice; each holds one volume.
MOST_WORKERS = 8
LEFT_OUT, LEFT_OUT_SOUND, LEFT_OUT_UNKNOWN = "left out", "left out though sound", "left out and unknown"


@dataclass(frozen=True)
class Checked:
    """What a check of a cohort folder found."""

    faults: tuple[Fault, ...]
    counts: tuple[Count, ...]
    cases: int

    @property
    def would_run(self) -> bool:
        """Whether a run would take the cohort: there are warnings at most."""
        return all(fault.severity == "warning" for fault in self.faults)


def check_folder(folder: Path, quiet: bool = False, skip_broken: bool = False) -> Checked:
    """Find every fault of a cohort folder; every file is read whole.

    The cases that its ``skipped.csv`` leaves out are read too, but what is wrong with them is no error any
    more.

    Parameters
    ----------
    skip_broken
        Write ``skipped.csv`` anew: the cases with an error, each with the first.
    """
    listing, faults = _faults_of_cases(folder, quiet)
    if skip_broken:
        write_skipped(folder, {case_id: why for case_id, why in _reasons(faults).items() if case_id})
    skipped = _skipped_or_fault(folder)
    if isinstance(skipped, Fault):
        faults, skipped = [skipped, *faults], {}
    faults = [*_without_skipped(faults, skipped, listing)]
    kept = listing.without(skipped)
    faults += [*shared_faults(kept), *_label_faults(kept), *_mask_faults(kept.cases)]
    places = {case_id: place for place, case_id in enumerate(listing.cases["case_id"])}
    faults.sort(key=lambda fault: places.get(fault.case_id, -1))
    return Checked(tuple(faults), tuple(counts_of(kept)), len(kept.cases))


def _skipped_or_fault(folder: Path) -> dict[str, str] | Fault:
    try:
        return read_skipped(folder)
    except CohortError as error:
        return Fault(SKIPPED, str(error))


def _faults_of_cases(folder: Path, quiet: bool) -> tuple[Listing, list[Fault]]:
    """What the tables and the images of single cases have wrong; images alike are among it."""
    faults: list[Fault] = []
    listing = read_listing(folder, faults.append)
    unread = {fault.case_id for fault in faults if fault.rule in (MISSING, OUTSIDE)}
    if all(name in listing.cases for name in FILES):
        cases = listing.cases[~listing.cases["case_id"].isin(list(unread))]
        readings = _read_all(listing.folder, cases, listing.lesion_labels, quiet)
        faults += [fault for reading in readings for fault in reading.faults]
        faults += _same_image_faults(cases, readings)
    return listing, faults


def _without_skipped(
    faults: Iterable[Fault], skipped: Mapping[str, str], listing: Listing
) -> Iterator[Fault]:
    """The faults, with one warning in the place of all of a case that is left out."""
    errors = _reasons(faults := list(faults))
    yield from (fault for fault in faults if not fault.case_id or fault.case_id not in skipped)
    known = set(listing.cases["case_id"])
    for case_id in skipped:
        if case_id not in known:
            rule, why = LEFT_OUT_UNKNOWN, f"cases.csv has no such case; remove its line of {SKIPPED}"
        elif case_id in errors:
            rule, why = LEFT_OUT, f"it is left out by {SKIPPED}: {errors[case_id]}"
        else:
            rule, why = LEFT_OUT_SOUND, f"it is sound; to take it back, remove its line of {SKIPPED}"
        yield Fault(rule, f"case {case_id!r}: {why}", case_id, "warning")


def load_sound(folder: Path, quiet: bool = False) -> Cohort:
    """The cohort of a folder without its broken cases, which ``skipped_cases`` names with their reasons.

    A folder with a ``skipped.csv`` is taken as it says; else every file is read, and the list is written.

    Raises CohortError for a fault of the cohort as a whole, and where no case is left.
    """
    if (folder / SKIPPED).is_file():
        return load_folder(folder)
    reasons = broken_cases(folder, quiet)
    try:
        write_skipped(folder, reasons)
    except CohortError as error:
        print(f"every run will read all cases again: {error}", file=sys.stderr)
    return load_folder(folder, reasons)


def broken_cases(folder: Path, quiet: bool = False) -> dict[str, str]:
    """The cases that a run would refuse, each with the first reason; every file is read.

    Raises CohortError for a fault of the cohort as a whole, and where no case is left.
    """
    listing, faults = _faults_of_cases(folder, quiet)
    for fault in faults:
        if fault.severity == "error" and not fault.case_id:
            refuse(fault)
    reasons = _reasons(faults)
    kept = listing.without(reasons)
    if kept.cases.empty:
        reason = next(iter(reasons.values()), "it has none")
        raise CohortError(f"every case of cohort {listing.header['name']!r} is broken; the first: {reason}")
    refuse_errors(shared_faults(kept))
    return reasons


def _reasons(faults: Iterable[Fault]) -> dict[str, str]:
    """The first error of each case that has one."""
    reasons: dict[str, str] = {}
    for fault in faults:
        if fault.severity == "error":
            reasons.setdefault(fault.case_id, fault.detail)
    return reasons


def _read_all(
    folder: Path, cases: pd.DataFrame, lesion_labels: Mapping[str, tuple[float, ...]], quiet: bool
) -> list[Reading]:
    """One reading a line of ``cases``, in its order."""
    lines = list(cases[["case_id", *FILES]].itertuples(index=False, name=None))

    def read(line: tuple[str, str, str]) -> Reading:
        case_id, image, mask = line
        return read_case(case_id, folder / image, folder / mask, lesion_labels.get(case_id, ()))

    readings: list[Reading] = []
    with (
        progress_bar(f"reading {len(lines)} cases", quiet) as advance,
        ThreadPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as pool,
    ):
        for reading in pool.map(read, lines):
            readings.append(reading)
            advance(len(readings), len(lines))
    return readings


# What several cases show together.


def _mask_faults(cases: pd.DataFrame) -> Iterator[Fault]:
    """Cases whose mask is the file of another case's."""
    if "mask" not in cases:
        return
    first: dict[str, str] = {}
    for case_id, mask in cases.loc[cases["mask"] != "", ["case_id", "mask"]].itertuples(index=False):
        if mask in first:
            detail = f"case {case_id!r}: its mask {mask!r} is that of case {first[mask]!r} too; correct one"
            yield Fault("same mask twice", detail, str(case_id), "warning")
        first.setdefault(mask, str(case_id))


def _label_faults(listing: Listing) -> Iterator[Fault]:
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
            yield Fault("task without contrast", detail)
        else:
            yield from _group_faults(listing, task)
        if task.unit == "percentage points" and 0 < known.max() <= 1:
            detail = (
                f"task {task.name!r} is in percentage points and no label is above {known.max():g}: if they "
                "are fractions, multiply them by 100"
            )
            yield Fault("fractions for percentages", detail, severity="warning")


def _group_faults(listing: Listing, task: Task) -> Iterator[Fault]:
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
            yield Fault("group without contrast", detail, severity="warning")


def _same_image_faults(cases: pd.DataFrame, readings: Iterable[Reading]) -> Iterator[Fault]:
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
                yield Fault("same image twice", detail, case_id, "warning")
                break
        seen[reading.image_hash].append((case_id, patient, reading.mask_hash))
