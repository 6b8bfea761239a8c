"""Several phases of one study, kept side by side under names of their own."""

import re
from collections.abc import Callable, Mapping, Sequence

from bench.cohorts.importers.dicom.choice import FIRST_POST, PRE, Chosen, choose_phase, require_phase
from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.phases import Phase
from bench.errors import UsageError

TWICE = "two of the phases asked for are one"


def image_names(wanted: Sequence[str]) -> dict[str, str]:
    """What to call the phases as images of a case, each with what was asked for; the first to be read first.

    ``first-post`` is ``post1``, the phase with number 3 ``phase3``, that of 2.5 minutes ``min2_5``. The first
    one after contrast stands first: it is what methods of one image read. Raises UsageError for what names no
    phase, and for one that is named twice.

    Examples
    --------
    >>> image_names(("pre", "first-post", "2.5min"))
    {'post1': 'first-post', 'pre': 'pre', 'min2_5': '2.5min'}
    """
    named: dict[str, str] = {}
    for one in wanted:
        require_phase(one)
        name = _name(one)
        if name in named:
            raise UsageError(f"phases: {one!r} and {named[name]!r} are one phase; name each once")
        named[name] = one
    after = sorted(name for name in named if re.fullmatch(r"post\d+", name))
    first = min(after, key=lambda name: int(name[4:]), default=None)
    first = first or next((name for name in named if name != PRE), None)
    return named if first is None else {first: named[first], **named}


def _name(wanted: str) -> str:
    if wanted == FIRST_POST:
        return "post1"
    if wanted.endswith("min"):
        return f"min{float(wanted[:-3]):g}".replace(".", "_")
    return f"phase{int(wanted)}" if wanted.isdigit() else wanted


def choose_phases(
    phases: Sequence[Phase], wanted: Mapping[str, str], brightness: Callable[[int], float]
) -> dict[str, Chosen]:
    """The phases that ``wanted`` names, by the names of :func:`image_names`; see :func:`choose_phase`.

    Raises
    ------
    Refused
        The study lacks one, it cannot be told which it is, or two of them are one.
    """
    chosen = {name: choose_phase(phases, one, brightness) for name, one in wanted.items()}
    places: dict[int, str] = {}
    for name, one in chosen.items():
        other = places.setdefault(one.place, name)
        if other != name:
            raise Refused(f"{other} and {name} are both phase {one.place}: {TWICE}", TWICE)
    return chosen
