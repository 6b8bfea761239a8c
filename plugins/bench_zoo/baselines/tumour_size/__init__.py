"""What the size of the lesion alone predicts."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

# Mostly the volumes that are read.
COST = Cost(seconds_per_case=0.03)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``tumour_size``."""
    summary = "Linear model of the lesion's volume, diameter and length"
    return [
        MethodSpec("tumour_size", "bench_zoo.baselines.tumour_size.method:TumourSize", summary, cost=COST)
    ]
