"""How far the site goes, without any image."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

COST = Cost(seconds_per_case=1e-5)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``site_only``."""
    summary = "Floor: prevalence or median of the training cases of the same site"
    return [
        MethodSpec("site_only", "bench_zoo.baselines.site_only.method:SiteOnly", summary, needs=(), cost=COST)
    ]
