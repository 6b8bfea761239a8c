"""The anatomy of a phantom: a lesion with its core, rim, texture, margin and surround in breast tissue.

Random structure (fields, directions, nuisance) is drawn first, by :func:`draw_structure`, and the attributes
are applied to it after, by :func:`render`: the same structure can be rendered with other attributes. All
lengths are in mm, all arrays of shape (z, y, x), float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit

Axes = tuple[np.ndarray, np.ndarray, np.ndarray]

_FIELDS_MM = {
    "boundary": 3.5, "reader": 4.0, "gaps": 2.2, "coarse": 2.8, "fine": 1.2,
    "vessel_a": 3.0, "vessel_b": 3.0, "diffuse": 5.0, "gland": 8.0, "enhancing": 4.0,
    "distant_a": 5.0, "distant_b": 5.0,
}  # fmt: skip
_SPIKES = 16
_ROUGHNESS_MM = 0.7
_READER_MM = 0.4
_VESSEL_WIDTH = 0.6
_STRIPES_MM = 5.0
_NODULE = 0.25


@dataclass(frozen=True)
class Structure:
    """What is random in an image and carries no label.

    ``position`` is the vector from the lesion's centre to each voxel, shape (3, z, y, x); ``fields`` are
    smooth N(0, 1) noise; ``directions`` unit vectors; ``spikes`` (spike, 3) their directions; the rest
    scalars, but ``rotation`` (3, 3) and ``stretch`` (3,) of the ellipsoid.
    """

    position: np.ndarray
    fields: Mapping[str, np.ndarray]
    rotation: np.ndarray
    stretch: np.ndarray
    directions: Mapping[str, np.ndarray]
    spikes: np.ndarray
    spike_lengths: np.ndarray
    reader_offset: float
    enhancement: float
    gland_share: float
    background: float
    distant: float
    phase: float


def smooth_field(rng: np.random.Generator, axes: Axes, length: float) -> np.ndarray:
    """Gaussian random field with mean 0, variance 1 and correlation ``exp(-d**2 / (4 length**2))``.

    White noise on a grid of step ``length`` is smoothed and interpolated in one step, an axis at a time, by a
    Gaussian kernel whose rows have unit norm, so the variance is 1 at every voxel.
    """
    kernels = [_kernel(axis, length) for axis in axes]
    white = rng.standard_normal([kernel.shape[1] for kernel in kernels], dtype=np.float32)
    planes = (kernels[0] @ white.reshape(white.shape[0], -1)).reshape(-1, *white.shape[1:])
    return np.asarray(kernels[1] @ (planes @ kernels[2].T))


def _kernel(axis: np.ndarray, length: float) -> np.ndarray:
    nodes = np.arange(axis[0] - 2.5 * length, axis[-1] + 3.5 * length, length)
    kernel = np.exp(-((axis[:, None] - nodes) ** 2) / (2 * length**2))
    return np.asarray((kernel / np.linalg.norm(kernel, axis=1, keepdims=True)).astype(np.float32))


def draw_structure(rng: np.random.Generator, axes: Axes, largest_shift: float) -> Structure:
    """Draw everything that is random in an image on the grid of ``axes``, independent of any attribute."""
    centre = rng.uniform(-largest_shift, largest_shift, 3)
    local: Axes = (axes[0] - centre[0], axes[1] - centre[1], axes[2] - centre[2])
    position = np.stack(np.meshgrid(*local, indexing="ij")).astype(np.float32)
    stretch = rng.normal(0.0, 0.16, 3)
    return Structure(
        position=position,
        fields={name: smooth_field(rng, local, length) for name, length in _FIELDS_MM.items()},
        rotation=_rotation(rng),
        stretch=np.exp(stretch - stretch.mean()),
        directions={name: _directions(rng, 1)[0] for name in ("core", "rim", "stripes", "surround")},
        spikes=_directions(rng, _SPIKES),
        spike_lengths=rng.uniform(0.5, 1.5, _SPIKES),
        reader_offset=float(rng.normal(0.0, 0.25)),
        enhancement=float(rng.lognormal(0.0, 0.2)),
        gland_share=float(rng.normal(0.0, 1.0)),
        background=float(0.15 * rng.lognormal(0.0, 0.5)),
        distant=float(rng.uniform(0.0, 0.4)),
        phase=float(rng.uniform(0.0, 2 * np.pi)),
    )


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """A random orthonormal matrix, shape (3, 3)."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))


def _directions(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.standard_normal((count, 3))
    return np.asarray((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def render(structure: Structure, quantities: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Signal (float32, a typical lesion enhances by 1) and the reader's mask (bool) of a lesion.

    Parameters
    ----------
    structure
        What is random.
    quantities
        The physical quantity of every attribute of ``scenarios.ATTRIBUTES``.
    """
    reduced, distance = boundary(structure, quantities["size_radius"])
    inside = _step(-distance, 0.5)
    lesion = inside * np.maximum(
        0.0,
        1.0
        + _rim(structure, distance, quantities)
        - _core(structure, reduced, quantities)
        + _texture(structure, quantities),
    )
    body = np.maximum(inside, _spikes(structure, distance, quantities["margin_spikes"]))
    enhancement = lesion + (body - inside) + (1 - body) * _surround(structure, distance, quantities)
    signal = _tissue(structure, body) + structure.enhancement * enhancement
    drawn = distance + _READER_MM * structure.fields["reader"] + structure.reader_offset
    return signal.astype(np.float32, copy=False), drawn < 0


def boundary(structure: Structure, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the lesion's centre in its own radii, and from its boundary in mm, negative inside."""
    reduced = _reduced(structure, structure.position, radius)
    return reduced, (reduced - 1) * radius + _ROUGHNESS_MM * structure.fields["boundary"]


def _step(value: np.ndarray, width: float) -> np.ndarray:
    """0 to 1 as ``value`` rises through zero."""
    return np.asarray(expit(value / np.float32(width)))


def _reduced(structure: Structure, position: np.ndarray, radius: float) -> np.ndarray:
    """Distance from the centre in units of the ellipsoid's own radius in that direction."""
    frame = (structure.rotation / structure.stretch[:, None] / radius).astype(np.float32)
    turned = np.tensordot(frame, position, 1)
    return np.asarray(np.sqrt(np.einsum("k...,k...->...", turned, turned)))


def _side(structure: Structure, name: str) -> np.ndarray:
    """-1 on one side of the lesion's centre to 1 on the other, along a random direction."""
    along = np.tensordot(structure.directions[name], structure.position, 1)
    cosine = along / (np.linalg.norm(structure.position, axis=0) + np.float32(1e-3))
    return np.asarray(np.tanh(3 * cosine))


def _rim(structure: Structure, distance: np.ndarray, quantities: Mapping[str, float]) -> np.ndarray:
    """Gain of enhancement in a shell inside the boundary."""
    shell = rim_shell(distance, quantities)
    gaps = 1 + quantities["rim_gaps"] * (2 * _step(structure.fields["gaps"], 0.25) - 1)
    tilt = 1 + quantities["rim_tilt"] * _side(structure, "rim")
    return np.asarray(quantities["rim_strength"] * shell * gaps * tilt)


def rim_shell(distance: np.ndarray, quantities: Mapping[str, float]) -> np.ndarray:
    """Presence (0-1) of the rim, which reaches from the boundary inwards."""
    return _step(distance + quantities["rim_thickness"], 0.4)


def _core(structure: Structure, reduced: np.ndarray, quantities: Mapping[str, float]) -> np.ndarray:
    """Loss of enhancement round a point off the lesion's centre, less the gain of a nodule in the centre."""
    drop, nodule = core_parts(structure, reduced, quantities)
    return np.asarray(quantities["core_depth"] * drop - quantities["core_nodule"] * nodule)


def core_parts(
    structure: Structure, reduced: np.ndarray, quantities: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Presence (0-1) of the core, off the lesion's centre, and of the nodule in the centre."""
    radius = quantities["size_radius"]
    offset = quantities["core_offset"] * radius * structure.directions["core"]
    drop = _step(
        quantities["core_extent"]
        - _reduced(structure, structure.position - offset[:, None, None, None], radius),
        0.1,
    )
    return drop, _step(_NODULE - reduced, 0.06)


def _texture(structure: Structure, quantities: Mapping[str, float]) -> np.ndarray:
    """Fine and coarse noise and stripes, mixed to variance 1, skewed, times the amplitude."""
    mix, share, skew = (quantities[f"texture_{name}"] for name in ("mix", "stripes", "skew"))
    noise = sqrt(1 - mix) * structure.fields["coarse"] + sqrt(mix) * structure.fields["fine"]
    along = np.tensordot(structure.directions["stripes"], structure.position, 1)
    angle = 2 * np.pi / _STRIPES_MM * along + structure.fields["diffuse"] + structure.phase
    mixed = sqrt(1 - share) * noise + sqrt(2 * share) * np.cos(angle)
    skewed = (mixed + 0.45 * skew * (mixed**2 - 1)) / sqrt(1 + 2 * (0.45 * skew) ** 2)
    return np.asarray(quantities["texture_amplitude"] * skewed)


def _spikes(structure: Structure, distance: np.ndarray, length: float) -> np.ndarray:
    """Presence (0-1) of tapering spikes that leave the boundary in random directions."""
    presence = np.zeros(distance.shape, dtype=np.float32)
    near = (distance > -1) & (distance < 1.5 * length)
    position, outward = structure.position[:, near], distance[near]
    along = structure.spikes @ position
    aside = np.sqrt(np.maximum(np.einsum("kn,kn->n", position, position) - along**2, 0))
    reach = (structure.spike_lengths * length + 1e-3)[:, None].astype(np.float32)
    taper = 1.8 * (1 - outward / reach)
    presence[near] = np.max(_step(taper - aside, 0.3) * (along > 0) * (outward < reach), axis=0)
    return presence


def _surround(structure: Structure, distance: np.ndarray, quantities: Mapping[str, float]) -> np.ndarray:
    """Enhancement outside the boundary that falls with distance, diffuse or carried by vessels."""
    fall = np.exp(-np.maximum(distance, 0) / np.float32(quantities["surround_reach"]))
    diffuse = np.exp(0.3 * structure.fields["diffuse"] - 0.045)
    share = quantities["surround_vessels"]
    carrier = (1 - share) * diffuse + share * _vessels(structure, "vessel")
    tilt = 1 + quantities["surround_tilt"] * _side(structure, "surround")
    return np.asarray(quantities["surround_strength"] * fall * carrier * tilt)


def _vessels(structure: Structure, name: str) -> np.ndarray:
    """Tubes where two fields are both near zero; mean 1."""
    squared = structure.fields[f"{name}_a"] ** 2 + structure.fields[f"{name}_b"] ** 2
    mean = _VESSEL_WIDTH**2 / (1 + _VESSEL_WIDTH**2)
    return np.asarray(np.exp(-squared / np.float32(2 * _VESSEL_WIDTH**2)) / np.float32(mean))


def _tissue(structure: Structure, body: np.ndarray) -> np.ndarray:
    """Fat and enhancing gland outside the lesion, even tissue inside, and distant vessels."""
    gland = _step(structure.fields["gland"] + structure.gland_share, 0.3)
    uptake = structure.background * np.exp(0.5 * structure.fields["enhancing"])
    around = 0.25 + gland * (0.25 + uptake) + structure.distant * 0.2 * _vessels(structure, "distant")
    return np.asarray(around + body * (0.4 - around))
