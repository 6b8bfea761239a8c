"""The floor of every board: what the training labels alone predict."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

COST = Cost(seconds_per_case=1e-5)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``constant``."""
    summary = "Training prevalence (binary) or training median (continuous): the floor"
    return [MethodSpec("constant", "bench_zoo.constant.method:Constant", summary, needs=(), cost=COST)]
