"""What an import found, left out and kept: as a value, as JSON and as a page of Markdown."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.cohorts.importers.importer import Published
from bench.errors import CohortError
from bench.files import write_whole

FOUND_IN = {
    "images": "images or features without a line in the table",
    "table": "lines of the table without images or features",
}
# The page names so many of those that did not join; the JSON file has them all.
NAMED = 20


@dataclass(frozen=True)
class ImportReport:
    """The flow of patients and cases of one import; every id is the one that the cohort folder has.

    Parameters
    ----------
    name
        Name of the cohort.
    importer
        Name of the importer's class.
    patients_found, patients_kept, cases_kept
        How many the source has, and how many the cohort.
    excluded
        One row a patient, study or case left out: case_id, patient_id, reason, unjoined.
    labels
        By task: how many cases have each label; ``known`` and ``missing``, and ``positive`` if binary.
    evidence
        By case id: how its phase, mask and labels were found; ``flag`` says what somebody has to look at.
    published
        Scores of others on the collection: what a score of one's own is plausible beside.
    problems
        What was wrong with single studies, in words that may name files: for the terminal, never written.
    """

    name: str
    importer: str
    patients_found: int
    patients_kept: int
    cases_kept: int
    excluded: tuple[Mapping[str, str], ...] = ()
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published: tuple[Published, ...] = ()
    problems: tuple[str, ...] = field(default=(), repr=False)

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out for each reason, the most frequent first."""
        return dict(Counter(row["reason"] for row in self.excluded).most_common())

    @property
    def flags(self) -> dict[str, int]:
        """How many cases were kept and flagged, by what somebody has to look at."""
        return dict(Counter(found["flag"] for found in self.evidence.values() if "flag" in found))

    def unjoined(self, side: str) -> list[str]:
        """Ids of what the table (``images``) or the images (``table``) do not have."""
        return [row["case_id"] for row in self.excluded if row["unjoined"] == side]

    def as_json(self) -> dict[str, Any]:
        """Everything that is written."""
        return {
            "cohort": self.name,
            "importer": self.importer,
            "patients": {"found": self.patients_found, "kept": self.patients_kept},
            "cases": {"kept": self.cases_kept},
            "reasons": self.reasons,
            "unjoined": {side: self.unjoined(side) for side in FOUND_IN},
            "labels": dict(self.labels),
            "published": [asdict(score) for score in self.published],
            "excluded": [dict(row) for row in self.excluded],
            "evidence": dict(self.evidence),
        }

    def as_markdown(self) -> str:
        """A page for people."""
        lines = [f"# Import of {self.name}", "", "| patients and cases | n |", "|---|---|"]
        lines += [f"| patients found | {self.patients_found} |"]
        lines += [f"| left out: {reason} | {count} |" for reason, count in self.reasons.items()]
        lines += [f"| flagged: {flag} | {count} |" for flag, count in self.flags.items()]
        lines += [f"| patients kept | {self.patients_kept} |", f"| cases kept | {self.cases_kept} |"]
        if self.labels:
            lines += ["", "| label | known | missing | positive |", "|---|---|---|---|"]
        for task, counts in self.labels.items():
            lines.append(
                f"| {task} | {counts['known']} | {counts['missing']} | {counts.get('positive', '')} |"
            )
        for side, text in FOUND_IN.items():
            names = self.unjoined(side)
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            lines += ["", f"{len(names)} {text}" + (f": {', '.join(names[:NAMED])}{more}" if names else "")]
        if self.evidence:
            lines += ["", f"How phase, mask and labels of {len(self.evidence)} cases were found stands in"]
            lines += ["`import_report.json`."]
        return "\n".join(lines) + "\n"


def read_flow(folder: Path) -> dict[str, Any] | None:
    """What the import report of a cohort folder holds; None where the cohort was not imported.

    Raises CohortError where the report cannot be read.
    """
    path = folder / "import_report.json"
    if not path.is_file():
        return None
    try:
        flow: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CohortError(f"{path} cannot be read: {error}; import the cohort again") from error
    return flow


def write_report(report: ImportReport, folder: Path) -> None:
    """Write ``import_report.json`` and ``import_report.md``."""
    write_whole(folder / "import_report.json", json.dumps(report.as_json(), indent=1, sort_keys=True))
    write_whole(folder / "import_report.md", report.as_markdown())
