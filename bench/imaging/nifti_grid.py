"""Where NIfTI voxels lie: qform, sform, voxel size and unit, and what is wrong between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import ImageError
from bench.imaging.grid import SPACING_MM, Grid

# NIfTI's axes point right, anterior, superior; ours left, posterior, superior.
RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
# Unit codes other than mm (2, and 0 for unknown): name and mm.
UNITS = {1: ("metres", 1000.0), 3: ("microns", 0.001)}
NO_FORM = (
    "states no orientation in the patient (qform and sform codes are 0): its axes are taken as left, "
    "posterior, superior, as ITK takes them; nibabel takes the first as right to left"
)
# Forms whose corners lie within this share of a voxel are one; rounding to float32 gives less.
SAME = 0.1
# How far beyond 1 the parts of a unit quaternion may reach by rounding.
QUATERNION_ROUNDING = 1e-3
# Relative error of a length that float32 makes of a rotation and a voxel size.
FLOAT32 = 5e-5
SCANNER = 1


@dataclass(frozen=True, eq=False)
class Geometry:
    """The geometry fields of a NIfTI-1 header, in its own unit; ``size`` along x, y, z."""

    size: np.ndarray
    pixdim: Sequence[float]
    unit: int
    qform_code: int
    sform_code: int
    quaternion: Sequence[float]
    place: Sequence[float]
    sform: np.ndarray


def nifti_grid(fields: Geometry) -> tuple[Grid, tuple[str, ...]]:
    """The grid, and what other programs may read otherwise; raises ImageError where there is no valid one.

    Where qform and sform disagree, the sform is taken if its code says scanner coordinates and its voxel
    sizes are those of pixdim, else the qform: the rule of ITK 5. nibabel takes the sform.
    """
    valid: dict[str, Grid] = {}
    defects = []
    notes: tuple[str, ...]
    for name, code, make in (("sform", fields.sform_code, _sform), ("qform", fields.qform_code, _qform)):
        grid = make(fields) if code > 0 else None
        defect = _defect(grid) if grid else ""
        if defect:
            defects.append(f"its {name} {defect}")
        elif grid:
            valid[name] = grid
    if not valid and defects:
        raise ImageError(f"has no valid geometry: {'; '.join(defects)}; correct its header", "geometry")
    if not valid:
        grid, notes = _without_forms(fields), (NO_FORM,)
    elif defects:
        ((name, grid),) = valid.items()
        notes = (f"is read by its {name}, as {defects[0]}; other programs may use or reject that",)
    else:
        grid, notes = _agreed(fields, valid)
    return _in_millimetres(fields, grid, notes)


def _agreed(fields: Geometry, valid: Mapping[str, Grid]) -> tuple[Grid, tuple[str, ...]]:
    """The form that counts of one or two valid ones, with a note where they disagree or the sizes do."""
    sform, qform = valid.get("sform"), valid.get("qform")
    if sform is None or qform is None:
        (grid,) = valid.values()
        return grid, _size_notes(fields, grid)
    apart = float(np.linalg.norm(sform.corners() - qform.corners(), axis=1).max())
    if apart <= SAME * min(sform.spacing.min(), qform.spacing.min()):
        return sform, ()
    name = "sform" if fields.sform_code == SCANNER and not _size_notes(fields, sform) else "qform"
    mirrored = np.linalg.det(sform.direction) * np.linalg.det(qform.direction) < 0
    note = (
        f"has a qform ({_reading(qform)}) and an sform ({_reading(sform)}) that lie up to {apart:.1f} mm "
        f"apart{', mirror images of each other' if mirrored else ''}: read by its {name}, the rule of ITK; "
        "nibabel takes the sform; write the right one into both (image.set_qform, image.set_sform of nibabel)"
    )
    return valid[name], (note,)


def _sform(fields: Geometry) -> Grid:
    """The affine matrix; its voxel size is pixdim's where they are equal in float32."""
    affine = np.asarray(fields.sform, float)
    spacing = np.array(fields.pixdim[1:4], float)
    with np.errstate(all="ignore"):
        lengths = np.sqrt((affine[:, :3] ** 2).sum(axis=0))
        if not (np.abs(lengths - spacing) <= FLOAT32 * spacing).all():
            spacing = lengths
        return _as_grid(fields.size, spacing, affine)


def _qform(fields: Geometry) -> Grid:
    """The rotation of the quaternion, the voxel size of pixdim, the third axis turned round by its sign."""
    spacing = np.array(fields.pixdim[1:4], float)
    with np.errstate(all="ignore"):
        affine = np.column_stack([_rotation(*fields.quaternion) * spacing, fields.place])
        if fields.pixdim[0] < 0:
            affine[:, 2] *= -1
        return _as_grid(fields.size, spacing, affine)


def _as_grid(size: np.ndarray, spacing: np.ndarray, affine: np.ndarray) -> Grid:
    return Grid(size, spacing, RAS_TO_LPS * affine[:, 3], RAS_TO_LPS[:, None] * affine[:, :3] / spacing)


def _rotation(b: float, c: float, d: float) -> np.ndarray:
    """The rotation, shape (3, 3), of a unit quaternion (a, b, c, d) with a >= 0, as NIfTI-1 defines it."""
    rest = 1 - b * b - c * c - d * d
    if not rest > -QUATERNION_ROUNDING:
        return np.full((3, 3), np.nan)
    # In float32 a remainder this small is noise: half a turn, as in NIfTI's reference implementation.
    a = np.sqrt(rest) if rest > 1e-7 else 0.0
    b, c, d = np.array([b, c, d]) / np.sqrt(a * a + b * b + c * c + d * d)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


def _without_forms(fields: Geometry) -> Grid:
    """ITK's reading where neither form is given: axes as ours, the first voxel at 0."""
    spacing = np.array(fields.pixdim[1:4], float)
    if not (spacing > 0).all():
        raise ImageError(f"has a voxel size of {_text(spacing)} mm; correct its header", "geometry")
    return Grid(fields.size, spacing, np.zeros(3), np.eye(3))


def _in_millimetres(fields: Geometry, grid: Grid, notes: tuple[str, ...]) -> tuple[Grid, tuple[str, ...]]:
    """The grid in mm; raises ImageError where the unit of the header makes voxels that no scanner makes."""
    unit = fields.unit & 7
    if unit not in UNITS:
        return grid, notes
    name, millimetres = UNITS[unit]
    scaled = Grid(grid.size, grid.spacing * millimetres, grid.origin * millimetres, grid.direction)
    if not ((scaled.spacing >= SPACING_MM[0]) & (scaled.spacing <= SPACING_MM[1])).all():
        raise ImageError(
            f"has voxels of {_text(scaled.spacing)} mm, as its header counts in {name} (xyzt_units), "
            f"expected {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm; if its numbers are mm, set the unit to mm",
            "absurd spacing",
        )
    note = f"counts in {name} (xyzt_units): read so, as ITK does; nibabel takes the numbers for mm"
    return scaled, (*notes, note)


def _defect(grid: Grid) -> str:
    """Why a form is no place of straight voxels, empty where it is."""
    if not np.isfinite([*grid.origin, *grid.spacing, *grid.direction.ravel()]).all():
        return "is not made of finite numbers that are a rotation"
    if not (grid.spacing > 0).all():
        return f"has a voxel size of {_text(grid.spacing)}"
    if not grid.is_straight():
        return "is sheared, its axes not at right angles"
    return ""


def _size_notes(fields: Geometry, grid: Grid) -> tuple[str, ...]:
    pixdim = np.array(fields.pixdim[1:4], float)
    if (np.abs(grid.spacing - pixdim) * (fields.size - 1) <= SAME * grid.spacing).all():
        return ()
    return (
        f"has an sform with voxels of {_text(grid.spacing)} mm and a pixdim of {_text(pixdim)} mm: read by "
        "the sform, as nibabel reads it; ITK takes pixdim",
    )


def _reading(grid: Grid) -> str:
    """Where the axes run to (L, P, S or R, A, I) and where the first voxel lies."""
    ways = [
        ("RL", "AP", "IS")[int(np.abs(axis).argmax())][int(axis[np.abs(axis).argmax()] > 0)]
        for axis in grid.direction.T
    ]
    return f"axes {''.join(ways)}, first voxel at {_text(grid.origin)} mm LPS"


def _text(values: np.ndarray) -> str:
    return "x".join(f"{value:.4g}" for value in values)
