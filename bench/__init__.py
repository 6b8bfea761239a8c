"""An honest benchmark of methods that predict breast-cancer biomarkers from single-phase DCE-MRI.

``cohort -> split -> fit -> predict -> score -> rank``: every word is a package of this one, and the names
that a notebook, a script or a plugin needs are here::

    import bench

    cohort = bench.open_cohort("phantom-tiny")
    split = bench.make_split(cohort, "internal_cv")
    results = bench.run(cohort, split, ["constant", "tumour_size"], seeds=[0, 1], store="runs")
    board = bench.leaderboard(results)
    bench.compare(results, reference="tumour_size")
    results.predictions
    crops = cohort.dataset(bench.Crop(size_mm=40, spacing_mm=2), tasks=["er"])

Names are imported when first used, so that ``import bench`` costs next to nothing. ``API_VERSION`` counts the
changes of these names that make a script or plugin of an earlier version fail.

Examples
--------
>>> import bench
>>> bench.API_VERSION
1
>>> bench.Crop(size_mm=40, spacing_mm=2).shape
(20, 20, 20)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.cohorts.importers.importer import Box, Card, Case
    from bench.cohorts.radiomics import RadiomicsSettings, radiomics_parameters
    from bench.cohorts.sources.spec import CohortSource, CohortSpec
    from bench.door.boards import compare, leaderboard, recalibrate, sites, subtypes
    from bench.door.cohort import open_cohort
    from bench.door.methods import variant
    from bench.door.run import evaluate, run, tune
    from bench.door.split import make_split
    from bench.door.table import Table
    from bench.errors import BenchError
    from bench.imaging.crop import Crop
    from bench.imaging.volume import Volume
    from bench.methods.command import CommandMethod
    from bench.methods.hookspecs import hookimpl
    from bench.methods.lens import Lens
    from bench.methods.method import Method, MethodSpec, Run
    from bench.methods.modification import Modification
    from bench.methods.search_space import Categorical, Float, Int
    from bench.methods.variant import Variant
    from bench.metrics.metric import Metric
    from bench.predictions.results import Results
    from bench.splits.config import SplitConfig
    from bench.splits.fold import Fold
    from bench.splits.spec import SplitSpec
    from bench.splits.split import Split
    from bench.task import Task
    from bench.testing import check_method

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "BenchError",
    "Box",
    "Card",
    "Case",
    "Categorical",
    "Cohort",
    "CohortSource",
    "CohortSpec",
    "CommandMethod",
    "Crop",
    "Float",
    "Fold",
    "Int",
    "Lens",
    "Method",
    "MethodSpec",
    "Metric",
    "Modification",
    "RadiomicsSettings",
    "Results",
    "Run",
    "Split",
    "SplitConfig",
    "SplitSpec",
    "Table",
    "Task",
    "Variant",
    "Volume",
    "check_method",
    "compare",
    "evaluate",
    "hookimpl",
    "leaderboard",
    "make_split",
    "open_cohort",
    "radiomics_parameters",
    "recalibrate",
    "run",
    "sites",
    "subtypes",
    "tune",
    "variant",
]

_PLACES = {
    "BenchError": "bench.errors:BenchError",
    "Box": "bench.cohorts.importers.importer:Box",
    "Card": "bench.cohorts.importers.importer:Card",
    "Case": "bench.cohorts.importers.importer:Case",
    "Categorical": "bench.methods.search_space:Categorical",
    "Cohort": "bench.cohorts.cohort:Cohort",
    "CohortSource": "bench.cohorts.sources.spec:CohortSource",
    "CohortSpec": "bench.cohorts.sources.spec:CohortSpec",
    "CommandMethod": "bench.methods.command:CommandMethod",
    "Crop": "bench.imaging.crop:Crop",
    "Float": "bench.methods.search_space:Float",
    "Fold": "bench.splits.fold:Fold",
    "Int": "bench.methods.search_space:Int",
    "Lens": "bench.methods.lens:Lens",
    "Method": "bench.methods.method:Method",
    "MethodSpec": "bench.methods.method:MethodSpec",
    "Metric": "bench.metrics.metric:Metric",
    "Modification": "bench.methods.modification:Modification",
    "RadiomicsSettings": "bench.cohorts.radiomics:RadiomicsSettings",
    "Results": "bench.predictions.results:Results",
    "Run": "bench.methods.method:Run",
    "Split": "bench.splits.split:Split",
    "SplitConfig": "bench.splits.config:SplitConfig",
    "SplitSpec": "bench.splits.spec:SplitSpec",
    "Table": "bench.door.table:Table",
    "Task": "bench.task:Task",
    "Variant": "bench.methods.variant:Variant",
    "Volume": "bench.imaging.volume:Volume",
    "check_method": "bench.testing:check_method",
    "compare": "bench.door.boards:compare",
    "evaluate": "bench.door.run:evaluate",
    "hookimpl": "bench.methods.hookspecs:hookimpl",
    "leaderboard": "bench.door.boards:leaderboard",
    "make_split": "bench.door.split:make_split",
    "open_cohort": "bench.door.cohort:open_cohort",
    "radiomics_parameters": "bench.cohorts.radiomics:radiomics_parameters",
    "recalibrate": "bench.door.boards:recalibrate",
    "run": "bench.door.run:run",
    "sites": "bench.door.boards:sites",
    "subtypes": "bench.door.boards:subtypes",
    "tune": "bench.door.run:tune",
    "variant": "bench.door.methods:variant",
}


def __getattr__(name: str) -> Any:
    """Import a public name, or read the version, when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dcebench")
    if name not in _PLACES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
