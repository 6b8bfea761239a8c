"""A vision transformer on the largest slice of the early phase, after PMC12412478."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.vit2d_early.method:ViT2DEarly"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``vit2d_early``."""
    return [
        MethodSpec(
            "vit2d_early",
            TARGET,
            "2D vision transformer on the slice with most lesion (PMC12412478)",
            cost=Cost(seconds_per_case=0.1, grows_with=("epochs",)),
        ),
    ]
