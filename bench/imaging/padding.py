"""Values far from all others in the block of an image that a crop is cut from: padding, or damage."""

import numpy as np

# The range is cut into this many bins; tissue spreads over many of them unless something far away made it.
BINS = 64
# Clusters of this few bins of it each are flat beside the way between them.
MAX_BINS = 4


def padding_note(block: np.ndarray) -> str:
    """What to say of a block, shape (z, y, x), in which some values lie far from all others; '' else.

    Far means that nearly all of the range between lowest and highest value is empty: the values fall into at
    most ``MAX_BINS`` of its ``BINS`` equal parts. Such a value moves the statistics by which a crop is
    normalised, and is smeared over its neighbours by smoothing and interpolation.
    """
    low, high = float(block.min()), float(block.max())
    width = (high - low) / BINS
    if not width > 0:
        return ""
    places = np.minimum(((block.astype(np.float64) - low) / width).astype(np.int16), BINS - 1)
    counts = np.bincount(places.ravel(), minlength=BINS)
    taken = np.flatnonzero(counts)
    if len(taken) > MAX_BINS or np.diff(taken).max() <= MAX_BINS:
        return ""
    far = ~np.isin(places, _tissue(block, places, taken))
    values, own = block[far], block[~far]
    return (
        f"has {int(far.sum())} voxels of {_range(values)} round the lesion, far from the others "
        f"({_range(own)}): padding or damage, which spoils the crop's intensities; set them to the "
        "background's value"
    )


def _tissue(block: np.ndarray, places: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The neighbouring bins whose values differ most among themselves: padding is flat."""
    groups = np.split(taken, np.flatnonzero(np.diff(taken) > 1) + 1)
    return max(groups, key=lambda group: np.ptp(block[np.isin(places, group)]))


def _range(values: np.ndarray) -> str:
    low, high = values.min(), values.max()
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
