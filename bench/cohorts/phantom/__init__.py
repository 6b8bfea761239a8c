"""The embedded phantom: a synthetic cohort with a known generating model and a known ceiling."""

from typing import TYPE_CHECKING, Any

from bench.cohorts.phantom.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from bench.cohorts.phantom.make import GENERATOR, make_phantom

__all__ = ["GENERATOR", "SCENARIOS", "Scenario", "make_phantom"]


def __getattr__(name: str) -> Any:
    """What makes phantoms, imported when it is asked for: lists of scenarios need no SciPy."""
    if name not in ("GENERATOR", "make_phantom"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.cohorts.phantom import make

    return getattr(make, name)
