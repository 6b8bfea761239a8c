"""How far the declared clinical covariates go, without any image."""

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

COST = Cost(seconds_per_case=0.001)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``clinical``."""
    summary = "Ridge model of the clinical covariates, no image"
    target, params = "bench_zoo.tabular.covariates:CovariateModel", {"role": "clinical"}
    return [MethodSpec("clinical", target, summary, params, needs=("clinical",), cost=COST)]
