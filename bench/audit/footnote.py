"""What the quick checks found, as the sentence under a board."""

from dataclasses import replace

from bench.audit.audit import audit, worst
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.predictions.results import Results
from bench.splits.split import Split


def with_audit(results: Results, cohort: Cohort, split: Split) -> Results:
    """The results with the sentence on what the checks of tables found in cohort, split and predictions."""
    verdicts = audit(Subject(cohort, split, results), cheap=True)
    applied = [one for one in verdicts if one.outcome != "not applicable"]
    found = [one for one in applied if one.evidence]
    if not found:
        said = f"none of {len(applied)} quick checks found anything"
    else:
        named = ", ".join(f"{one.check.code} {one.check.title.lower()} ({one.outcome})" for one in found)
        said = (
            f"{len(found)} of {len(applied)} quick checks found something, the worst: {worst(found)}; {named}"
        )
    return replace(results, audit=f"Audit: {said}. `bench audit` says what and has the slow checks (--deep).")
