"""Plain 3D convolutional networks: what the field compares with."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``single_task_cnn`` and ``multi_task_cnn``."""
    target = "bench_zoo.networks.plain_cnn.method:PlainCNN"
    return [
        MethodSpec(
            "single_task_cnn",
            target,
            "3D CNN with global average pooling, one network per task",
            params={"tasks": "single"},
            cost=Cost(seconds_per_case=0.6, grows_with=("epochs",)),
        ),
        MethodSpec(
            "multi_task_cnn",
            target,
            "3D CNN with global average pooling, one branch per task",
            cost=Cost(seconds_per_case=0.15, grows_with=("epochs",)),
        ),
    ]
