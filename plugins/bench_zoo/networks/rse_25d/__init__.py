"""Residual squeeze-excitation on neighbouring slices of three planes, after LGE-MRI work."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.rse_25d.method:RSE25D"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``rse_25d``."""
    return [
        MethodSpec(
            "rse_25d",
            TARGET,
            "Residual squeeze-excitation on neighbouring slices of three planes (LGE-MRI, EMIDEC)",
            cost=Cost(seconds_per_case=0.1, grows_with=("epochs",)),
        ),
    ]
