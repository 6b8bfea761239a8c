"""Announces the method, apart from the class, so that a list of methods imports no torch."""

from bench import MethodSpec, hookimpl


@hookimpl
def bench_methods() -> list[MethodSpec]:
    summary = "Convolutions on three planes through the lesion, by a third party"
    return [MethodSpec("lumen_planes", "lumen_ai.method:LumenPlanes", summary)]
