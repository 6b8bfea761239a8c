"""A 3D shifted-window transformer on the crop round the lesion."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``swin3d``."""
    return [
        MethodSpec(
            "swin3d",
            "bench_zoo.networks.swin3d.method:Swin3D",
            "3D shifted-window transformer with stages of MONAI (arXiv 2103.14030)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
    ]
