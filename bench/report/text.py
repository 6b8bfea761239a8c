"""Numbers as text and as records, one way for all tables."""

import math


def six_digits(value: float) -> float | None:
    """Six significant digits, None where there is no value."""
    return None if math.isnan(value) else float(f"{value:.6g}") + 0.0


def p_text(p: float, mark: str = "") -> str:
    """``0.034``, ``<0.001`` where a p is smaller; ``mark`` follows the number."""
    return f"<0.001{mark}" if p < 0.001 else f"{p:.3f}{mark}"
