"""From the parts of all studies to one cohort folder, a part at a time."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.cohorts.columns import IDENTITY, IMAGE, MASK
from bench.cohorts.importers.header import cohort_toml, label_card
from bench.cohorts.importers.importer import Card
from bench.cohorts.importers.part import Part
from bench.cohorts.importers.report import ImportReport, write_report
from bench.errors import CohortError
from bench.files import write_whole

EXAM_DAY = "exam_day"
CASES, FEATURES = "cases.csv", "features.csv.gz"


@dataclass
class Tally:
    """What a first pass over the parts counts."""

    first_day: dict[str, int] = field(default_factory=dict)
    patients: dict[str, bool] = field(default_factory=dict)
    cases: set[str] = field(default_factory=set)
    excluded: list[dict[str, str]] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    images: bool = False
    features: bool = False


def assemble(
    card: Card, importer: str, parts: Iterable[Path], excluded: Iterable[dict[str, str]], out: Path
) -> ImportReport:
    """Write the text files of the cohort folder; ``cohort.toml``, without which it is none, comes last.

    Raises
    ------
    CohortError
        Two cases have one id, or there is no case at all.
    """
    parts = list(parts)
    tally = _tally(card, parts, excluded)
    report = _report(card, importer, tally)
    write_report(report, out)
    if not tally.cases:
        reasons = "; ".join(f"{reason} ({count})" for reason, count in report.reasons.items())
        raise CohortError(f"no case could be imported: {reasons or 'the source has none'}")
    if tally.first_day:
        card = _with_exam_day(card)
    _write_tables(card, tally, parts, out)
    write_whole(out / "label_card.md", label_card(card))
    write_whole(out / "cohort.toml", cohort_toml(card, FEATURES if tally.features else "", tally.images))
    return report


def _read(part: Path) -> Part:
    content: Part = json.loads(part.read_text())
    return content


def _tally(card: Card, parts: Iterable[Path], excluded: Iterable[dict[str, str]]) -> Tally:
    tally = Tally(excluded=list(excluded))
    tally.labels = {task.name: {"known": 0, "missing": 0} for task in card.tasks}
    binary = [task.name for task in card.tasks if task.kind == "binary"]
    for name in binary:
        tally.labels[name]["positive"] = 0
    for part in map(_read, parts):
        tally.excluded += part["excluded"]
        for case in part["cases"]:
            _count(tally, case, binary)
    for row in tally.excluded:
        if row["patient_id"]:
            tally.patients.setdefault(row["patient_id"], False)
    return tally


def _count(tally: Tally, case: Part, binary: list[str]) -> None:
    row = case["row"]
    case_id, patient = row["case_id"], row["patient_id"]
    if case_id in tally.cases:
        raise CohortError(f"two cases get the id {case_id!r}: the source names two alike; rename one")
    tally.cases.add(case_id)
    tally.patients[patient] = True
    tally.images |= MASK in row
    tally.features |= "features" in case
    if case["evidence"]:
        tally.evidence[case_id] = case["evidence"]
    if "day" in case:
        tally.first_day[patient] = min(case["day"], tally.first_day.get(patient, case["day"]))
    for task, counts in tally.labels.items():
        value = row.get(task, "")
        counts["known" if value else "missing"] += 1
        if task in binary:
            counts["positive"] += value == "1"


def _report(card: Card, importer: str, tally: Tally) -> ImportReport:
    return ImportReport(
        name=card.name,
        importer=importer,
        patients_found=len(tally.patients),
        patients_kept=sum(tally.patients.values()),
        cases_kept=len(tally.cases),
        excluded=tuple(tally.excluded),
        labels=tally.labels,
        evidence=tally.evidence,
        published=card.published,
    )


def _with_exam_day(card: Card) -> Card:
    return replace(card, roles={**card.roles, EXAM_DAY: "ignore"})


def _write_tables(card: Card, tally: Tally, parts: Iterable[Path], out: Path) -> None:
    files = (*(card.images or (IMAGE,)), MASK) if tally.images else ()
    names = [*IDENTITY, *files, *(task.name for task in card.tasks), *card.roles]
    with ExitStack() as stack:
        cases = csv.DictWriter(stack.enter_context(_text(out / f".{CASES}")), names, lineterminator="\n")
        cases.writeheader()
        features = None
        if tally.features:
            packed = stack.enter_context(_Packed(out / f".{FEATURES}"))
            features = csv.DictWriter(packed, ["case_id", *card.features], lineterminator="\n")
            features.writeheader()
        for case in _cases(parts):
            row = case["row"]
            if "day" in case:
                row[EXAM_DAY] = str(case["day"] - tally.first_day[row["patient_id"]])
            cases.writerow(row)
            if features is not None:
                features.writerow({"case_id": row["case_id"], **case.get("features", {})})
    (out / f".{CASES}").replace(out / CASES)
    if tally.features:
        (out / f".{FEATURES}").replace(out / FEATURES)


def _cases(parts: Iterable[Path]) -> Iterator[Part]:
    for part in parts:
        yield from _read(part)["cases"]


def _text(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


class _Packed:
    """A gzip text file to write whose bytes do not depend on the time or on its name."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.packed = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self.file, mtime=0)
        self.text = io.TextIOWrapper(self.packed, encoding="utf-8", newline="")

    def __enter__(self) -> io.TextIOWrapper:
        return self.text

    def __exit__(self, *_: object) -> None:
        self.text.close()
        self.packed.close()
        self.file.close()
