"""One flat TOML an experiment; presets and ``set`` change a method's hyperparameters."""

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UsageError, parameter, unknown_name
from bench.files import configs_dir, reason
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters, search_space
from bench.methods.registry import Registry
from bench.methods.search_space import SearchBudget
from bench.methods.variant import Variant, choose
from bench.running.experiment_types import check_values
from bench.running.limits import DEFAULT_THREADS, seconds

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """What a run is asked to do; a TOML file has the same keys, all optional.

    Parameters
    ----------
    methods
        Names of methods.
    split
        Name of a shipped split or path of a split's TOML.
    cohort
        Name of a phantom scenario or path of a cohort folder.
    seeds
        Training seeds; the split's own seed belongs to the split.
    repeats
        How often a cross-validation is cut and run: with the split's seed and those that follow it.
    sizes
        Numbers of patients to learn from, for learning curves: the split is run with each, see
        :func:`bench.splits.fewer.with_fewer`; 0 for all that it has. Empty for the split alone.
    set
        ``parameter`` or ``method.parameter`` to value.
    preset
        Name of a shipped preset.
    device
        ``auto``, ``cpu`` or ``cuda``.
    threads
        CPU threads a cell.
    skip_broken
        Leave invalid cases out and record them, where a run would otherwise reject the cohort.
    store
        Folder of the run store.
    metric
        What ranks instead of the declared metrics: ``task=metric``, or ``metric`` for all tasks of its kind.
    inner_folds
        Into how many parts the training part of a fold is cut where its validation part has too few positive
        cases to choose a threshold on; 0 for none. A tuned method's trials are evaluated on them too.
    executor
        Where cells run: ``workers`` (processes of this machine), ``here`` (this very process, for a
        debugger), ``slurm`` (jobs of a cluster) or ``dask`` (workers of a Dask scheduler); empty for what
        ``$BENCH_EXECUTOR`` says, or ``workers``.
    scheduler
        Address of the Dask scheduler, such as ``tcp://head:8786``, or the path of its scheduler file.
    jobs
        How many cells run at a time; ``auto`` for as many as the machine has cores and memory for.
    resources
        What a job of a cluster asks for: ``minutes``, ``memory_gb``, ``gpus``, and ``partition``, ``account``
        or other words of sbatch; a table named as a method says what that method needs instead.
    cell_timeout
        Longest time of a cell, such as ``20m``; empty for none.
    memory_limit
        Most resident memory of a cell's processes, such as ``8g``; empty for nine tenths of the machine's,
        divided among the jobs.
    trials
        Trials that each method with a search space gets, beside its row with the defaults; 0 for no tuning.
    tune_time
        Time instead of trials, such as ``20m``, ``90s`` or ``2h``; it is not reproducible.
    contract
        Whether methods from outside are checked against the quick clauses of the contract before they run,
        once for each new code.
    plugins
        Local plugin files; in a TOML file, ``files`` under ``[plugins]``, relative to it.
    """

    methods: tuple[str, ...] = ()
    split: str = "internal"
    cohort: str = "phantom"
    seeds: tuple[int, ...] = (0,)
    repeats: int = 1
    sizes: tuple[int, ...] = ()
    set: Overrides = dataclasses.field(default_factory=dict)
    preset: str = ""
    device: str = "auto"
    threads: int = DEFAULT_THREADS
    skip_broken: bool = False
    store: str = "runs"
    metric: tuple[str, ...] = ()
    inner_folds: int = 0
    executor: str = ""
    scheduler: str = ""
    jobs: int | str = 1
    resources: Overrides = dataclasses.field(default_factory=dict)
    cell_timeout: str = ""
    memory_limit: str = ""
    trials: int = 0
    tune_time: str = ""
    contract: bool = True
    plugins: tuple[str, ...] = ()


def read_experiment(path: Path | None, overrides: Overrides) -> Experiment:
    """The experiment of a file, with what the command line says on top.

    Raises
    ------
    UsageError
        No such file, not TOML, a key that an experiment does not have, or a value that is not what its key
        holds.
    """
    values = {**(_read_experiment_file(path) if path else {}), **overrides}
    fields = {field.name for field in dataclasses.fields(Experiment)}
    for key in values:
        if key not in fields:
            raise unknown_name("key of an experiment", key, fields)
    check_values(overrides, "")
    check_values({key: values[key] for key in values if key not in overrides}, f"{path}: ")
    for key in ("methods", "seeds", "sizes", "metric", "plugins"):
        if key in values:
            values[key] = tuple(values[key])
    experiment = Experiment(**values)
    if experiment.trials and experiment.tune_time:
        raise UsageError(
            f"give {parameter('trials')} or {parameter('tune_time')}, not both: a tuning has one budget"
        )
    if experiment.sizes and experiment.repeats > 1:
        raise UsageError(
            f"give {parameter('sizes')} or {parameter('repeats')}, not both: a learning curve is of one cut"
        )
    _tune_seconds(experiment)
    return experiment


def preset_names() -> list[str]:
    """Names of the shipped presets."""
    return sorted(path.stem for path in (configs_dir() / "presets").glob("*.toml"))


def read_preset(name: str) -> Overrides:
    """Parameters of a shipped preset; none for the empty name."""
    if not name:
        return {}
    if name not in preset_names():
        raise unknown_name("preset", name, preset_names())
    return read_toml(configs_dir() / "presets" / f"{name}.toml")


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """``key=value`` pairs with values as TOML writes them; anything else is taken as a string."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{parameter('set')} expects key=value, got {pair!r}")
        settings[key.strip()] = _toml_value(text)
    return settings


def choose_methods(registry: Registry, experiment: Experiment) -> list[Variant]:
    """The methods of an experiment with their hyperparameters fixed.

    A preset touches every method that has its parameters; a setting must be taken by at least one method.
    With a budget, a method that has a search space is chosen twice: as it is, and tuned.

    Raises
    ------
    UsageError
        A method or parameter that does not exist.
    """
    if not experiment.methods:
        raise UsageError(f"name at least one method: {parameter('methods', 'NAME')} (see `bench methods`)")
    specs = [registry.spec(name) for name in dict.fromkeys(experiment.methods)]
    known = {spec.name: set(parameters(spec)) for spec in specs}
    preset = read_preset(experiment.preset)
    _check_taken(experiment.set, known)
    if preset and not any(names & preset.keys() for names in known.values()):
        raise UsageError(f"preset {experiment.preset!r} has no parameter of {', '.join(known)}")
    chosen: list[Variant] = []
    for spec in specs:
        own = _own(experiment.set, spec.name, known[spec.name])
        overrides = {**_shared(preset, known[spec.name]), **own}
        chosen += [choose(spec, overrides), *_tuned(spec, overrides, own, experiment)]
    return chosen


def on_table(registry: Registry, experiment: Experiment) -> tuple[Experiment, dict[str, str]]:
    """The experiment for a cohort with a feature table and no images, and which method stands in for which.

    Methods that measure features in images, and their settings, are replaced by those that read the table
    (:attr:`bench.MethodSpec.on_table`), each once.
    """
    stand_ins = {
        name: other
        for name in experiment.methods
        if (other := registry.spec(name).on_table) and registry.found([other])
    }
    methods = dict.fromkeys(stand_ins.get(name, name) for name in experiment.methods)
    settings = {_renamed(key, stand_ins): value for key, value in experiment.set.items()}
    return dataclasses.replace(experiment, methods=tuple(methods), set=settings), stand_ins


def _renamed(key: str, stand_ins: Mapping[str, str]) -> str:
    method, dot, name = key.rpartition(".")
    return f"{stand_ins.get(method, method)}{dot}{name}"


def _tune_seconds(experiment: Experiment) -> int:
    """Seconds a tuning takes, 0 for none; raises UsageError for what is no time."""
    return math.ceil(seconds(experiment.tune_time)) if experiment.tune_time else 0


def _tuned(spec: MethodSpec, overrides: Overrides, fixed: Overrides, experiment: Experiment) -> list[Variant]:
    """The method with the experiment's budget, where both are there; what a user sets is not searched."""
    longest = _tune_seconds(experiment)
    if not experiment.trials and not longest:
        return []
    space = search_space(spec, parameters(spec, overrides), fixed)
    tuning = SearchBudget(space, experiment.trials, longest, experiment.inner_folds)
    return [choose(spec, overrides, tuning)] if space else []


def _read_experiment_file(path: Path) -> dict[str, Any]:
    values = read_toml(path)
    if "plugins" in values:
        table = values["plugins"]
        if not isinstance(table, dict) or set(table) != {"files"}:
            raise UsageError(f"{path}: [plugins] takes one key, files = [...]; got {table!r}")
        values["plugins"] = [str(path.parent / file) for file in table["files"]]
    return values


def _check_taken(settings: Overrides, known: Mapping[str, set[str]]) -> None:
    for key in settings:
        method, dot, name = key.rpartition(".")
        if dot and method not in known:
            raise unknown_name(f"method in {parameter('set')}", method, known)
        takers = {method: known[method]} if dot else known
        if not any(name in names for names in takers.values()):
            every = set().union(*takers.values())
            raise unknown_name(f"parameter of {', '.join(takers)}", name, every)


def _own(settings: Overrides, method: str, names: set[str]) -> Overrides:
    addressed = {
        key.rpartition(".")[2]: value for key, value in settings.items() if key.startswith(f"{method}.")
    }
    return {**_shared(settings, names), **addressed}


def _shared(settings: Overrides, names: set[str]) -> Overrides:
    return {name: value for name, value in settings.items() if name in names}


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file; raises UsageError where it cannot be read or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}; expected a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
