"""How far the declared clinical covariates go, without any image."""

from bench.hookspecs import hookimpl
from bench.method import MethodSpec


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``clinical``."""
    summary = "Declared clinical covariates alone in a linear model: what no image is needed for"
    target, params = "bench_zoo.covariates:CovariateModel", {"role": "clinical"}
    return [MethodSpec("clinical", target, summary, params, needs=("clinical",))]
