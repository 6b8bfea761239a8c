"""Which series of a study may be phases of a dynamic study, and which are not, with the reason."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.image import Image

MIN_SLICES = 5
TOO_FEW = "too few slices for a volume"
MIXED_ORIENTATIONS = "images of several orientations in one series"
MIXED_SIZES = "images of several sizes or pixel spacings in one series"
# By how much written numbers may differ that mean the same.
SAME_SPACING_MM, SAME_COSINE = 1e-3, 1e-2
LOCALISER = re.compile(r"(?<![a-z])(locali[sz]er|scout|survey|3[ -]?plane|loc)(?![a-z])")
SUBTRACTION = re.compile(r"(?<![a-z])(sub|subs|subtr\w*|subtraction)(?![a-z])")
PROJECTIONS = (
    "PROJECTION IMAGE",
    "MIP",
    "MPR",
    "MINIP",
    "AVERAGE",
    "MAP",
    "ADC",
    "TTP",
    "WASHOUT",
    "WASH_IN",
)
COMPUTED = re.compile(
    r"(?<![a-z])(mip|mips|mpr|adc|ttp|wash-?in|wash-?out|perfusion map|peak enhancement)(?![a-z])|"
    r"volser.*: *(ser|pe\d*)(?![a-z])"
)
OTHER_CONTRAST = re.compile(r"(?<![a-z0-9])(t2|stir|dwi|diff\w*|flair|trace)(?![a-z])")


def series_of(images: Iterable[Image]) -> dict[str, list[Image]]:
    """The images of each series, in the order of the series' numbers."""
    series: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        series[image.series].append(image)
    return dict(sorted(series.items(), key=lambda entry: (entry[1][0].series_number, entry[0])))


def require_phases(images: Sequence[Image]) -> None:
    """Raise Refused for a series that is no phase of a dynamic study: a localiser, or a computed one.

    Images that a study only derives from others (subtractions, projections, maps) are recognised by their
    image type and by the words of their description.
    """
    first = images[0]
    words = first.description.lower().replace("_", " ")
    if "LOCALIZER" in first.kind or LOCALISER.search(words):
        raise Refused("a localiser")
    if is_subtraction(first):
        raise Refused("a subtraction: kept apart, it is no phase")
    if any(word in first.kind for word in PROJECTIONS) or COMPUTED.search(words):
        raise Refused("derived from other images (a projection, a reformat or a map)")
    if OTHER_CONTRAST.search(words):
        raise Refused("not T1-weighted by its description (T2, STIR, FLAIR or diffusion)")
    if not all(_same_orientation(image, first) for image in images):
        raise Refused(MIXED_ORIENTATIONS)
    if not all(same_geometry(image, first) for image in images):
        raise Refused(MIXED_SIZES)
    slices = len({round(image.height, 2) for image in images})
    if slices < MIN_SLICES:
        raise Refused(f"{slices} slice(s), expected {MIN_SLICES} or more: {TOO_FEW}", TOO_FEW)


def is_subtraction(image: Image) -> bool:
    """Whether an image type or a description says that one phase was subtracted from another."""
    words = image.description.lower().replace("_", " ")
    typed = any(word.startswith("SUB") for word in image.kind)
    return typed or bool(SUBTRACTION.search(words))


def same_geometry(a: Image, b: Image) -> bool:
    """Whether two images have what all slices of a volume share: size, spacing and orientation."""
    apart = np.abs(np.subtract(a.spacing, b.spacing)).max()
    size = (a.rows, a.columns) == (b.rows, b.columns)
    return size and bool(apart <= SAME_SPACING_MM) and _same_orientation(a, b)


def _same_orientation(a: Image, b: Image) -> bool:
    return bool(np.abs(np.subtract(a.orientation, b.orientation)).max() <= SAME_COSINE)
