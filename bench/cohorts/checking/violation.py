"""A violation: one thing that is wrong with a cohort, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.errors import CohortError, parameter


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a cohort.

    Parameters
    ----------
    kind
        What kind of violation, in a few words that are the same for all cases.
    detail
        What was expected, what came, and the remedy.
    case_id
        The case in question; empty where the cohort as a whole is.
    severity
        ``error``: a run rejects the case or the cohort. ``warning``: it runs, and may mislead.
    line
        Line of the table in question, as a text editor or spreadsheet counts; 0 where no line is.
    column
        Column in question; empty where none is.
    """

    kind: str
    detail: str
    case_id: str = ""
    severity: Literal["error", "warning"] = "error"
    line: int = 0
    column: str = ""


Tell = Callable[[Violation], None]


def refuse(violation: Violation) -> None:
    """Stop at the first violation: raise it as a CohortError."""
    rest = f"; `bench cohort check` names every violation, {parameter('skip_broken')} leaves such cases out"
    raise CohortError(violation.detail + (rest if violation.case_id else ""))
