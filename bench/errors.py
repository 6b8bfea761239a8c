"""Errors that users can act on: what was expected, what came, whose it is and the remedy."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

# A parameter in a message, between signs that no text of a user has.
_PARAMETER = re.compile("\x02(\\w+)=([^\x03]*)\x03")


def parameter(name: str, value: object = "") -> str:
    """A parameter, with the value that it should have, to be named in a message.

    Python shows ``name=value``, the command line its own option; see :func:`worded`.

    Examples
    --------
    >>> str(BenchError(f"too few cases; give {parameter('inner_folds', 3)}"))
    'too few cases; give inner_folds=3'
    """
    return f"\x02{name}={value}\x03"


def worded(text: str, spelled: Callable[[str, str], str]) -> str:
    """The text with each of its parameters as ``spelled(name, value)``; an empty value is none."""
    return _PARAMETER.sub(lambda found: spelled(found[1], found[2]), text)


def _in_python(name: str, value: str) -> str:
    return f"{name}={value}" if value else f"`{name}`"


class BenchError(Exception):
    """Something a user asked for cannot be done; the message names the remedy.

    Its kinds, all in ``bench.errors``: ``CohortError`` (a folder, a case or a label is not as declared),
    ``SplitError`` (a split cannot be made), ``PluginError`` (a plugin or method breaks its contract),
    ``StoreError`` (a run store cannot be read or written) and ``UsageError`` (a name that does not exist).

    Examples
    --------
    >>> import bench
    >>> try:
    ...     bench.open_cohort("phantom-tny")
    ... except bench.BenchError as error:
    ...     print(str(error).partition(":")[0])
    unknown cohort 'phantom-tny'
    """

    exit_code = 1

    def __str__(self) -> str:
        return worded(super().__str__(), _in_python)


class CohortError(BenchError):
    """A cohort folder, one of its cases or its labels are not as declared."""


class ImageError(CohortError):
    """A file of a case cannot be used; ``kind`` says why, in words that are the same for all."""

    def __init__(self, message: str, kind: str = "unreadable file") -> None:
        super().__init__(message)
        self.kind = kind


class MachineError(BenchError):
    """The machine is at fault, not a method or a cohort: a disk is full, or a place cannot be written.

    A cell that ends so is no result: the next run tries it again.
    """


class SplitError(BenchError):
    """A split cannot be made of this cohort."""


class PluginError(BenchError):
    """A plugin or a method breaks its contract, or is not available."""


class StoreError(BenchError):
    """The run store cannot be read or written."""


class UsageError(BenchError):
    """A name or option that does not exist was asked for."""

    exit_code = 2


def unknown_name(kind: str, name: str, known: Iterable[str], remedy: str = "") -> UsageError:
    """The error for a name that does not exist: it suggests the nearest known names.

    Parameters
    ----------
    kind
        What was asked for: "method", "split", ...
    name
        What the user typed.
    known
        Names that exist.
    remedy
        A closing sentence, such as the command that lists them.
    """
    choices = sorted(known)
    near = get_close_matches(name, choices, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(choices) or 'none'}."
    return UsageError(f"unknown {kind} {name!r}: {hint} {remedy}".rstrip())
