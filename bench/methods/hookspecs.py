"""What a plugin may offer.

A plugin is a module with functions marked :data:`hookimpl`, announced under the entry-point group ``bench``
or named as a local file. A complete one:

>>> from bench import MethodSpec, hookimpl
>>> @hookimpl
... def bench_methods():
...     return [MethodSpec("mean_intensity", "acme.method:MeanIntensity", summary="Mean enhancement")]
>>> bench_methods()[0].name
'mean_intensity'
"""

import pluggy

from bench.cohorts.importers.importer import ImporterSpec
from bench.cohorts.sources.spec import CohortSpec
from bench.methods.method import MethodSpec
from bench.methods.modification import Modification
from bench.metrics import Metric
from bench.splits.spec import SplitSpec

PROJECT = "bench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def bench_methods() -> list[MethodSpec]:  # type: ignore[empty-body]
    """Methods on offer: specs alone, so that listing them imports no heavy library."""


@hookspec
def bench_modifications() -> list[Modification]:  # type: ignore[empty-body]
    """Modifications on offer, each for every method that it suits: specs alone, as of methods.

    :class:`bench.Lens` has a complete one; it is announced by::

        @hookimpl
        def bench_modifications():
            return [Modification("ranked", "acme.lens:Ranked", "on ranks", "methods of feature tables")]
    """


@hookspec
def bench_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Metrics on offer beside the benchmark's own, to be shown and, with a direction, to rank by.

    A complete one, whose resamples are computed by repeating cases::

        def f2(truth, decision, context):
            return fbeta_score(truth, decision, beta=2, zero_division=0)

        @hookimpl
        def bench_metrics():
            return [Metric("f2", "F2", "binary", best=1, higher_is_better=True, value=f2, input="decision")]
    """


@hookspec
def bench_importers() -> list[ImporterSpec]:  # type: ignore[empty-body]
    """Importers on offer beside the benchmark's own: specs alone, as of methods.

    :mod:`bench.cohorts.importers.importer` has a complete importer; it is announced by::

        @hookimpl
        def bench_importers():
            return [ImporterSpec("pairs", "acme.pairs:PairsImporter", "Folder of images and masks")]
    """


@hookspec
def bench_splits() -> list[SplitSpec]:  # type: ignore[empty-body]
    """Splits on offer beside the benchmark's own: specs alone, as of methods.

    A complete one, whose validation parts the benchmark cuts::

        def by_vendor(cohort, rng):
            vendor, folds = cohort.table["vendor"], []
            for value in sorted(set(vendor)):
                test, train = vendor.index[vendor == value], vendor.index[vendor != value]
                folds.append(Fold(len(folds), tuple(train), (), tuple(test), label=value))
            return folds

        @hookimpl
        def bench_splits():
            target = f"{__name__}:by_vendor"
            return [SplitSpec("by_vendor", target, "By vendor", "Accuracy on a vendor not learned from.")]
    """


@hookspec
def bench_cohorts() -> list[CohortSpec]:  # type: ignore[empty-body]
    """Cohorts on offer that are no folder: specs alone, as of methods.

    :mod:`bench.cohorts.sources.spec` has a complete source; it is announced by::

        @hookimpl
        def bench_cohorts():
            return [CohortSpec("arrays", "acme.arrays:ArrayCohort", "All exams", files=("arrays.npz",))]
    """
