"""Finding methods and metrics: entry points one by one, local files by path; a broken one is not fatal."""

import dataclasses
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, cast

import pluggy

from bench import hookspecs
from bench.errors import PluginError, UsageError
from bench.method import NEEDS, Method, MethodSpec
from bench.metrics import METRICS, Metric
from bench.metrics.guarded import guarded
from bench.names import unknown_name
from bench.search import Space

ENTRY_POINT_GROUP = "bench"
# Where the benchmark's own metrics come from.
BUILT_IN = "bench"

Offered = TypeVar("Offered", MethodSpec, Metric)


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded, with the reason."""

    plugin: str
    error: str


@dataclass(frozen=True)
class Registry:
    """Methods by name, which plugin offers each, the plugins that failed to load, and metrics likewise."""

    specs: Mapping[str, MethodSpec]
    plugins: Mapping[str, str]
    broken: tuple[BrokenPlugin, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=lambda: dict(METRICS))
    metric_plugins: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(METRICS, BUILT_IN))

    def spec(self, name: str) -> MethodSpec:
        """The method of that name; raises UsageError with the nearest names and any broken plugin."""
        if name in self.specs:
            return self.specs[name]
        broken = "; ".join(f"{its.plugin} ({its.error})" for its in self.broken)
        remedy = f"Plugins that failed to load: {broken}." if broken else "See `bench methods`."
        raise unknown_name("method", name, self.specs, remedy)


class Offer(NamedTuple):
    """What one plugin offers."""

    plugin: str
    specs: list[MethodSpec]
    metrics: list[Metric]


def load_registry(files: Iterable[Path] = ()) -> Registry:
    """Every method and metric that installed plugins, ``$BENCH_PLUGINS`` and the given files offer.

    Raises
    ------
    PluginError
        Two plugins offer a method, or a metric, of one name.
    UsageError
        One of ``files`` does not exist.
    """
    loaded: list[Offer] = []
    broken: list[BrokenPlugin] = []
    files = [Path(file) for file in files]
    for path in files:
        if not path.is_file():
            raise UsageError(f"no such plugin file: {path}; --plugin takes the path of a Python file")
    sources = [(point.name, point.load) for point in _entry_points()]
    paths = [*_paths_from_environment(), *files]
    sources += [(str(path), _file_loader(path)) for path in dict.fromkeys(path.resolve() for path in paths)]
    for plugin, load in sources:
        try:
            loaded.append(_offer_of(plugin, load()))
        except Exception as error:  # a stranger's plugin may raise anything at import
            broken.append(BrokenPlugin(plugin, f"{type(error).__name__}: {error}"))
    specs, plugins = _by_name("method", [(its.plugin, its.specs) for its in loaded])
    own = (BUILT_IN, list(METRICS.values()))
    metrics, metric_plugins = _by_name("metric", [own, *((its.plugin, its.metrics) for its in loaded)])
    return Registry(specs, plugins, tuple(broken), metrics, metric_plugins)


def unavailable_reason(spec: MethodSpec) -> str | None:
    """Why the method cannot run in this environment, or None where it can; imports nothing."""
    if (odd := undeclarable_need(spec)) is not None:
        return odd
    for module, remedy in spec.requires.items():
        if importlib.util.find_spec(module) is None:
            return f"needs {module}: {remedy}"
    return None


def undeclarable_need(spec: MethodSpec) -> str | None:
    """What is wrong with the needs that a spec declares, or None."""
    if isinstance(spec.needs, str):
        return f"needs = {spec.needs!r} in its plugin, expected a tuple such as ('volumes',)"
    odd = [need for need in spec.needs if need not in NEEDS]
    return f"needs {odd[0]!r} in its plugin, expected one of {', '.join(NEEDS)}" if odd else None


def method_class(spec: MethodSpec) -> type[Method]:
    """Import the method's class; raises PluginError where it is missing or not a dataclass."""
    module_name, _, class_name = spec.target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # a stranger's module may raise anything at import
        told = f"cannot import {spec.target!r}: {type(error).__name__}: {error}"
        raise PluginError(f"method {spec.name!r}: {told}") from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise PluginError(f"method {spec.name!r}: {spec.target} must be a dataclass with fit and predict")
    missing = [verb for verb in ("fit", "predict") if not callable(getattr(found, verb, None))]
    if missing:
        raise PluginError(f"method {spec.name!r}: {spec.target} lacks {' and '.join(missing)}")
    return cast(type[Method], found)


def parameters(spec: MethodSpec, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every hyperparameter of the method: class defaults, then the spec's, then the overrides.

    Where the class has ``settle``, they are what it makes of them.

    Raises
    ------
    UsageError
        A parameter that the class does not have, or a value that ``settle`` refuses.
    """
    cls = method_class(spec)
    fields = {its.name: its for its in dataclasses.fields(cls) if its.init}  # type: ignore[arg-type]
    chosen = {**spec.params, **(overrides or {})}
    for name in chosen:
        if name not in fields:
            raise unknown_name(f"parameter of {spec.name}", name, fields)
    defaults = {name: _default(spec, field) for name, field in fields.items()}
    params = {name: _as_like(defaults[name], chosen.get(name, defaults[name])) for name in fields}
    settle = getattr(cls, "settle", None)
    return params if settle is None else settle(params)


def search_space(spec: MethodSpec, params: Mapping[str, Any], fixed: Iterable[str] = ()) -> Space:
    """What tuning may change: the class's space without what spec and user fix; empty where it has none.

    Parameters
    ----------
    params
        Every hyperparameter as the first trial has it.
    fixed
        Names that are not searched.

    Raises
    ------
    PluginError
        The space raises, has a name that is no hyperparameter, or leaves out the value of the first trial.
    """
    offered = getattr(method_class(spec), "search_space", None)
    try:
        space = {} if offered is None else dict(offered())
    except Exception as error:  # a stranger's class may raise anything
        told = f"{type(error).__name__}: {error}"
        raise PluginError(f"method {spec.name!r}: search_space() raised {told}") from error
    unknown = sorted(set(space) - set(params))
    if unknown:
        raise PluginError(
            f"method {spec.name!r}: search_space has no such hyperparameters: {', '.join(unknown)}"
        )
    searched = {name: its for name, its in space.items() if name not in {*spec.params, *fixed}}
    for name, its in searched.items():
        if params[name] not in its:
            raise PluginError(
                f"method {spec.name!r}: {name} = {params[name]!r} lies outside its search space {its}, "
                f"but the first trial has it: widen the space, or fix it with --set {name}={params[name]}"
            )
    return searched


def build(spec: MethodSpec, params: Mapping[str, Any]) -> Method:
    """A fresh, unfitted method with these hyperparameters."""
    return method_class(spec)(**params)


def _entry_points() -> list[Any]:
    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)


def _paths_from_environment() -> list[Path]:
    return [Path(part) for part in os.environ.get("BENCH_PLUGINS", "").split(os.pathsep) if part]


def _file_loader(path: Path) -> Any:
    def load() -> ModuleType:
        if not path.is_file():
            raise FileNotFoundError(f"no such plugin file: {path}")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        known = sys.modules.get(path.stem)
        if known is not None and getattr(known, "__file__", None) != str(path):
            raise ImportError(f"a module named {path.stem!r} is already loaded; rename the plugin file")
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module

    return load


def _offer_of(name: str, plugin: Any) -> Offer:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    specs = _offered("bench_methods", manager.hook.bench_methods(), MethodSpec)
    metrics = _offered("bench_metrics", manager.hook.bench_metrics(), Metric)
    return Offer(name, specs, [guarded(metric) for metric in metrics])


def _offered(hook: str, answers: Iterable[Iterable[Any]], wanted: type[Offered]) -> list[Offered]:
    """What a plugin answered to a hook; raises TypeError for values of another type."""
    offered = [value for answer in answers for value in answer]
    wrong = [value for value in offered if not isinstance(value, wanted)]
    if wrong:
        raise TypeError(f"{hook} must return {wanted.__name__} values, got {wrong[0]!r}")
    return offered


def _by_name(
    kind: str, loaded: Iterable[tuple[str, list[Offered]]]
) -> tuple[dict[str, Offered], dict[str, str]]:
    found: dict[str, Offered] = {}
    plugins: dict[str, str] = {}
    for plugin, offered in loaded:
        for its in offered:
            if its.name in found:
                raise PluginError(
                    f"two plugins offer a {kind} named {its.name!r}: {plugins[its.name]} and {plugin}; "
                    "rename one or uninstall it"
                )
            found[its.name], plugins[its.name] = its, plugin
    return found, plugins


def _default(spec: MethodSpec, field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise PluginError(f"method {spec.name!r}: hyperparameter {field.name!r} has no default")


def _as_like(default: Any, value: Any) -> Any:
    """A TOML array as a tuple where the default is one."""
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value
