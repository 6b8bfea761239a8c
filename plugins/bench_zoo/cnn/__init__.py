"""Plain 3D convolutional networks: what the field compares with."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``single_task_cnn`` and ``multi_task_cnn``."""
    target = "bench_zoo.cnn.method:PlainCNN"
    return [
        MethodSpec(
            "single_task_cnn",
            target,
            "3D network with global average pooling, one of its own for every task",
            params={"tasks": "single"},
            cost=Cost(seconds_per_case=0.6, grows_with=("epochs",)),
        ),
        MethodSpec(
            "multi_task_cnn",
            target,
            "3D network with global average pooling, shared trunk, one branch a task",
            cost=Cost(seconds_per_case=0.15, grows_with=("epochs",)),
        ),
    ]
