"""Spatial multi-task learning, after arXiv 2601.07001."""

from typing import Any

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

SUMMARY = "Spatial attention and regions, multi-task (arXiv 2601.07001)"

# One part changed at a time, so that a row beside its parent says what the part is worth.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "no_roi": ("without regions: whole crop pooled", {"roi_weighting": False}),
    "no_attention": ("without spatial attention", {"attention": False}),
    "single_task": ("with one network per task", {"tasks": "single"}),
    "core_only": ("with the core as the only region", {"regions": ("core",)}),
    "no_surround": ("without the peritumoural region", {"regions": ("core", "rim")}),
}
# The hybrid without its statistics is spatial_mtl.
HYBRID: dict[str, Any] = {"statistics": True}
HYBRID_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "no_roi": (
        "without regions, in layers of the whole crop",
        {"roi_weighting": False},
    ),
    "no_layers": ("with one layer per region", {"layers": 1}),
}

TARGET = "bench_zoo.networks.spatial_mtl.method:SpatialMTL"
COST = Cost(seconds_per_case=0.15, grows_with=("epochs",))
# A network for each of four tasks.
FOUR_NETWORKS = Cost(seconds_per_case=0.6, grows_with=("epochs",))


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``spatial_mtl``, ``spatial_mtl_hybrid`` and the ablations of both."""
    hybrid = "spatial_mtl with fixed image statistics beside the features"
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
