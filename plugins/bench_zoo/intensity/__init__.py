"""Networks that read crops whose grey scale was brought to that of the training cases."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

KINDS = {
    "nyul": "landmarks of each histogram on the mean ones of the training cases (Nyul)",
    "zscore": "mean and spread of the tissue round the lesion those of the training cases",
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``multi_task_cnn_nyul`` and ``multi_task_cnn_zscore``."""
    return [
        MethodSpec(
            f"multi_task_cnn_{kind}",
            "bench_zoo.intensity.method:HarmonisedCNN",
            f"multi_task_cnn on harmonised crops: {summary}",
            {"intensity": kind},
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
        for kind, summary in KINDS.items()
    ]
