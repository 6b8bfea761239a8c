"""The ways in which a heat map is made."""

from enum import StrEnum


class Way(StrEnum):
    """How a heat map is made."""

    auto = "auto"
    own = "own"
    gradients = "gradients"
    occlusion = "occlusion"
