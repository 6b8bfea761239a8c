"""All checks on one subject."""

from collections.abc import Mapping, Sequence

from bench.audit import (
    confounding,
    copies,
    labels,
    learning,
    parts,
    patients,
    performance,
    perturbed,
    prepared,
    stated,
    tuning,
    visible,
)
from bench.audit.check import Check, Outcome, Verdict, verdict_of
from bench.audit.subject import Subject
from bench.errors import unknown_name

CHECKS: tuple[Check, ...] = (
    *(*patients.CHECKS, *labels.CHECKS, *parts.CHECKS),
    *(*performance.CHECKS, *confounding.CHECKS, *tuning.CHECKS, *copies.CHECKS, *prepared.CHECKS),
    *(*learning.CHECKS, *perturbed.CHECKS, *visible.CHECKS, *stated.CHECKS),
)
"""In the order of their codes."""
ORDER: tuple[Outcome, ...] = ("not applicable", "pass", "warn", "fail")
"""From the best to the worst."""


def audit(
    subject: Subject, muted: Mapping[str, str] | None = None, cheap: bool = False
) -> tuple[Verdict, ...]:
    """The verdict of every check.

    Parameters
    ----------
    muted
        Code to the reason for which the reader may overlook the check; it is examined and shown all the same.
    cheap
        Only the checks of tables, those that stand under every board.

    Raises
    ------
    UsageError
        There is no check of a muted code.
    """
    reasons = {check_named(code).code: why for code, why in (muted or {}).items()}
    asked = [check for check in CHECKS if check.cost == "table" or not cheap]
    return tuple(verdict_of(check, subject, reasons.get(check.code, "")) for check in asked)


def check_named(code: str) -> Check:
    """The check of a code; raises UsageError where there is none."""
    known = {check.code: check for check in CHECKS}
    if code.upper() not in known:
        raise unknown_name("check", code, known)
    return known[code.upper()]


def worst(verdicts: Sequence[Verdict]) -> Outcome:
    """The worst verdict that is not muted."""
    heard = [verdict.outcome for verdict in verdicts if not verdict.muted]
    return max(heard, key=ORDER.index, default="pass")
