"""What the images of a case are called, as ``images`` of cohort.toml says: the phases of a dynamic study."""

from collections.abc import Mapping
from typing import Any

from bench.cohorts.columns import IDENTITY, IMAGE, MASK
from bench.cohorts.lesion_labels import LESION_LABEL
from bench.imaging.crop import CHANNELS, IMAGE_NAME

IMAGES = "images"


def image_names(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the images of a case, which are columns of cases.csv; the first is read where none is named.

    Examples
    --------
    >>> image_names({}), image_names({"images": ["post1", "pre"]})
    (('image',), ('post1', 'pre'))
    """
    return tuple(header.get(IMAGES, (IMAGE,)))


def odd_image_names(header: Mapping[str, Any]) -> str:
    """What is wrong with the declared names; empty where nothing is."""
    names = header.get(IMAGES, [IMAGE])
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return f"images must be a list of columns of cases.csv, such as ['post1', 'pre'], got {names!r}"
    taken = (*IDENTITY, MASK, *CHANNELS[1:], LESION_LABEL, *header.get("tasks", ()))
    for at, name in enumerate(names):
        if IMAGE_NAME.fullmatch(name) is None:
            return f"images: {name!r} is no name of an image, expected letters, digits and _"
        if name in taken:
            return f"images: {name!r} has another meaning, expected a name of its own"
        if name in names[:at]:
            return f"images: {name!r} is named twice"
        if name == IMAGE and at:
            return f"images: {IMAGE!r} always means the first image; name it first, or call it otherwise"
    return ""
