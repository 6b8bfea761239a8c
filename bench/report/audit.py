"""The audit as a table: a row a check, and what was found with why it matters and the remedy."""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.audit.check import Outcome, Verdict
from bench.report.table import Column, Table, TableCell, Tone

CODE = Column("code", "Code", "left")
VERDICT = Column("verdict", "Verdict", "left")
FOUND = Column("found", "Found")
CHECK = Column("check", "Check", "left")
COLUMNS = (CODE, VERDICT, FOUND, CHECK)
TONES: dict[Outcome, Tone] = {"pass": "good", "warn": "bad", "fail": "bad", "not applicable": "muted"}
# Things found, and cases of each, that a note names; JSON has all of them.
NAMED_FINDINGS, NAMED_CASES = 5, 6


def audit_table(verdicts: Sequence[Verdict], cohort: str, split: str, synthetic: bool) -> Table:
    """The verdicts of an audit.

    Parameters
    ----------
    cohort, split
        Names of what was audited.
    synthetic
        Whether no patient is real.

    Returns
    -------
    Table
        Records hold all evidence with the ids of its cases; notes name the first.
    """
    notes = tuple(_notes(verdicts))
    return Table(
        title=f"Audit: {cohort}, {split}",
        synthetic=synthetic,
        columns=COLUMNS,
        rows=tuple(_row(verdict) for verdict in verdicts),
        brief=notes,
        notes=notes,
        records=tuple(_record(verdict) for verdict in verdicts),
        csv_columns=("code", "verdict", "found", "check", "severity", "reason", "muted"),
        facts={"cohort": cohort, "split": split},
    )


def _row(verdict: Verdict) -> dict[str, TableCell]:
    said = f"{verdict.outcome} (muted)" if verdict.muted else verdict.outcome
    return {
        "code": TableCell(verdict.check.code),
        "verdict": TableCell(said, "muted" if verdict.muted else TONES[verdict.outcome]),
        "found": TableCell(str(len(verdict.evidence)) if verdict.evidence else ""),
        "check": TableCell(verdict.check.title),
    }


def _record(verdict: Verdict) -> dict[str, Any]:
    check = verdict.check
    return {
        "code": check.code,
        "check": check.title,
        "severity": check.severity,
        "verdict": verdict.outcome,
        "found": len(verdict.evidence),
        "reason": verdict.reason,
        "muted": verdict.muted,
        "numbers": list(verdict.numbers),
        "evidence": [{"text": one.text, "cases": list(one.case_ids)} for one in verdict.evidence],
        "means": check.means,
        "why": check.why,
        "remedy": check.remedy,
    }


def _notes(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What was found, the muted last; then why other checks do not apply."""
    found = [verdict for verdict in verdicts if verdict.evidence]
    for verdict in sorted(found, key=lambda verdict: bool(verdict.muted)):
        yield _note(verdict)
    for verdict in verdicts:
        if verdict.numbers:
            yield f"{verdict.check.code} measured: {'; '.join(verdict.numbers)}."
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.reason:
            reasons.setdefault(verdict.reason, []).append(verdict.check.code)
    for reason, codes in reasons.items():
        yield f"Not applicable, {', '.join(codes)}: {reason}."
    yield "bench audit --explain CODE says what a check finds, why it matters and what to do."


def _note(verdict: Verdict) -> str:
    check = verdict.check
    muted = f" Muted: {verdict.muted}." if verdict.muted else ""
    texts = []
    for one in verdict.evidence[:NAMED_FINDINGS]:
        more = ", ..." if len(one.case_ids) > NAMED_CASES else ""
        cases = f" (cases {', '.join(one.case_ids[:NAMED_CASES])}{more})" if one.case_ids else ""
        texts.append(f"{one.text}{cases}")
    if len(verdict.evidence) > NAMED_FINDINGS:
        texts.append(f"and {len(verdict.evidence) - NAMED_FINDINGS} more")
    return f"{check.code} {verdict.outcome}.{muted} {'; '.join(texts)}. {check.why} Remedy: {check.remedy}"
