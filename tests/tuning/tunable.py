"""Studies of the method that is tuned in tests."""

from pathlib import Path
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.methods.method import MethodSpec, Run
from bench.methods.parameters import parameters, search_space
from bench.methods.registry import load_registry
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose
from bench.running.experiment import Experiment
from bench.splits.split import Split
from bench.store.cell import cells_of
from bench.tuning.tune import JOURNAL, StudyTask, Tuned, tune, tuning_parts
from tests import command


def spec_of(plugin_file: Path, name: str = "tunable") -> MethodSpec:
    return load_registry([plugin_file]).spec(name)


def chosen(plugin_file: Path, trials: int = 6, inner_folds: int = 0) -> Variant:
    spec = spec_of(plugin_file)
    space = search_space(spec, parameters(spec))
    return choose(spec, {}, SearchBudget(space, trials=trials, inner_folds=inner_folds))


def tuned(
    plugin_file: Path, tiny: Cohort, split: Split, folder: Path, trials: int = 6, inner_folds: int = 0
) -> Tuned:
    """The study of fold 0, in ``folder``."""
    return tune(task(plugin_file, tiny, split, folder, trials, inner_folds), folder / JOURNAL)


def task(
    plugin_file: Path, tiny: Cohort, split: Split, folder: Path, trials: int = 6, inner_folds: int = 0
) -> StudyTask:
    """What the study of fold 0 is about."""
    variant = chosen(plugin_file, trials, inner_folds)
    assert variant.tuning is not None
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    parts = tuning_parts(tiny, split, 0, inner_folds)
    run = Run(seed=0, device="cpu", threads=1, workdir=folder / "scratch")
    cell = cells_of(tiny, split, [variant], [0])[0]
    return StudyTask(cell, variant, variant.tuning, parts, run)


def experiment(store: Path, plugin_file: Path, *methods: str, **others: Any) -> Experiment:
    given = {"cohort": "phantom-tiny", "split": "internal_cv", "device": "cpu", "trials": 3, **others}
    return Experiment(methods=methods, store=str(store), plugins=(str(plugin_file),), **given)


def bench(*words: str, store: Path) -> str:
    done = command.bench(*words, "--cohort", "phantom-tiny", "--store", str(store))
    assert done.returncode == 0, done.stderr
    return done.stdout
