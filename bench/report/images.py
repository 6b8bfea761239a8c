"""Which images of a case methods were given, where a cohort has several: for title and notes of a board."""

from collections.abc import Iterable

from bench.predictions.results import Results
from bench.report.findings import enumerate_names

# The name of the image of a cohort that has one.
ONE = "image"


def images_used(results: Results) -> tuple[str, ...]:
    """Images that some method was given, without differences; none where each case has one image."""
    shown = (part for given in _given(results).values() for channel in given for part in channel.split("-"))
    return () if not _has_several(results) else tuple(dict.fromkeys(shown))


def image_notes(results: Results) -> list[str]:
    """Which images each method was given; nothing where each case has one image, or no record says."""
    if not _has_several(results):
        return []
    whose: dict[tuple[str, ...], list[str]] = {}
    for label, given in _given(results).items():
        whose.setdefault(given, []).append(label)
    said = (f"{enumerate_names(labels)}: {', '.join(given) or 'none'}" for given, labels in whose.items())
    return [
        f"Images of a case that a method was given: {'; '.join(said)}. A-B is the difference of two images, "
        "in the unit of the case's first one."
    ]


def _given(results: Results) -> dict[str, tuple[str, ...]]:
    """By method the channels of images in its records, in the order in which they come there."""
    found = {}
    for method in results.methods:
        told: Iterable[str] = (one for record in method.records for one in record.get("images", ()))
        if any("images" in record for record in method.records):
            found[method.label] = tuple(dict.fromkeys(told))
    return found


def _has_several(results: Results) -> bool:
    return any(channel != ONE for given in _given(results).values() for channel in given)
