"""A third party's plugin."""

from bench import MethodSpec, hookimpl


@hookimpl
def bench_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            "acme_mean", "acme_mri.method:AcmeMean", summary="Training mean, by a third party", needs=()
        )
    ]
