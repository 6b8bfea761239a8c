"""Which phases of a dynamic study are taken, and by what evidence."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.phases import ONE_EACH, Phase
from bench.errors import UsageError

FIRST_POST = "first-post"
PRE = "pre"
# Enhancing lesions rise by tens of per cent from before to after contrast, and less later on.
MIN_RISE = 0.1
LONE = "one phase, and no header says that it is after contrast"
UNCLEAR = "which phase is the first after contrast is unclear"
NO_SUCH, NO_TIME = "no such phase", "no header says when the phases were acquired"


@dataclass(frozen=True)
class Chosen:
    """A phase that is taken: its name in files, its place in time from 0, minutes after the first, why."""

    name: str
    place: int
    minutes: float | None
    evidence: str


def require_phase(wanted: str) -> None:
    """Raise UsageError unless ``wanted`` is a way to name a phase."""
    if not re.fullmatch(r"first-post|pre|post[1-9]\d*|\d+|\d+(\.\d+)?\s*min", wanted):
        raise UsageError(
            f"phase: {wanted!r} is no phase; write first-post, pre, post1 (the first after contrast), a "
            "number (0 is the first in time) or minutes after the first, such as 2min"
        )


def choose_phase(phases: Sequence[Phase], wanted: str, brightness: Callable[[int], float]) -> Chosen:
    """The phase that ``wanted`` names.

    Parameters
    ----------
    wanted
        ``first-post``, ``pre``, ``post1``, a number from 0, or minutes such as ``2min``.
    brightness
        Mean intensity of a phase, in the lesion where there is a mask; asked for only where neither time nor
        contrast tags settle which phase is the first after contrast.

    Raises
    ------
    Refused
        The study has no such phase, or it cannot be told which one it is.
    """
    require_phase(wanted)
    minutes = minutes_of(phases)
    if wanted.endswith("min"):
        return _nearest(minutes, float(wanted[:-3]))
    if wanted.isdigit():
        return _at(phases, minutes, wanted, int(wanted), f"phase {wanted} as asked for")
    first, evidence = first_post(phases, brightness)
    post = int(wanted[4:]) if re.fullmatch(r"post\d+", wanted) else 1
    place = 0 if wanted == PRE and first else first + post - 1
    if wanted == PRE and not first:
        raise Refused(f"no phase is before contrast ({evidence})", NO_SUCH)
    return _at(phases, minutes, wanted, place, evidence)


def minutes_of(phases: Sequence[Phase]) -> list[float | None]:
    """Minutes after the first phase, None where the headers do not say."""
    if len(phases) > 1 and all(phase.told_by == "trigger time" for phase in phases):
        triggers = [min(image.moments["trigger time"] for image in phase.images) for phase in phases]
        return [(trigger - triggers[0]) / 60_000 for trigger in triggers]
    seconds = [phase.seconds for phase in phases]
    start = seconds[0]
    if start is None or len(set(seconds)) < len(seconds):
        return [None] * len(phases)
    return [None if one is None else (one - start) / 60 for one in seconds]


def first_post(phases: Sequence[Phase], brightness: Callable[[int], float]) -> tuple[int, str]:
    """Place of the first phase after contrast, and by what it was found: time, contrast tags, intensity."""
    tags = [phase.first.contrast for phase in phases]
    if len(phases) == 1:
        if tags[0]:
            return 0, "the only phase; its header names a contrast agent"
        raise Refused(f"{LONE}; if it is, choose phase 0", LONE)
    if True in tags and tags[0] is not True and tags == sorted(tags, key=bool):
        first = tags.index(True)
        return first, f"{_in_order(phases)}; contrast agent named from phase {first} on"
    _require_sound(phases, 0)
    _require_sound(phases, 1)
    rises = brightness(1) / max(brightness(0), 1e-9) - 1
    if rises >= MIN_RISE:
        return 1, f"{_in_order(phases)}; phase 1 is {rises:.0%} brighter than phase 0"
    raise Refused(
        f"phase 1 is hardly brighter than phase 0 ({rises:+.0%}) and no header names contrast in one alone: "
        f"{UNCLEAR}; look at them and choose one by its number",
        UNCLEAR,
    )


def _in_order(phases: Sequence[Phase]) -> str:
    told = sorted({phase.told_by for phase in phases})
    if told != [ONE_EACH]:
        return f"{len(phases)} phases in order of {' and '.join(told)}"
    return f"{len(phases)} series in order of {'series number' if phases[0].seconds is None else 'time'}"


def _nearest(minutes: list[float | None], wanted: float) -> Chosen:
    known = [(place, value) for place, value in enumerate(minutes) if value is not None]
    if not known:
        raise Refused(f"{NO_TIME}; choose one by number", NO_TIME)
    place, value = min(known, key=lambda entry: abs(entry[1] - wanted))
    said = f"{value:.1f} min after the first phase, nearest to {wanted:g} min"
    return Chosen(f"{wanted:g}min", place, value, said)


def _at(phases: Sequence[Phase], minutes: list[float | None], name: str, place: int, evidence: str) -> Chosen:
    if place >= len(phases):
        raise Refused(f"it has {len(phases)} phases, so no {name}", NO_SUCH)
    _require_sound(phases, place)
    return Chosen(name, place, minutes[place], evidence)


def _require_sound(phases: Sequence[Phase], place: int) -> None:
    phase = phases[place]
    if phase.fault:
        raise Refused(f"phase {place}, {phase.detail}", f"a phase that is needed: {phase.fault}")


def mean_intensity(voxels: np.ndarray, lesion: np.ndarray | None) -> float:
    """Mean in the lesion, or of the brighter half of the image where there is no mask."""
    if lesion is not None and lesion.any():
        return float(voxels[lesion].mean(dtype=np.float64))
    return float(voxels[voxels >= np.median(voxels)].mean(dtype=np.float64))
