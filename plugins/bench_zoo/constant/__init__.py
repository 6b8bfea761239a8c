"""The floor of every board: what the training labels alone predict."""

from bench.hookspecs import hookimpl
from bench.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``constant``."""
    summary = "Training prevalence (binary) or training median (continuous): the floor"
    return [MethodSpec("constant", "bench_zoo.constant.method:Constant", summary, needs=())]
