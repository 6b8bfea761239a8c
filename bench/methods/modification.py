"""Modifications: what changes one thing of other methods, so that ``NAME+MODIFICATION`` is a method too."""

import dataclasses
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.errors import PluginError, UsageError
from bench.methods.method import Method, MethodSpec

PLUS = "+"


@dataclass(frozen=True)
class Modification:
    """How a plugin announces a modification of methods, apart from its class.

    Parameters
    ----------
    name
        What users type behind the plus: ``radiomics_lr+combat``.
    target
        ``package.module:Class`` of a dataclass: a :class:`bench.Lens`, which changes what a method sees; or a
        class that is mixed in before the method's own, which may have ``adapted`` as a lens has.
    summary
        What it does, in words that follow the summary of a method.
    applies_to
        Which methods have it, in words.
    params
        Hyperparameters that differ from the class's defaults.

    Examples
    --------
    >>> import bench
    >>> bench.Modification("ranked", "acme.lens:Ranked", "on ranks", "methods of feature tables").name
    'ranked'
    """

    name: str
    target: str
    summary: str
    applies_to: str
    params: Mapping[str, Any] = field(default_factory=dict)


def modified(spec: MethodSpec, modification: Modification, specs: Mapping[str, MethodSpec]) -> MethodSpec:
    """The spec of a method with a modification; identity and code are those of both.

    Raises
    ------
    UsageError
        The modification is not for this method.
    PluginError
        Its class cannot be imported.
    """
    name = f"{spec.name}{PLUS}{modification.name}"
    kind = _imported(modification.target)
    try:
        _require_suited(spec, modification, kind)
        adapted = kind.adapted(spec, specs) if hasattr(kind, "adapted") else spec
    except UsageError as error:
        raise UsageError(
            f"{name!r} cannot be: {error}; {PLUS}{modification.name} is for {modification.applies_to}"
        ) from None
    return replace(
        adapted,
        name=name,
        summary=f"{spec.summary}; {modification.summary}",
        params={**adapted.params, **modification.params},
        changes=(modification.target, *adapted.changes),
        on_table=f"{adapted.on_table}{PLUS}{modification.name}" if adapted.on_table else "",
    )


def changed_class(spec: MethodSpec, cls: type[Method]) -> type[Method]:
    """The class of a method with the modifications that its spec has, the innermost first."""
    if not spec.changes:
        return cls
    from bench.methods.lens import Lens
    from bench.methods.through import through

    for target in reversed(spec.changes):
        kind = _imported(target)
        if issubclass(kind, Lens):
            cls = through(kind, cls)
        else:
            names = {"__module__": cls.__module__, "__doc__": cls.__doc__}
            cls = dataclass(type(cls.__name__, (kind, cls), names))
    return cls


def _require_suited(spec: MethodSpec, modification: Modification, kind: type) -> None:
    """Raise UsageError for a modification that the method has, or a class mixed in that works elsewhere."""
    from bench.methods.environments.environment import environment_of
    from bench.methods.lens import Lens

    if modification.target in spec.changes:
        raise UsageError(f"{spec.name} has been changed by {modification.target} already")
    if not issubclass(kind, Lens) and environment_of(spec) is not None:
        raise UsageError(f"{spec.name} works in an environment of its own")


def _imported(target: str) -> Any:
    """The class of a modification; raises PluginError where there is none."""
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # a stranger's module may raise anything at import
        raise PluginError(f"cannot import {target!r}: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise PluginError(f"{target} must be a dataclass, got {found!r}")
    return found
