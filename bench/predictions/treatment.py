"""What becomes of a method with missing or failed cells."""

from enum import StrEnum


class Missing(StrEnum):
    """What becomes of a method with missing or failed cells."""

    apart = "apart"
    chance = "chance"
