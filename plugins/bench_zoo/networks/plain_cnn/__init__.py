"""Plain 3D convolutional networks: what the field compares with."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

# With the epochs that a fold of 620 cases has time for: an epoch costs 1.4 and 2.2 times that of the compact
# encoder.
TIMM = {"mobilenetv2_050": 16, "resnet10t": 10}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``single_task_cnn``, ``multi_task_cnn`` and the latter with small networks of timm_3d.

    ``--set multi_task_cnn.backbone=NAME`` takes any other of timm_3d that reads crops of this size.
    """
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
        *[
            MethodSpec(
                f"cnn_{backbone}",
                target,
                f"multi_task_cnn with the {backbone} of timm_3d, {epochs} epochs, no pretrained weights",
                params={"backbone": backbone, "epochs": epochs},
                cost=Cost(seconds_per_case=0.14, grows_with=("epochs",)),
            )
            for backbone, epochs in TIMM.items()
        ],
    ]
