"""Announces the method."""

from bench import MethodSpec, hookimpl


@hookimpl
def bench_methods() -> list[MethodSpec]:
    summary = "Penalised regression on clinical covariates, by a third party"
    return [MethodSpec("nomogram", "nomogram.model:Nomogram", summary, needs=("clinical",))]
