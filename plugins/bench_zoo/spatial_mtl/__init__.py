"""Spatial multi-task learning, after arXiv 2601.07001."""

from typing import Any

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


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``spatial_mtl``, ``spatial_mtl_hybrid`` and the ablations of both."""
    target = "bench_zoo.spatial_mtl.method:SpatialMTL"
    hybrid = "spatial_mtl with fixed statistics of the image beside the learnt features"
    return [
        MethodSpec("spatial_mtl", target, SUMMARY),
        *(
            MethodSpec(f"spatial_mtl_{name}", target, f"spatial_mtl {change}", params)
            for name, (change, params) in VARIANTS.items()
        ),
        MethodSpec("spatial_mtl_hybrid", target, hybrid, HYBRID),
        *(
            MethodSpec(
                f"spatial_mtl_hybrid_{name}", target, f"spatial_mtl_hybrid {change}", {**HYBRID, **params}
            )
            for name, (change, params) in HYBRID_VARIANTS.items()
        ),
    ]
