"""Networks that read crops whose grey scale was brought to that of the training cases."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

NETWORKS = {"multi_task_cnn": "HarmonisedCNN", "spatial_mtl": "HarmonisedSpatial"}
KINDS = {
    "nyul": "landmarks of each histogram on the mean ones of the training cases (Nyul)",
    "zscore": "mean and spread of the tissue round the lesion those of the training cases",
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``multi_task_cnn`` and ``spatial_mtl`` with ``_nyul`` and ``_zscore``."""
    return [
        MethodSpec(
            f"{network}_{kind}",
            f"bench_zoo.intensity.method:{target}",
            f"{network} on harmonised crops: {summary}",
            {"intensity": kind},
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
        for network, target in NETWORKS.items()
        for kind, summary in KINDS.items()
    ]
