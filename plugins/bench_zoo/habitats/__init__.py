"""Habitats: parts of a lesion that look alike, in a linear model."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

COST = Cost(seconds_per_case=0.06)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``habitat_kmeans``, ``habitat_gmm`` and ``ith_index``."""
    target = "bench_zoo.habitats.method:Habitats"
    return [
        MethodSpec(
            "habitat_kmeans",
            target,
            "Habitats by k-means over voxels of training cases, ridge penalty",
            cost=COST,
        ),
        MethodSpec(
            "habitat_gmm",
            target,
            "Habitats by a Gaussian mixture over voxels of training cases, ridge penalty",
            {"kind": "gmm"},
            cost=COST,
        ),
        MethodSpec(
            "ith_index",
            "bench_zoo.habitats.index:HeterogeneityIndex",
            "Index of heterogeneity: how scattered the clusters of each lesion are, ridge penalty",
            cost=Cost(seconds_per_case=0.08),
        ),
    ]
