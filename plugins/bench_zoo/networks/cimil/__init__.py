"""Principal components of a lesion's patches, after arXiv 2401.16131."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.cimil.method:CIMIL"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``cimil``."""
    return [
        MethodSpec(
            "cimil",
            TARGET,
            "Principal components of each lesion's patch embeddings (arXiv 2401.16131)",
            cost=Cost(seconds_per_case=0.15, grows_with=("epochs",)),
        ),
    ]
