"""Segmentation beside classification on a light encoder, after arXiv 2201.04795."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.emt_net.method:EMTNet"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``emt_net``."""
    return [
        MethodSpec(
            "emt_net",
            TARGET,
            "Light encoder, segmentation branch, knob of sensitivity (arXiv 2201.04795)",
            cost=Cost(seconds_per_case=0.15, grows_with=("epochs",)),
        ),
    ]
