"""How far the scanner and the geometry of the exam go, without any image."""

from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec

COST = Cost(seconds_per_case=0.001)


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``acquisition``."""
    summary = "Declared acquisition covariates alone in a linear model: what the scanner gives away"
    target, params = "bench_zoo.covariates:CovariateModel", {"role": "acquisition"}
    return [MethodSpec("acquisition", target, summary, params, needs=("acquisition",), cost=COST)]
