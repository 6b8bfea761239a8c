"""Networks whose loss knows the site of each training case: rivals for centres that were not learned from."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

NETWORKS = {"multi_task_cnn": "CNN", "spatial_mtl": "Spatial"}
LOSSES = {
    "groupdro": ("GroupDRO", "the site with the largest loss counts most (group DRO)"),
    "coral": ("Coral", "features of the sites alike in mean and covariance (CORAL)"),
    "irm": ("IRM", "one classifier that suits every site (IRM)"),
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``multi_task_cnn`` and ``spatial_mtl`` with ``_groupdro``, ``_coral`` and ``_irm``."""
    return [
        MethodSpec(
            f"{network}_{name}",
            f"bench_zoo.generalisation.method:{target}{suffix}",
            f"{network} with another loss: {summary}",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
        for network, suffix in NETWORKS.items()
        for name, (target, summary) in LOSSES.items()
    ]
