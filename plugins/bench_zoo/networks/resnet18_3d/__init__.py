"""A 3D ResNet-18 on the crop round the lesion."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``resnet18_3d``."""
    return [
        MethodSpec(
            "resnet18_3d",
            "bench_zoo.networks.resnet18_3d.method:ResNet18",
            "3D ResNet-18 of MONAI, narrow (arXiv 1512.03385)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
    ]
