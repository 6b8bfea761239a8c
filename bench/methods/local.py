"""Methods whose class a notebook or script defines, which no other process can import."""

import dataclasses
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import PluginError
from bench.methods.method import MethodSpec

NOT_ISOLATED = "ran in this process, not isolated"


@dataclass(frozen=True, kw_only=True)
class LocalMethod(MethodSpec):
    """A spec that carries its class: a method that runs in the process that defines it.

    Parameters
    ----------
    cls
        The class, as it was when the spec was made.
    """

    cls: type


def local_method(cls: type) -> LocalMethod:
    """The spec of a class, named as the class is; it needs nothing of the cohort before it runs."""
    lines = (cls.__doc__ or "").strip().splitlines()
    target = f"{cls.__module__}:{cls.__qualname__}"
    return LocalMethod(name=cls.__name__, target=target, summary=lines[0] if lines else "", needs=(), cls=cls)


def is_importable(cls: type) -> bool:
    """Whether a fresh process finds this very class under the name of its module."""
    if cls.__module__ == "__main__" or cls.__module__ not in sys.modules:
        return False
    return getattr(importlib.import_module(cls.__module__), cls.__qualname__, None) is cls


def own_parameters(method: object) -> Mapping[str, Any]:
    """Hyperparameters of an instance: the fields of its dataclass that the constructor takes.

    Raises
    ------
    PluginError
        The class is no dataclass, or lacks ``fit`` or ``predict``.
    """
    cls = type(method)
    missing = [verb for verb in ("fit", "predict") if not callable(getattr(cls, verb, None))]
    if not dataclasses.is_dataclass(method) or missing:
        raise PluginError(
            f"{cls.__name__} must be a dataclass with fit and predict, got {method!r}"
            + (f", which lacks {' and '.join(missing)}" if missing else "; put @dataclass above the class")
        )
    return {field.name: getattr(method, field.name) for field in dataclasses.fields(method) if field.init}
