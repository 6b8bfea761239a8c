"""The no-information baseline of every board: what the training labels alone predict."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

COST = Cost(seconds_per_case=1e-5)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``constant``."""
    summary = "No-information baseline: training prevalence or median"
    return [
        MethodSpec("constant", "bench_zoo.baselines.constant.method:Constant", summary, needs=(), cost=COST)
    ]
