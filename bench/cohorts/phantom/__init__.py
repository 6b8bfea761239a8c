"""The embedded phantom: a synthetic cohort with a known generating model and a known ceiling."""

from bench.cohorts.phantom.make import GENERATOR, make_phantom
from bench.cohorts.phantom.scenarios import SCENARIOS, Scenario

__all__ = ["GENERATOR", "SCENARIOS", "Scenario", "make_phantom"]
