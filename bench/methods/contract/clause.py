"""What a clause of the contract is, and what its check came to."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.methods.contract.subject import Subject


class NotAsked(Exception):
    """The clause does not apply to this method; the message says why."""


class Breach(Exception):
    """The method breaks the clause; the message says how."""


@dataclass(frozen=True)
class Clause:
    """One clause of the contract.

    Parameters
    ----------
    code
        Stable name, ``BC`` and two digits; a code is never given to another clause.
    title
        What a method that keeps it does, in one line.
    meaning
        Why it matters for a benchmark.
    procedure
        How the check finds a breach.
    remedy
        What the author does about a breach.
    check
        Raises :class:`Breach`, or whatever the method raises, where the clause is broken, and
        :class:`NotAsked` where it does not apply.
    quick
        Whether it takes few fits in one process, so that ``bench run`` can check it before a method runs.
    where
        The function of the class that a breach is looked for in first.
    """

    code: str
    title: str
    meaning: str
    procedure: str
    remedy: str
    check: Callable[["Subject"], None]
    quick: bool = False
    where: str = "predict"

    def explanation(self) -> str:
        """The clause in full, as ``bench check --explain`` prints it."""
        return (
            f"{self.code}: {self.title}\n\nWhy: {self.meaning}\nHow it is checked: {self.procedure}\n"
            f"Remedy: {self.remedy}"
        )


@dataclass(frozen=True)
class Check:
    """A clause and whether a method keeps it.

    Parameters
    ----------
    code, clause
        Code and title of the clause.
    kept
        False where it is broken; True also where it does not apply, which ``detail`` then says.
    detail
        How it is broken.
    place
        ``file.py:12``: the line of the method's own code that raised an error, else where the function begins
        that the clause is about; empty where it is kept.
    """

    code: str
    clause: str
    kept: bool
    detail: str = ""
    place: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
