"""A third party's plugin."""

from bench.hookspecs import hookimpl
from bench.method import MethodSpec


@hookimpl
def bench_methods():
    return [
        MethodSpec(
            "acme_mean", "acme_mri.method:AcmeMean", summary="Training mean, by a third party", needs=()
        )
    ]
