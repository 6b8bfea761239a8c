"""Medical Slice Transformer, after arXiv 2411.15802."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.mst.method:MST"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``mst``."""
    return [
        MethodSpec(
            "mst",
            TARGET,
            "Each slice through a vision transformer, slices mixed by attention (arXiv 2411.15802)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        ),
    ]
