"""Unknown names, answered with the nearest known ones."""

from collections.abc import Iterable
from difflib import get_close_matches

from bench.errors import UsageError


def submitted_label(name: str) -> str:
    """The row of predictions that were submitted under a name."""
    return f"{name} (submitted)"


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
