"""What a check of the audit is, and what it finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.audit.subject import Subject

DEEP = "it reads images or fits methods again; --deep does"

Outcome = Literal["pass", "warn", "fail", "not applicable"]


@dataclass(frozen=True)
class Evidence:
    """One thing that a check found.

    Parameters
    ----------
    text
        What was found, with its numbers.
    case_ids
        The cases that show it; empty where all of them do.
    """

    text: str
    case_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotApplicable:
    """Why a check has nothing to look at."""

    reason: str


@dataclass(frozen=True)
class Measured:
    """What was found, with numbers that are worth reading whether or not anything was.

    Parameters
    ----------
    evidence
        No evidence is a pass.
    numbers
        Sentences.
    """

    evidence: Sequence[Evidence]
    numbers: tuple[str, ...]


Found = Sequence[Evidence] | Measured | NotApplicable
"""What an examination returns; no evidence is a pass."""
Cost = Literal["table", "scores", "deep"]
"""What an examination takes: tables alone, the scores with their resamples, or images and fits."""


@dataclass(frozen=True)
class Check:
    """A question that the audit asks.

    Parameters
    ----------
    code
        ``BA`` and three digits; a code is never given to another check.
    title
        A few words for a table.
    means
        What it finds.
    why
        What that does to the reported numbers.
    remedy
        What to do about it.
    severity
        The verdict on any evidence: ``fail`` where the numbers cannot stand, ``warn`` where they may mislead.
    examine
        Looks for evidence.
    cost
        ``table``: a fraction of a second, so it stands under every board; ``scores``: those of all methods;
        ``deep``: images are read or methods fitted again.
    """

    code: str
    title: str
    means: str
    why: str
    remedy: str
    severity: Literal["warn", "fail"]
    examine: Callable[[Subject], Found]
    cost: Cost = "table"


@dataclass(frozen=True)
class Verdict:
    """What a check came to.

    Parameters
    ----------
    outcome
        ``pass``, ``warn``, ``fail`` or ``not applicable``.
    reason
        Why it does not apply; empty where it does.
    muted
        Why the reader was asked to overlook it; empty where nobody asked.
    numbers
        What was measured, whatever the outcome.
    """

    check: Check
    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    muted: str = ""
    numbers: tuple[str, ...] = ()


def verdict_of(check: Check, subject: Subject, muted: str = "") -> Verdict:
    """Examine a subject."""
    deep = check.cost == "deep" and not subject.deep
    found = NotApplicable(DEEP) if deep else check.examine(subject)
    if isinstance(found, NotApplicable):
        return Verdict(check, "not applicable", reason=found.reason, muted=muted)
    evidence, numbers = (found.evidence, found.numbers) if isinstance(found, Measured) else (found, ())
    return Verdict(
        check, check.severity if evidence else "pass", tuple(evidence), muted=muted, numbers=numbers
    )
