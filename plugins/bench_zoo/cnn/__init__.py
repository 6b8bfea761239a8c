"""Plain 3D convolutional networks: what the field compares with."""

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
        ),
        MethodSpec(
            "multi_task_cnn",
            target,
            "3D network with global average pooling, shared trunk, one branch a task",
        ),
    ]
