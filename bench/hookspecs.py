"""What a plugin may offer.

A plugin is a module with functions marked :data:`hookimpl`, announced under the entry-point group ``bench``
or named as a local file. A complete one::

    from bench.hookspecs import hookimpl
    from bench.method import MethodSpec

    @hookimpl
    def bench_methods():
        return [MethodSpec("mean_intensity", "acme.method:MeanIntensity", summary="Mean enhancement")]
"""

import pluggy

from bench.method import MethodSpec

PROJECT = "bench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def bench_methods() -> list[MethodSpec]:  # type: ignore[empty-body]
    """Methods on offer: specs alone, so that listing them imports no heavy library."""
