"""How far the scanner and the geometry of the exam go, without any image."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

COST = Cost(seconds_per_case=0.001)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``acquisition``."""
    summary = "Ridge model of scanner and acquisition covariates, no image"
    target, params = "bench_zoo.tabular.covariates:CovariateModel", {"role": "acquisition"}
    return [MethodSpec("acquisition", target, summary, params, needs=("acquisition",), cost=COST)]
