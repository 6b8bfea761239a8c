"""Finding what plugins offer: entry points and files, one by one; a broken one is not fatal."""

import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pluggy

from bench.cohorts.importers.catalogue import IMPORTERS
from bench.cohorts.importers.importer import ImporterSpec
from bench.cohorts.sources.spec import CohortSpec
from bench.errors import PluginError, UsageError, parameter, unknown_name
from bench.methods import hookspecs
from bench.methods.containers import found
from bench.methods.method import NEEDS, MethodSpec
from bench.methods.modification import PLUS, Modification, modified
from bench.methods.plugin_file import file_loaders
from bench.metrics import METRICS, Metric
from bench.metrics.guarded import guarded
from bench.splits.config import split_names
from bench.splits.protocols import PROTOCOLS
from bench.splits.spec import SplitSpec

ENTRY_POINT_GROUP = "bench"
# Where the benchmark's own metrics, importers and splits come from.
BUILT_IN = "bench"
# How the benchmark's phantoms are called; their list imports what makes them.
PHANTOM = re.compile(r"phantom(-|$)")
# Names stand in lists, in names of rows and folders, and before the seed of a split.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")

Offered = TypeVar("Offered", MethodSpec, Modification, Metric, ImporterSpec, SplitSpec, CohortSpec)


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded, with the reason."""

    plugin: str
    error: str


@dataclass(frozen=True)
class Registry:
    """What plugins offer by name, the plugin of each where lists show it, and plugins that failed."""

    specs: Mapping[str, MethodSpec]
    plugins: Mapping[str, str]
    broken: tuple[BrokenPlugin, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=lambda: dict(METRICS))
    metric_plugins: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(METRICS, BUILT_IN))
    importers: Mapping[str, ImporterSpec] = field(default_factory=lambda: dict(IMPORTERS))
    splits: Mapping[str, SplitSpec] = field(default_factory=dict)
    split_plugins: Mapping[str, str] = field(default_factory=dict)
    cohorts: Mapping[str, CohortSpec] = field(default_factory=dict)
    cohort_plugins: Mapping[str, str] = field(default_factory=dict)
    modifications: Mapping[str, Modification] = field(default_factory=dict)
    modification_plugins: Mapping[str, str] = field(default_factory=dict)

    def spec(self, name: str) -> MethodSpec:
        """The method of that name, ``NAME`` or ``NAME+MODIFICATION``.

        Raises
        ------
        UsageError
            There is no such method or modification, with the nearest names and any broken plugin; or the
            modification is not for the method.
        """
        if name in self.specs:
            return self.specs[name]
        remedy = self.told_broken or "See `bench methods`."
        plain, plus, last = name.rpartition(PLUS)
        if not plus:
            raise unknown_name("method", name, self.specs, remedy)
        spec = self.spec(plain)
        if last not in self.modifications:
            raise unknown_name("modification", last, self.modifications, remedy)
        return modified(spec, self.modifications[last], self.specs)

    def found(self, names: Iterable[str]) -> dict[str, MethodSpec]:
        """The methods of these names, without those that there are not."""
        known = {}
        for name in names:
            with suppress(UsageError):
                known[name] = self.spec(name)
        return known

    @property
    def told_broken(self) -> str:
        """Which plugins failed to load, as a sentence; empty where none did."""
        broken = "; ".join(f"{plugin.plugin} ({plugin.error})" for plugin in self.broken)
        return f"Plugins that failed to load: {broken}." if broken else ""


class Offer(NamedTuple):
    """What one plugin offers."""

    plugin: str
    specs: list[MethodSpec]
    metrics: list[Metric]
    importers: list[ImporterSpec]
    splits: list[SplitSpec]
    cohorts: list[CohortSpec]
    modifications: list[Modification]


def load_registry(files: Iterable[Path] = ()) -> Registry:
    """Everything that installed plugins, ``$BENCH_PLUGINS`` and the given files offer.

    Raises
    ------
    PluginError
        Two plugins offer one thing of one name, or one that the benchmark has.
    UsageError
        One of ``files`` does not exist.
    """
    loaded: list[Offer] = []
    broken: list[BrokenPlugin] = []
    files = [Path(file) for file in files]
    for path in files:
        if not path.is_file():
            raise UsageError(
                f"no such plugin file: {path}; {parameter('plugins')} takes the path of a Python file"
            )
    sources = [(point.name, point.load) for point in _entry_points()]
    sources += file_loaders(plugin_files(files))
    for plugin, load in sources:
        try:
            loaded.append(_offer_of(plugin, load()))
        except Exception as error:  # a stranger's plugin may raise anything at import
            broken.append(BrokenPlugin(plugin, f"{type(error).__name__}: {error}"))
    specs, plugins = _by_name("method", [(found.plugin, found.specs) for found in loaded])
    specs = {name: with_members(spec, specs) for name, spec in specs.items()}
    own = (BUILT_IN, list(METRICS.values()))
    metrics, metric_plugins = _by_name("metric", [own, *((found.plugin, found.metrics) for found in loaded)])
    own_importers = (BUILT_IN, list(IMPORTERS.values()))
    importers, _ = _by_name(
        "importer", [own_importers, *((found.plugin, found.importers) for found in loaded)]
    )
    splits, split_plugins = _by_name("split", [(found.plugin, found.splits) for found in loaded])
    _refuse_own_names("split", split_plugins, (*split_names(), *PROTOCOLS))
    cohorts, cohort_plugins = _by_name("cohort", [(found.plugin, found.cohorts) for found in loaded])
    _refuse_own_names("cohort", cohort_plugins, filter(PHANTOM.match, cohort_plugins))
    modifications, modification_plugins = _by_name(
        "modification", [(found.plugin, found.modifications) for found in loaded]
    )
    return Registry(
        specs,
        plugins,
        tuple(broken),
        metrics,
        metric_plugins,
        importers,
        splits,
        split_plugins,
        cohorts,
        cohort_plugins,
        modifications,
        modification_plugins,
    )


def load_plugin_files(files: Iterable[Path]) -> None:
    """Import the plugin files of ``$BENCH_PLUGINS`` and the given ones; one that fails is left out.

    What installed plugins offer is imported where it is used.
    """
    for _, load in file_loaders(plugin_files(files)):
        with suppress(Exception):  # a stranger's plugin may raise anything at import
            load()


def plugin_files(files: Iterable[Path]) -> list[Path]:
    """Plugin files that are loaded: those of ``$BENCH_PLUGINS`` and the given ones, resolved, each once."""
    paths = [*_paths_from_environment(), *files]
    return list(dict.fromkeys(path.resolve() for path in paths))


def unavailable_reason(spec: MethodSpec) -> str | None:
    """Why the method cannot run in this environment, or None where it can; imports nothing."""
    if (odd := undeclarable_need(spec)) is not None:
        return odd
    for module, remedy in spec.requires.items():
        if importlib.util.find_spec(module) is None:
            return f"needs {module}: {remedy}"
    return (found(spec.container).why or None) if spec.container else None


def undeclarable_need(spec: MethodSpec) -> str | None:
    """What is wrong with the needs and images that a spec declares, or None."""
    if isinstance(spec.needs, str):
        return f"needs = {spec.needs!r} in its plugin, expected a tuple such as ('volumes',)"
    if isinstance(spec.images, str):
        return f"images = {spec.images!r} in its plugin, expected a tuple such as ({spec.images!r},)"
    odd = [need for need in spec.needs if need not in NEEDS]
    return f"needs {odd[0]!r} in its plugin, expected one of {', '.join(NEEDS)}" if odd else None


def with_members(
    spec: MethodSpec, specs: Mapping[str, MethodSpec], above: tuple[str, ...] = ()
) -> MethodSpec:
    """The spec with the specs of its members and of theirs; raises PluginError for a method within itself."""
    if spec.name in above:
        raise PluginError(f"method {spec.name!r} is a member of itself: {' > '.join((*above, spec.name))}")
    found = [specs[name] for name in spec.members if name in specs]
    within = (*above, spec.name)
    return replace(spec, member_specs=tuple(with_members(member, specs, within) for member in found))


def _entry_points() -> list[Any]:
    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)


def _paths_from_environment() -> list[Path]:
    return [Path(part) for part in os.environ.get("BENCH_PLUGINS", "").split(os.pathsep) if part]


def _offer_of(name: str, plugin: Any) -> Offer:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    specs = _offered("bench_methods", manager.hook.bench_methods(), MethodSpec)
    metrics = _offered("bench_metrics", manager.hook.bench_metrics(), Metric)
    importers = _offered("bench_importers", manager.hook.bench_importers(), ImporterSpec)
    splits = _offered("bench_splits", manager.hook.bench_splits(), SplitSpec)
    cohorts = _offered("bench_cohorts", manager.hook.bench_cohorts(), CohortSpec)
    changes = _offered("bench_modifications", manager.hook.bench_modifications(), Modification)
    return Offer(name, specs, [guarded(metric) for metric in metrics], importers, splits, cohorts, changes)


def _offered(hook: str, answers: Iterable[Iterable[Any]], wanted: type[Offered]) -> list[Offered]:
    """What a plugin answered to a hook; raises TypeError for other types, ValueError for an odd name."""
    offered = [value for answer in answers for value in answer]
    wrong = [value for value in offered if not isinstance(value, wanted)]
    if wrong:
        raise TypeError(f"{hook} must return {wanted.__name__} values, got {wrong[0]!r}")
    odd = [value.name for value in offered if not NAME.fullmatch(str(value.name))]
    if odd:
        raise ValueError(
            f"{hook} offers the name {odd[0]!r}; expected a letter, then letters, digits, '_', '.' "
            "and '-', at most 64 in all"
        )
    return offered


def _by_name(
    kind: str, loaded: Iterable[tuple[str, list[Offered]]]
) -> tuple[dict[str, Offered], dict[str, str]]:
    found: dict[str, Offered] = {}
    plugins: dict[str, str] = {}
    for plugin, offered in loaded:
        for named in offered:
            if named.name in found:
                raise PluginError(
                    f"two plugins offer a {kind} named {named.name!r}: {plugins[named.name]} and {plugin}; "
                    "rename one or uninstall it"
                )
            found[named.name], plugins[named.name] = named, plugin
    return found, plugins


def _refuse_own_names(kind: str, plugins: Mapping[str, str], own: Iterable[str]) -> None:
    """Raise PluginError where a plugin offers something under a name of the benchmark's own."""
    for name in own:
        if name in plugins:
            raise PluginError(
                f"{plugins[name]} offers a {kind} named {name!r}, a name of the benchmark's own; rename it"
            )
