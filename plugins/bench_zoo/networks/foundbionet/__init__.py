"""Tumour-aware encoding and a cross-view difference, after arXiv 2508.06756."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

TARGET = "bench_zoo.networks.foundbionet.method:FoundBioNet"


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``foundbionet`` and ``foundbionet_no_cmd``."""
    return [
        MethodSpec(
            "foundbionet",
            TARGET,
            "Shifted-window encoder, segmentation, core-surround difference (arXiv 2508.06756)",
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        ),
        MethodSpec(
            "foundbionet_no_cmd",
            TARGET,
            "foundbionet without the difference of core and surround",
            params={"difference": False},
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        ),
    ]
