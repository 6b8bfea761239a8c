"""Two streams whose attention is pulled to loops and voids, after arXiv 2411.03464."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``topotxr``."""
    return [
        MethodSpec(
            "topotxr",
            "bench_zoo.networks.topotxr.method:TopoTxR",
            "Two-stream 3D CNN, attention pulled to loops and voids (arXiv 2411.03464)",
            requires={"gudhi": "pip install 'dcebench[topology]'"},
            cost=Cost(seconds_per_case=0.25, grows_with=("epochs",)),
        )
    ]
