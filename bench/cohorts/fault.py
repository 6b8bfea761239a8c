"""A fault: one thing that is wrong with a cohort, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.errors import CohortError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a cohort.

    Parameters
    ----------
    rule
        What kind of fault, in a few words that are the same for all cases.
    detail
        What was expected, what came, and the remedy.
    case_id
        The case at fault; empty where the cohort as a whole is.
    severity
        ``error``: a run refuses the case or the cohort. ``warning``: it runs, and may mislead.
    line
        Line of the table at fault, as a text editor or spreadsheet counts; 0 where no line is.
    column
        Column at fault; empty where none is.
    """

    rule: str
    detail: str
    case_id: str = ""
    severity: Literal["error", "warning"] = "error"
    line: int = 0
    column: str = ""


Tell = Callable[[Fault], None]


def refuse(fault: Fault) -> None:
    """Stop at the first fault: raise it as a CohortError."""
    rest = "; `bench cohort check` names every fault, `--skip-broken` leaves such cases out"
    raise CohortError(fault.detail + (rest if fault.case_id else ""))
