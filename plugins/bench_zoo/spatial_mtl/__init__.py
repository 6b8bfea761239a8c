"""Spatial multi-task learning, after arXiv 2601.07001."""

from bench.hookspecs import hookimpl
from bench.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``spatial_mtl``."""
    summary = "3D network: spatial attention, region weighting, one branch a task (arXiv 2601.07001)"
    return [MethodSpec("spatial_mtl", "bench_zoo.spatial_mtl.method:SpatialMTL", summary)]
