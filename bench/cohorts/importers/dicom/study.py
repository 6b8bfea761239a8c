"""The dynamic study of an exam: the phases of all its series that lie on one grid, in the order of time."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.phases import CUT_OFF, OFF_GRID, Phase, phases_of
from bench.cohorts.importers.dicom.series import require_phases, same_geometry, series_of

DYNAMIC = re.compile(
    r"dyn|dce|vibrant|vibe|thrive|post|contrast|gad|(?<![a-z])ph\w*\d|(?<![a-z])pre(?![a-z])"
)

# By how much the first slices of phases of one grid, and their echo and repetition times, may differ.
SAME_SEQUENCE = ("echo_time", "repetition_time", "flip_angle")
SAME_CORNER_MM, SAME_TIME = 0.5, 0.05
CLOCKS = ("acquisition time", "content time")
AMBIGUOUS = "several series could be the dynamic study"


@dataclass(frozen=True)
class Dynamic:
    """The phases of a study in the order of time, what was left out and what was noticed."""

    phases: tuple[Phase, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def dynamic_of(
    images: Iterable[Image], same_pixels: Callable[[Image, Image], bool], wanted: str = ""
) -> Dynamic:
    """The dynamic study among the series of an exam.

    Parameters
    ----------
    wanted
        A regular expression; only series whose description it matches are considered. All where empty.

    Raises
    ------
    Refused
        No series is one, with what each of them is instead.
    """
    left_out: list[str] = []
    reasons: set[str] = set()
    notes: list[str] = []
    phases: list[Phase] = []
    series = series_of(images)
    for place, one in enumerate(series.values(), 1):
        name = f"series {place} of {len(series)}"
        try:
            if wanted and not re.search(wanted, one[0].description, re.IGNORECASE):
                raise Refused("its description does not match --series")
            require_phases(one)
            found, noticed = phases_of(one, same_pixels)
        except Refused as refused:
            left_out.append(f"{name}: {refused}")
            reasons.add(refused.reason)
            continue
        notes += [f"{name}: {note}" for note in noticed]
        phases += [replace(one, detail=f"{name}: {one.detail}") if one.fault else one for one in found]
    if not phases:
        raise Refused(_none_of(left_out), _none_of(sorted(reasons)))
    chosen, others = _on_one_grid(phases)
    left_out += [f"{other} phase(s) on another grid or of another sequence" for other in others]
    return Dynamic(tuple(_in_time(chosen)), tuple(left_out), tuple(notes))


def _none_of(reasons: Sequence[str]) -> str:
    return f"no series is a dynamic study ({'; '.join(reasons)})"


def _on_one_grid(phases: list[Phase]) -> tuple[list[Phase], list[int]]:
    """The largest set of phases of one grid and sequence, and the sizes of the other sets.

    A phase of fewer slices that all lie on the grid of a set belongs to it and is cut off.
    """
    chosen, *others = sorted(_sets(phases), key=lambda one: (_rank(one), len(one[0].images)), reverse=True)
    cut = [phase for other in others for phase in other if _is_part(phase, chosen[0])]
    rest = [[phase for phase in other if phase not in cut] for other in others]
    rest = [other for other in rest if other]
    if rest and _rank(rest[0]) == _rank(chosen):
        raise Refused(f"{AMBIGUOUS}; choose with --series 'REGULAR EXPRESSION' of its description", AMBIGUOUS)
    places = {id(phase): place for place, phase in enumerate(phases)}
    together = sorted([*chosen, *cut], key=lambda phase: places[id(phase)])
    slices = len(chosen[0].images)
    return [_cut_off(phase, slices) if phase in cut else phase for phase in together], list(map(len, rest))


def _sets(phases: list[Phase]) -> list[list[Phase]]:
    """Phases of one sequence and grid each; those with a fault go with the first set of their sequence."""
    sets: list[list[Phase]] = []
    for phase in sorted(phases, key=lambda phase: bool(phase.fault)):
        home = next((one for one in sets if _belongs(phase, one[0])), None)
        if home is None:
            sets.append([phase])
        else:
            home.append(phase)
    return sets


def _belongs(phase: Phase, other: Phase) -> bool:
    """Whether a phase is of another one's sequence and, unless it has a fault, on its grid."""
    apart = np.linalg.norm(np.subtract(phase.first.position, other.first.position))
    on_grid = len(phase.images) == len(other.images) and apart <= SAME_CORNER_MM
    return _alike(phase, other) and bool(phase.fault or on_grid)


def _alike(phase: Phase, other: Phase) -> bool:
    """Whether two phases have one geometry, echo and repetition time and flip angle.

    A series of several flip angles maps T1; its images are no phases of the dynamic study.
    """
    here, there = (
        [float(one.first.acquisition.get(name) or 0) for name in SAME_SEQUENCE] for one in (phase, other)
    )
    return same_geometry(phase.first, other.first) and np.allclose(here, there, rtol=SAME_TIME)


def _is_part(phase: Phase, whole: Phase) -> bool:
    """Whether a phase has fewer slices than another one, each where the other has one."""
    if not _alike(phase, whole) or len(phase.images) >= len(whole.images):
        return False
    here, there = (np.array([image.position for image in one.images]) for one in (phase, whole))
    apart = np.linalg.norm(here[:, None] - there[None], axis=2).min(axis=1)
    return bool(apart.max() <= OFF_GRID * np.linalg.norm(there[1] - there[0]))


def _cut_off(phase: Phase, slices: int) -> Phase:
    return replace(phase, fault=CUT_OFF, detail=f"{CUT_OFF}: {len(phase.images)} of {slices} slices")


def _rank(phases: list[Phase]) -> tuple[int, bool, bool]:
    named = any(DYNAMIC.search(phase.first.description.lower()) for phase in phases)
    return len(phases), any(phase.first.contrast for phase in phases), named


def _in_time(phases: list[Phase]) -> list[Phase]:
    """Phases by the first clock that tells all of them apart; as they come where none does.

    Phases of one series are in order already.
    """
    if len({phase.first.series for phase in phases}) == 1:
        return phases
    for clock in CLOCKS:
        moments = [_begin(phase, clock) for phase in phases]
        if None not in moments and len(set(moments)) == len(moments):
            return sorted(phases, key=lambda phase: _begin(phase, clock) or 0.0)
    known = [phase.seconds for phase in phases]
    return phases if None in known else sorted(phases, key=lambda phase: phase.seconds or 0.0)


def _begin(phase: Phase, clock: str) -> float | None:
    known = [image.moments[clock] for image in phase.images if clock in image.moments]
    return min(known) if known else None
