"""Which modules are installed, in what version, and which are files that only their author has."""

import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from bench.methods.method import HARNESS, ZOO


def is_local(module: str) -> bool:
    """Whether a module is neither Python's, the benchmark's, nor of an installed distribution.

    Methods that come with the benchmark count as local, wherever they stand; so does an editable install.
    """
    top = module.partition(".")[0]
    if top == ZOO:
        return True
    if not top or top == HARNESS or top in sys.stdlib_module_names:
        return False
    place = _place(top)
    return place is not None and not any(place.is_relative_to(root) for root in _roots(top))


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Version of each distribution that one of the modules belongs to, by its name; without the benchmark.

    Examples
    --------
    >>> list(versions(["numpy.linalg", "json"]))
    ['numpy']
    """
    tops = {module.partition(".")[0] for module in modules} - {HARNESS, ZOO}
    names = {name for top in tops for name in _distributions().get(top, ())}
    return {name: distribution(name).version for name in sorted(names)}


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def _roots(top: str) -> tuple[Path, ...]:
    """Folders that the distributions of a top-level module are installed in."""
    names = _distributions().get(top, ())
    return tuple(Path(str(distribution(name).locate_file(""))).resolve() for name in dict.fromkeys(names))


def _place(top: str) -> Path | None:
    """File or folder of a top-level module, None where it is not found or has none."""
    loaded = sys.modules.get(top)
    try:
        spec = getattr(loaded, "__spec__", None) or importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    place = folders[0] if folders else spec.origin
    return Path(place).resolve() if place and Path(place).exists() else None
