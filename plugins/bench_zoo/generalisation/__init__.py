"""Networks whose loss knows the site of each training case: rivals for centres that were not learned from."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

LOSSES = {
    "groupdro": ("GroupDROCNN", "the site with the largest loss counts most (group DRO)"),
    "coral": ("CoralCNN", "features of the sites alike in mean and covariance (CORAL)"),
    "irm": ("IRMCNN", "one classifier that suits every site (IRM)"),
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``multi_task_cnn_groupdro``, ``multi_task_cnn_coral`` and ``multi_task_cnn_irm``."""
    return [
        MethodSpec(
            f"multi_task_cnn_{name}",
            f"bench_zoo.generalisation.method:{target}",
            f"multi_task_cnn with another loss: {summary}",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
        for name, (target, summary) in LOSSES.items()
    ]
