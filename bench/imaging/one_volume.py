"""That a header is of one 3D volume with one value a voxel."""

from bench.errors import ImageError


def require_volume(size: tuple[int, ...], values: int = 1) -> None:
    """Raise ImageError unless there are three axes of several voxels, any others of one, and one value."""
    shape = "x".join(map(str, size))
    if values > 1:
        raise ImageError(
            f"has size {shape} and {values} value(s) a voxel, expected three dimensions and one value",
            "colour or vector image",
        )
    if max(size[3:], default=1) > 1:
        kind = "4D image" if max(size[4:], default=1) == 1 else "5D image"
        raise ImageError(f"has size {shape}, expected three dimensions and one value a voxel", kind)
    if len(size) < 3:
        raise ImageError(f"has size {shape}, expected three dimensions; save the whole volume", "2D image")
    if min(size[:3]) < 2:
        what = "one slice" if min(size[:3]) == 1 else "no voxel"
        raise ImageError(
            f"is {what} (size {shape}), expected at least two voxels along every axis; save the whole volume",
            "2D image",
        )
