"""Radial profiles and slices in two paths, after CaReNet (arXiv 2310.15094 and 2310.15099)."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``carenet_1d`` and ``carenet_dual``."""
    return [
        MethodSpec(
            "carenet_1d",
            "bench_zoo.networks.carenet.radial:CaReNet1D",
            "1D CNN over the profile by distance to the lesion's boundary (arXiv 2310.15094)",
            cost=Cost(seconds_per_case=0.1, grows_with=("epochs",)),
        ),
        MethodSpec(
            "carenet_dual",
            "bench_zoo.networks.carenet.dual:CaReNetDual",
            "2D CNN with a fine and a coarse path on slices of 32 x 32 pixels (arXiv 2310.15099)",
            cost=Cost(seconds_per_case=0.1, grows_with=("epochs",)),
        ),
    ]
