"""A 3D DenseNet on the crop round the lesion."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``densenet121_3d``."""
    return [
        MethodSpec(
            "densenet121_3d",
            "bench_zoo.networks.densenet121_3d.method:DenseNet121",
            "3D DenseNet-121 of MONAI, cut down for a CPU (arXiv 1608.06993)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
    ]
