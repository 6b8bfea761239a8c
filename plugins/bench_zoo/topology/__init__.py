"""Persistence of lesion and surround with a linear model, after arXiv 2411.03464."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``topo_features``."""
    return [
        MethodSpec(
            "topo_features",
            "bench_zoo.topology.method:TopoFeatures",
            "Persistence statistics, Betti curves and images of three regions (arXiv 2411.03464)",
            requires={"gudhi": "pip install 'dcebench[topology]'"},
            cost=Cost(seconds_per_case=0.3),
        )
    ]
