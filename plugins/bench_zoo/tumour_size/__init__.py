"""How far the lesion's size alone goes."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

# Mostly the volumes that are read.
COST = Cost(seconds_per_case=0.03)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``tumour_size``."""
    summary = "Volume, diameter and longest extent of the mask in a linear model: size alone"
    return [MethodSpec("tumour_size", "bench_zoo.tumour_size.method:TumourSize", summary, cost=COST)]
