"""A declaration of factors, each with levels, and the rows that all their combinations make."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.methods.registry import Registry
from bench.methods.variant import Variant, choose
from bench.running.experiment import Experiment, read_experiment, read_toml

METHOD, SUFFIX = "method", "suffix"
KEY = "factors"


@dataclass(frozen=True)
class Design:
    """Factors by name, each with what its levels set, and what is run on what.

    A level sets hyperparameters; ``method`` names the method, and ``suffix`` is put behind the name, such as
    ``+combat``.
    """

    factors: Mapping[str, Mapping[str, Mapping[str, Any]]]
    experiment: Experiment


@dataclass(frozen=True)
class Combination:
    """A level of each factor, in the order of the factors, and the row that they make."""

    levels: tuple[str, ...]
    variant: Variant


def read_design(path: Path) -> Design:
    """The design of a TOML file: keys of an experiment, and tables ``[factors.NAME]`` of levels.

    Raises
    ------
    UsageError
        The file has no two factors of two levels, or a level is no table, or the experiment is not one.
    """
    content = read_toml(path)
    factors = content.pop(KEY, {})
    if not isinstance(factors, dict) or len(factors) < 2:
        raise UsageError(f"{path}: expected two tables [{KEY}.NAME] or more, got {sorted(factors)}")
    for name, levels in factors.items():
        if not isinstance(levels, dict) or len(levels) < 2:
            raise UsageError(f"{path}: expected two levels of {name} or more, got {levels!r}")
        odd = [level for level, settings in levels.items() if not isinstance(settings, dict)]
        if odd:
            raise UsageError(f"{path}: {name}.{odd[0]} is no table; expected such as {odd[0]} = {{}}")
    for key in ("methods", "set", "preset"):
        if key in content:
            raise UsageError(f"{path}: {key} is what the levels of factors say; leave it out")
    return Design(factors, read_experiment(None, content))


def combinations(design: Design, registry: Registry) -> tuple[Combination, ...]:
    """A row for each combination of levels, the last factor changing fastest.

    Raises
    ------
    UsageError
        No level or several name the method, two set the same hyperparameter, a method or hyperparameter does
        not exist, or two combinations make one row.
    """
    found = []
    for levels in product(*design.factors.values()):
        settings = [design.factors[name][level] for name, level in zip(design.factors, levels, strict=True)]
        found.append(Combination(levels, _variant(settings, levels, registry)))
    first: dict[str, tuple[str, ...]] = {}
    for one in found:
        other = first.setdefault(one.variant.label, one.levels)
        if other != one.levels:
            pair = f"{' + '.join(other)} and {' + '.join(one.levels)}"
            raise UsageError(f"{pair} are the same row, {one.variant.label}; a level changes nothing")
    return tuple(found)


def _variant(settings: list[Mapping[str, Any]], levels: tuple[str, ...], registry: Registry) -> Variant:
    merged: dict[str, Any] = {}
    suffix = "".join(str(one.get(SUFFIX, "")) for one in settings)
    for one in settings:
        for name, value in one.items():
            if name in merged:
                raise UsageError(f"{name} is set twice in {' + '.join(levels)}: by one factor only")
            if name != SUFFIX:
                merged[name] = value
    if METHOD not in merged:
        raise UsageError(f'no level of {" + ".join(levels)} names a method: give one, method = "NAME"')
    spec = registry.spec(f"{merged.pop(METHOD)}{suffix}")
    return choose(spec, merged)
