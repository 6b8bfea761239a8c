"""Phases out of a series: images at the same place are told apart by what their headers say of time."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.image import MOMENTS, Image

# Part of the slice distance by which a written position may be off.
OFF_GRID = 0.1
SAME_PLACE_MM = 0.01
CUT_OFF = "slices are missing at an end"
UNEVEN = "slices are not evenly spaced"
ONE_EACH = "one image at each place"
MIXTURE = "no field of the header tells its images at one place apart"


@dataclass(frozen=True)
class Phase:
    """One volume: its images from the first slice to the last, and by what they were told from others.

    ``fault`` says why the volume cannot be used, empty where it can, and ``detail`` with its numbers.
    """

    images: tuple[Image, ...] = field(repr=False)
    told_by: str
    fault: str = ""
    detail: str = ""

    @property
    def seconds(self) -> float | None:
        """When the phase was begun."""
        known = [image.seconds for image in self.images if image.seconds is not None]
        return min(known) if known else None

    @property
    def first(self) -> Image:
        """The image of its first slice."""
        return self.images[0]


def phases_of(
    images: Sequence[Image], same_pixels: Callable[[Image, Image], bool]
) -> tuple[list[Phase], list[str]]:
    """The phases of a series in the order of their time, and what was noticed on the way.

    Copies of an image (by its UID, or the same pixels at the same place and moment) count once.
    ``same_pixels`` compares two images' voxels.

    Raises
    ------
    Refused
        Nothing in the headers tells the images at one place apart.
    """
    places, notes = _without_copies(_by_place(images), same_pixels)
    if max(map(len, places.values())) == 1:
        return [_phase(_column(places, 0), ONE_EACH)], notes
    for split in (_complete, _incomplete):
        for moment in MOMENTS:
            found = split(places, moment)
            if found:
                notes += _contradictions(found, moment)
                return [_phase(one, moment, len(places)) for one in found], notes
    raise Refused(_mixture(places), MIXTURE)


def _by_place(images: Sequence[Image]) -> dict[float, list[Image]]:
    """Images by their place along the normal, first place first."""
    ordered = sorted(images, key=lambda image: (image.height, image.uid))
    places: dict[float, list[Image]] = {}
    last: float | None = None
    for image in ordered:
        if last is None or image.height - last > SAME_PLACE_MM:
            last = image.height
        places.setdefault(last, []).append(image)
    return places


def _without_copies(
    places: dict[float, list[Image]], same_pixels: Callable[[Image, Image], bool]
) -> tuple[dict[float, list[Image]], list[str]]:
    kept: dict[float, list[Image]] = {}
    copies = 0
    for place, images in places.items():
        once = list({image.uid: image for image in images}.values())
        single: list[Image] = []
        for image in once:
            if not any(_same_moment(image, other) and same_pixels(image, other) for other in single):
                single.append(image)
        copies += len(images) - len(single)
        kept[place] = single
    return kept, [f"{copies} duplicated image(s) counted once"] if copies else []


def _same_moment(a: Image, b: Image) -> bool:
    times = MOMENTS[:-1]
    return [a.moments.get(name) for name in times] == [b.moments.get(name) for name in times]


def _complete(places: dict[float, list[Image]], moment: str) -> list[list[Image]]:
    """Phases by the rank of a moment at each place; none unless they follow each other everywhere."""
    if len({len(images) for images in places.values()}) > 1 or not _told_apart(places, moment):
        return []
    ranked = {
        place: sorted(images, key=lambda image: image.moments[moment]) for place, images in places.items()
    }
    phases = [_column(ranked, rank) for rank in range(len(next(iter(ranked.values()))))]
    ends = [(min(values), max(values)) for values in ([i.moments[moment] for i in one] for one in phases)]
    follow = all(before[1] < after[0] for before, after in itertools.pairwise(ends))
    return phases if follow else []


def _incomplete(places: dict[float, list[Image]], moment: str) -> list[list[Image]]:
    """Phases of one value of a moment each, where slices are missing; none where the values do not fit."""
    if not _told_apart(places, moment):
        return []
    phases: dict[float, list[Image]] = defaultdict(list)
    for images in places.values():
        for image in images:
            phases[image.moments[moment]].append(image)
    fit = len(phases) == max(map(len, places.values()))
    return [phases[value] for value in sorted(phases)] if fit else []


def _told_apart(places: dict[float, list[Image]], moment: str) -> bool:
    """Whether all images have the moment and no two at one place have the same."""
    values = [[image.moments.get(moment) for image in images] for images in places.values()]
    return all(None not in at_place and len(set(at_place)) == len(at_place) for at_place in values)


def _column(places: dict[float, list[Image]], rank: int) -> list[Image]:
    return [images[rank] for images in places.values()]


def _contradictions(phases: Sequence[Sequence[Image]], moment: str) -> list[str]:
    """Other moments by which the phases would be in another order."""
    notes = []
    for other in MOMENTS[:-1]:
        values = [[image.moments.get(other) for image in phase] for phase in phases]
        means = [np.mean([value for value in one if value is not None] or [np.nan]) for one in values]
        if other != moment and len(set(means)) == len(means) and (np.diff(means) < 0).any():
            notes.append(f"by {other} the phases would be in another order than by {moment}")
    return notes


def _phase(images: Sequence[Image], told_by: str, slices: int = 0) -> Phase:
    """A volume and what is wrong with it; ``slices`` is how many places its series has."""
    heights = np.array([image.height for image in images])
    steps = np.diff(heights)
    if slices and len(images) < slices:
        gaps = len(steps) and steps.max() > 1.5 * np.median(steps)
        what = "slices are missing in between" if gaps else CUT_OFF
        return Phase(tuple(images), told_by, what, f"{what}: {len(images)} of {slices} slices")
    step = float(np.median(steps)) if len(steps) else 0.0
    apart = np.flatnonzero(np.abs(steps - step) > OFF_GRID * step)
    if len(apart):
        at = int(apart[0])
        where = f"{steps[at]:.4g} mm between slices {at + 1} and {at + 2}, {step:.4g} mm between most"
        detail = f"{UNEVEN}: {where} ({len(apart)} such places); a slice is missing, or two series are mixed"
        return Phase(tuple(images), told_by, UNEVEN, detail)
    return Phase(tuple(images), told_by)


def _mixture(places: dict[float, list[Image]]) -> str:
    counts = Counter(map(len, places.values()))
    said = ", ".join(f"{images} image(s) at {slices} place(s)" for images, slices in sorted(counts.items()))
    return f"{MIXTURE} ({said}); slices are missing or two series mixed"
