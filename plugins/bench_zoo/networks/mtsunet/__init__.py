"""Segmentation and all tasks on a shifted-window encoder, after arXiv 2503.06828."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.mtsunet.method:MTSUNet"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``mtsunet``."""
    return [
        MethodSpec(
            "mtsunet",
            TARGET,
            "Shifted-window encoder, segmentation decoder, tumour-weighted heads (arXiv 2503.06828)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        ),
    ]
