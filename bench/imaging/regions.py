"""Core, rim and peritumoural region of a lesion, from the signed distance to its boundary."""

import numpy as np

REGIONS = ("core", "rim", "surround")


def region_masks(
    distance: np.ndarray,
    core_mm: float = 3.0,
    rim_mm: tuple[float, float] = (-3.0, 1.0),
    surround_mm: tuple[float, float] = (1.0, 9.0),
) -> np.ndarray:
    """Cut the neighbourhood of one lesion's boundary into core, rim and surround.

    * core: deeper than ``core_mm`` inside the lesion, ``distance < -core_mm``. A lesion too small for that
      gives as core the deepest quarter of its voxels (``distance <= 0``): at least one, with all voxels that
      are as deep as the last of them.
    * rim: ``rim_mm[0] <= distance <= rim_mm[1]``, less the core.
    * surround, the peritumoural region: ``surround_mm[0] < distance <= surround_mm[1]``, less core and rim.

    Hence no voxel is in two regions. Where the image ends inside the crop, rim and peritumoural region
    go on into the padding, whose normalised intensity is 0.

    Parameters
    ----------
    distance
        Signed distance to the boundary, mm, negative inside, shape (z, y, x), at most 0 somewhere.
    core_mm, rim_mm, surround_mm
        Depths and distances in mm.

    Returns
    -------
    numpy.ndarray
        Bool, shape (3, z, y, x), regions as in ``REGIONS``.
    """
    core = distance < -core_mm
    if not core.any():
        core = distance <= _deepest_quarter(distance)
    rim = (distance >= rim_mm[0]) & (distance <= rim_mm[1]) & ~core
    surround = (distance > surround_mm[0]) & (distance <= surround_mm[1]) & ~core & ~rim
    return np.stack([core, rim, surround])


def _deepest_quarter(distance: np.ndarray) -> float:
    lesion = np.sort(distance[distance <= 0])
    return float(lesion[(lesion.size - 1) // 4])
