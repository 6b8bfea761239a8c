"""Check a cohort folder: read everything once, name every fault with its remedy, count the rest."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bench.cohorts.cohort import Cohort, Task
from bench.cohorts.fault import Fault, refuse
from bench.cohorts.folder import FILES, IDENTITY, MISSING, OUTSIDE, Listing, cohort_of, read_listing
from bench.cohorts.reading import Reading, read_case
from bench.errors import CohortError
from bench.listing import Format
from bench.progress import progress_bar

# Reading and inflating release the interpreter's lock, so threads suffice; each holds one volume.
MOST_WORKERS = 8


@dataclass(frozen=True)
class Count:
    """Labels of one task at one site of one group, or over ``all`` of them.

    ``positives`` and ``prevalence`` (their share of the labelled cases) are those of a binary task,
    ``median`` that of a continuous one; None where there is no such number.
    """

    group: str
    site: str
    cases: int
    patients: int
    task: str
    labelled: int
    missing: int
    positives: int | None
    prevalence: float | None
    median: float | None


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


def check_folder(folder: Path, quiet: bool = False) -> Checked:
    """Find every fault of a cohort folder; every file is read whole."""
    faults: list[Fault] = []
    listing = read_listing(folder, faults.append)
    unread = {fault.case_id for fault in faults if fault.rule in (MISSING, OUTSIDE)}
    faults += [*_patient_faults(listing.cases), *_label_faults(listing), *_mask_faults(listing.cases)]
    if all(name in listing.cases for name in FILES):
        cases = listing.cases[~listing.cases["case_id"].isin(list(unread))]
        readings = _read_all(listing.folder, cases, quiet)
        faults += [fault for reading in readings for fault in reading.faults]
        faults += _same_image_faults(cases, readings)
    places = {case_id: place for place, case_id in enumerate(listing.cases["case_id"])}
    faults.sort(key=lambda fault: places.get(fault.case_id, -1))
    return Checked(tuple(faults), tuple(_counts(listing)), len(listing.cases))


def print_checked(checked: Checked, folder: Path, wanted: Format) -> None:
    """Print the faults, a line each, then the counts and whether a run would take the cohort."""
    faults, counts = _fault_rows(checked, folder), [asdict(count) for count in checked.counts]
    if wanted is Format.json:
        print(json.dumps({"would_run": checked.would_run, "faults": faults, "counts": counts}, indent=1))
        return
    for table in (faults, counts):
        _print_lines(table)
    errors = sum(fault.severity == "error" for fault in checked.faults)
    outcome = "a run would take this cohort" if checked.would_run else "a run would refuse this cohort"
    print(f"{checked.cases} cases, {errors} errors, {len(faults) - errors} warnings: {outcome}")


def _fault_rows(checked: Checked, folder: Path) -> list[dict[str, str]]:
    """One row a fault, those of the cohort as a whole first; paths inside the folder are given from there."""
    inside = f"{folder.resolve()}{os.sep}"
    return [
        {
            "severity": fault.severity,
            "case": fault.case_id,
            "fault": fault.rule,
            "detail": fault.detail.removeprefix(f"case {fault.case_id!r}: ").replace(inside, ""),
        }
        for fault in checked.faults
    ]


def _print_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows in columns that are never folded, so that each stays one line for grep; nothing for no rows."""
    if not rows:
        return
    texts = [list(rows[0])] + [["" if cell is None else str(cell) for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    print()


def load_sound(folder: Path, quiet: bool = False) -> Cohort:
    """The cohort of a folder without its broken cases, which ``skipped_cases`` names with their reasons.

    Raises CohortError for a fault of the cohort as a whole, and where no case is left.
    """
    faults: list[Fault] = []
    listing = read_listing(folder, faults.append)
    for fault in faults:
        if not fault.case_id:
            refuse(fault)
    reasons = _reasons(faults)
    kept = ~listing.cases["case_id"].isin(list(reasons))
    sound = replace(listing, cases=listing.cases[kept], labels=listing.labels[kept])
    return without_broken(cohort_of(sound).leave_out(reasons), quiet)


def without_broken(cohort: Cohort, quiet: bool = False) -> Cohort:
    """The cohort without the cases whose files a run would refuse; raises CohortError where none is left."""
    sound = cohort
    if cohort.has_volumes:
        readings = _read_all(cohort.folder, cohort.files.reset_index(), quiet)
        sound = cohort.leave_out(_reasons(fault for reading in readings for fault in reading.faults))
    if not len(sound):
        reason = next(iter(sound.skipped_cases.values()))
        raise CohortError(f"every case of cohort {cohort.name!r} is broken; the first: {reason}")
    return sound


def _reasons(faults: Iterable[Fault]) -> dict[str, str]:
    """The first error of each case that has one."""
    reasons: dict[str, str] = {}
    for fault in faults:
        if fault.severity == "error":
            reasons.setdefault(fault.case_id, fault.detail)
    return reasons


def _read_all(folder: Path, cases: pd.DataFrame, quiet: bool) -> list[Reading]:
    """One reading a line of ``cases``, in its order."""
    lines = list(cases[["case_id", *FILES]].itertuples(index=False, name=None))

    def read(line: tuple[str, str, str]) -> Reading:
        case_id, image, mask = line
        return read_case(case_id, folder / image, folder / mask)

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


def _patient_faults(cases: pd.DataFrame) -> Iterator[Fault]:
    """Patients with cases in both groups, which would be learned from and tested on; or at several sites."""
    severities: dict[str, Literal["error", "warning"]] = {"group": "error", "site": "warning"}
    for column, severity in severities.items():
        if "patient_id" not in cases or column not in cases:
            continue
        kinds = cases.groupby("patient_id")[column].nunique()
        for patient in kinds.index[kinds > 1]:
            its = cases[cases["patient_id"] == patient]
            named = ", ".join(f"{row.case_id} ({row[column]})" for _, row in its.iterrows())
            remedy = "correct the patient_id, or keep the cases of one"
            detail = f"patient {patient!r} has cases of more than one {column}: {named}; {remedy} {column}"
            yield Fault(f"patient in several {column}s", detail, severity=severity)
    if "patient_id" in cases:
        yield from _alike_faults(cases)


def _alike_faults(cases: pd.DataFrame) -> Iterator[Fault]:
    """Patients whose ids differ in case alone, so that one person may be learned from and tested on."""
    patients = cases["patient_id"].dropna().drop_duplicates().sort_values()
    for _, same in patients.groupby(patients.str.casefold()):
        if len(same) > 1:
            named = " and ".join(map(repr, same))
            detail = f"{named} count as different patients; write one id if they are the same person"
            yield Fault("patient ids alike", detail, severity="warning")


def _mask_faults(cases: pd.DataFrame) -> Iterator[Fault]:
    """Cases whose mask is the file of another case's."""
    if "mask" not in cases:
        return
    first: dict[str, str] = {}
    for case_id, mask in cases.loc[cases["mask"].notna(), ["case_id", "mask"]].itertuples(index=False):
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
        for other, its_patient, its_mask in seen.setdefault(reading.image_hash, []):
            if patient != its_patient or reading.mask_hash == its_mask:
                detail = (
                    f"case {case_id!r}: its image has the same voxels as that of case {other!r} (patients "
                    f"{patient!r} and {its_patient!r}); remove one; two lesions of one exam get one "
                    "patient_id and a mask each"
                )
                yield Fault("same image twice", detail, case_id, "warning")
                break
        seen[reading.image_hash].append((case_id, patient, reading.mask_hash))


# Counts.


def _counts(listing: Listing) -> Iterator[Count]:
    """Every task at every site of every group, then each group, then all cases."""
    cases = listing.cases
    if not all(name in cases for name in IDENTITY):
        return
    parts: dict[tuple[str, str], pd.Series[bool]] = {}
    for group in cases["group"].dropna().unique():
        inside = cases["group"] == group
        sites = cases["site"][inside].dropna().unique()
        parts |= {(group, site): inside & (cases["site"] == site) for site in sites}
        if len(sites) > 1:
            parts[group, "all"] = inside
    parts["all", "all"] = cases["case_id"].notna()
    for (group, site), rows in parts.items():
        for task in listing.tasks:
            if task.name in listing.labels:
                yield _count(group, site, task, cases[rows], listing.labels[task.name][rows])


def _count(group: str, site: str, task: Task, cases: pd.DataFrame, labels: "pd.Series[float]") -> Count:
    known = labels.dropna()
    binary = task.kind == "binary"
    return Count(
        group=group,
        site=site,
        cases=len(cases),
        patients=int(cases["patient_id"].nunique()),
        task=task.name,
        labelled=len(known),
        missing=len(labels) - len(known),
        positives=int(known.sum()) if binary else None,
        prevalence=round(float(known.mean()), 3) if binary and len(known) else None,
        median=round(float(known.median()), 4) if not binary and len(known) else None,
    )
