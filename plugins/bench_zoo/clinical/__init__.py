"""How far the declared clinical covariates go, without any image."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

COST = Cost(seconds_per_case=0.001)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``clinical``."""
    summary = "Declared clinical covariates alone in a linear model: what no image is needed for"
    target, params = "bench_zoo.covariates:CovariateModel", {"role": "clinical"}
    return [MethodSpec("clinical", target, summary, params, needs=("clinical",), cost=COST)]
