"""Spatial multi-task learning, after arXiv 2601.07001."""

from typing import Any

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

SUMMARY = "3D network: spatial attention, region weighting, one branch a task (arXiv 2601.07001)"

# One part changed at a time, so that a row beside its parent says what the part is worth.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "no_roi": ("without regions: the whole crop is pooled", {"roi_weighting": False}),
    "no_attention": ("without spatial attention", {"attention": False}),
    "single_task": ("with a network of its own for every task", {"tasks": "single"}),
    "core_only": ("with the core as its only region", {"regions": ("core",)}),
    "no_surround": ("with core and rim, without the surround", {"regions": ("core", "rim")}),
}
# The hybrid without its statistics is spatial_mtl.
HYBRID: dict[str, Any] = {"statistics": True}
HYBRID_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "no_roi": (
        "without regions: the whole crop is pooled, still in layers",
        {"roi_weighting": False},
    ),
    "no_layers": ("with statistics of whole regions, not of layers of depth", {"layers": 1}),
}

TARGET = "bench_zoo.spatial_mtl.method:SpatialMTL"
COST = Cost(seconds_per_case=0.15, grows_with=("epochs",))
# A network for each of four tasks.
FOUR_NETWORKS = Cost(seconds_per_case=0.6, grows_with=("epochs",))


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``spatial_mtl``, ``spatial_mtl_hybrid`` and the ablations of both."""
    hybrid = "spatial_mtl with fixed statistics of the image beside the learnt features"
    return [
        _spec("spatial_mtl", SUMMARY, {}),
        *(
            _spec(f"spatial_mtl_{name}", f"spatial_mtl {change}", params)
            for name, (change, params) in VARIANTS.items()
        ),
        _spec("spatial_mtl_hybrid", hybrid, HYBRID),
        *(
            _spec(f"spatial_mtl_hybrid_{name}", f"spatial_mtl_hybrid {change}", {**HYBRID, **params})
            for name, (change, params) in HYBRID_VARIANTS.items()
        ),
    ]


def _spec(name: str, summary: str, params: dict[str, Any]) -> MethodSpec:
    cost = FOUR_NETWORKS if params.get("tasks") == "single" else COST
    return MethodSpec(name, TARGET, summary, params, cost=cost)
