"""A residual network with channel and spatial attention, after arXiv 2510.13897."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.dual_attention_resnet.method:DualAttentionResNet"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``dual_attention_resnet``."""
    return [
        MethodSpec(
            "dual_attention_resnet",
            TARGET,
            "3D residual network with channel and spatial attention (arXiv 2510.13897)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        ),
    ]
