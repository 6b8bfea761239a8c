"""What a crop is: a cube in millimetres round the lesion, on its own isotropic grid."""

import re
from dataclasses import dataclass

from bench.errors import CohortError

CHANNELS = ("image", "mask", "distance")
IMAGE = CHANNELS[0]
# How an image of a case may be called, and a channel: an image, or one image less another.
IMAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
CHANNEL = re.compile(rf"{IMAGE_NAME.pattern}(-{IMAGE_NAME.pattern})?", re.ASCII)


@dataclass(frozen=True)
class Crop:
    """A cube round the lesion's bounding-box centre, axes along the patient's, order (z, y, x).

    Parameters
    ----------
    size_mm
        Edge of the cube in mm; rounded to a whole number of voxels.
    spacing_mm
        Edge of a voxel in mm, isotropic.
    channels
        Any of ``image`` (normalised intensity), ``mask`` (1 inside the lesion) and ``distance`` (signed
        distance to the lesion's boundary in mm, negative inside), in the order wanted. Of a cohort with
        several images a case, ``image`` is the first; the others have the names that the cohort gives them,
        such as ``pre``, and ``post1-pre`` is one less another. All images of a case are in the unit of its
        first one.

    Examples
    --------
    >>> import bench
    >>> bench.Crop(size_mm=40, spacing_mm=2).shape
    (20, 20, 20)
    >>> bench.Crop(channels=("post1", "pre", "post1-pre", "mask")).channels
    ('post1', 'pre', 'post1-pre', 'mask')
    >>> bench.Crop(channels=("post1+pre",))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: crop channels are 'image', 'mask', 'distance', or images and their differences such as ...
    """

    size_mm: float = 48.0
    spacing_mm: float = 1.5
    channels: tuple[str, ...] = ("image", "mask")

    def __post_init__(self) -> None:
        if not self.channels or any(_is_odd(name) for name in self.channels):
            raise ValueError(
                "crop channels are 'image', 'mask', 'distance', or images and their differences such as "
                f"'post1-pre', got {self.channels}"
            )
        if not 0 < self.spacing_mm <= self.size_mm:
            raise ValueError(f"need 0 < spacing_mm <= size_mm, got {self.spacing_mm} and {self.size_mm}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        voxels = round(self.size_mm / self.spacing_mm)
        return (voxels, voxels, voxels)

    def image_channels(self, images: tuple[str, ...]) -> tuple[str, ...]:
        """The channels that show intensities, of a cohort with these images; the first by its own name."""
        parts = ((images_in(name, images), name) for name in self.channels)
        return tuple("-".join(shown) for shown, _ in parts if shown)

    def needs_others(self, images: tuple[str, ...]) -> bool:
        """Whether a channel shows more than the first of these images."""
        return any(shown not in ((), images[:1]) for shown in (images_in(c, images) for c in self.channels))


def images_in(channel: str, images: tuple[str, ...]) -> tuple[str, ...]:
    """The images that a channel shows: none, one, or the two that it is the difference of."""
    if channel in CHANNELS[1:]:
        return ()
    return tuple(images[0] if name == IMAGE else name for name in channel.split("-"))


def require_images(crop: Crop, images: tuple[str, ...], cohort: str) -> None:
    """Raise CohortError where a crop has a channel of an image that the cases of a cohort do not have."""
    for channel in crop.channels:
        for name in images_in(channel, images):
            if name not in images:
                raise CohortError(
                    f"channel {channel!r} was asked of cohort {cohort!r}, whose cases have no image "
                    f"{name!r}, only {', '.join(images)}; a method that names it in MethodSpec(images=...) "
                    "is skipped on such a cohort"
                )


def _is_odd(channel: str) -> bool:
    """Whether a channel can be none, whatever the images are called."""
    parts = channel.split("-") if isinstance(channel, str) else []
    odd = len(parts) == 2 and (len(set(parts)) == 1 or bool({*parts} & {*CHANNELS[1:]}))
    return odd or not parts or CHANNEL.fullmatch(channel) is None
