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
from bench.metrics import Metric

PROJECT = "bench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def bench_methods() -> list[MethodSpec]:  # type: ignore[empty-body]
    """Methods on offer: specs alone, so that listing them imports no heavy library."""


@hookspec
def bench_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Metrics on offer beside the benchmark's own, to be shown and, with a direction, to rank by.

    A complete one, whose resamples are computed by repeating cases::

        def f2(truth, decision, beside):
            return fbeta_score(truth, decision, beta=2, zero_division=0)

        @hookimpl
        def bench_metrics():
            return [Metric("f2", "F2", "binary", best=1, higher_is_better=True, value=f2, takes="decision")]
    """
