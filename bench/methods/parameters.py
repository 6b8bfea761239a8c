"""The hyperparameters of a method: its fields, its search space, an instance with them."""

import dataclasses
import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any, cast

from bench.errors import PluginError, parameter, unknown_name
from bench.methods.contained import in_container
from bench.methods.environments.elsewhere import in_environment
from bench.methods.environments.environment import environment_of
from bench.methods.local import LocalMethod
from bench.methods.method import Method, MethodSpec
from bench.methods.modification import changed_class
from bench.methods.search_space import Space
from bench.methods.value_types import declared_types, require_type


def method_class(spec: MethodSpec) -> type[Method]:
    """Import the method's class; raises PluginError where it is missing or not a dataclass.

    Of a method with an environment of its own it is the class as it is used from here: ``fit`` and what
    follows work in that environment. Of one with modifications it is the class with them.
    """
    return changed_class(spec, _own_class(spec))


def _own_class(spec: MethodSpec) -> type[Method]:
    """The class without modifications."""
    if isinstance(spec, LocalMethod):
        return cast(type[Method], spec.cls)
    module_name, _, class_name = spec.target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # a stranger's module may raise anything at import
        cause = f"cannot import {spec.target!r}: {type(error).__name__}: {error}"
        own = "; import what its environment alone has inside fit and predict" if environment_of(spec) else ""
        raise PluginError(f"method {spec.name!r}: {cause}{own}") from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise PluginError(f"method {spec.name!r}: {spec.target} must be a dataclass with fit and predict")
    missing = [verb for verb in ("fit", "predict") if not callable(getattr(found, verb, None))]
    if missing:
        raise PluginError(f"method {spec.name!r}: {spec.target} lacks {' and '.join(missing)}")
    method = cast(type[Method], found)
    if spec.container:
        return in_container(spec, method)
    return in_environment(spec, method) if environment_of(spec) else method


def parameters(spec: MethodSpec, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every hyperparameter of the method: class defaults, then the spec's, then the overrides.

    Where the class has ``settle``, they are what it makes of them.

    Raises
    ------
    UsageError
        A parameter that the class does not have, or a value that is not of the type that its field declares
        or that ``settle`` refuses.
    """
    cls = method_class(spec)
    fields = {declared.name: declared for declared in dataclasses.fields(cls) if declared.init}  # type: ignore[arg-type]
    chosen = {**spec.params, **(overrides or {})}
    for name in chosen:
        if name not in fields:
            raise unknown_name(f"parameter of {spec.name}", name, fields)
    types = declared_types(cls) if chosen else {}
    for name in sorted(chosen.keys() & types.keys()):
        require_type(spec.name, name, types[name], chosen[name])
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
        cause = f"{type(error).__name__}: {error}"
        raise PluginError(f"method {spec.name!r}: search_space() raised {cause}") from error
    unknown = sorted(set(space) - set(params))
    if unknown:
        raise PluginError(
            f"method {spec.name!r}: search_space has no such hyperparameters: {', '.join(unknown)}"
        )
    searched = {name: value for name, value in space.items() if name not in {*spec.params, *fixed}}
    for name, value in searched.items():
        if params[name] not in value:
            raise PluginError(
                f"method {spec.name!r}: {name} = {params[name]!r} lies outside its search space {value}, "
                f"but the first trial has it: widen the space, or fix it with "
                f"{parameter('set', f'{name}={params[name]}')}"
            )
    return searched


def build(spec: MethodSpec, params: Mapping[str, Any]) -> Method:
    """A fresh, unfitted method with these hyperparameters."""
    return method_class(spec)(**params)


def _default(spec: MethodSpec, field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise PluginError(f"method {spec.name!r}: hyperparameter {field.name!r} has no default")


def _as_like(default: Any, value: Any) -> Any:
    """A TOML array as a tuple where the default is one."""
    return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value
