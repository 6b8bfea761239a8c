"""What a crop is: a cube in millimetres round the lesion, on its own isotropic grid."""

from dataclasses import dataclass

CHANNELS = ("image", "mask", "distance")


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
        distance to the lesion's boundary in mm, negative inside), in the order wanted.
    """

    size_mm: float = 48.0
    spacing_mm: float = 1.5
    channels: tuple[str, ...] = ("image", "mask")

    def __post_init__(self) -> None:
        unknown = [name for name in self.channels if name not in CHANNELS]
        if unknown or not self.channels:
            raise ValueError(f"crop channels must be among {CHANNELS}, got {self.channels}")
        if not 0 < self.spacing_mm <= self.size_mm:
            raise ValueError(f"need 0 < spacing_mm <= size_mm, got {self.spacing_mm} and {self.size_mm}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        voxels = round(self.size_mm / self.spacing_mm)
        return (voxels, voxels, voxels)
