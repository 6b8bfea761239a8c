"""A method's code as one hash: what its class can reach, wherever that stands.

The identity of a cell holds this hash, so it must change with whatever changes a prediction and with nothing
else. It is made of definitions (functions, classes, assignments of a module), each with what the global names
in it stand for. Import lines, the files that definitions stand in, their order, comments, docstrings and
layout do not count: a package may be rearranged, and no cell runs again.
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

from bench.methods.distributions import is_local
from bench.methods.method import HARNESS, ZOO, MethodSpec

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
# Whoever calls one of these may reach any name of the module.
DYNAMIC = {"globals", "vars", "eval", "exec"}


@dataclass(frozen=True)
class Place:
    """A definition: its name within a module; an empty name stands for all of the module."""

    module: str
    name: str


class Announced(Protocol):
    """What a plugin announces by ``module:name``: a method, or the source of a cohort."""

    @property
    def target(self) -> str:
        """``module:name``."""


def code_fingerprint(spec: Announced) -> str:
    """Hash of the code of a method: its class and, through its own package, all that the class can reach.

    Of a method with modifications it is the hash of those of its class and of each of them, in their order.
    Of a method from outside the project, modules beside its own that are no installed distribution count as
    its own package does: files next to the plugin, the author's packages in editable installs.

    Statements that run when a module is imported (calls, loops, conditions) count for every module reached.
    Other packages count by the names imported from them. What only tuning needs does not count: functions
    named ``search_space`` (a tuned cell's identity holds the space itself).

    Parameters
    ----------
    spec
        Whose ``target`` is ``module:Class``.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Examples
    --------
    >>> len(code_fingerprint(MethodSpec("dates", "calendar:Calendar", "")))
    64
    """
    own, *changes = (_digest("\n".join(sorted(lines))) for _, lines in _read(spec))
    return _digest("\n".join([own, *changes])) if changes else own


def libraries(spec: MethodSpec) -> frozenset[str]:
    """Modules of other packages from which the code of a method imports names; nothing is imported.

    Examples
    --------
    >>> sorted(libraries(MethodSpec("dates", "calendar:Calendar", "")))
    []
    """
    reached = [module for house, _ in _read(spec) for module in house.modules.values() if module is not None]
    return frozenset(target.partition(":")[0] for module in reached for target in module.foreign.values())


def used_modules(spec: Announced) -> frozenset[str]:
    """Modules of other packages whose names the reached code of a method uses, not those it only imports.

    Examples
    --------
    >>> sorted(used_modules(MethodSpec("dates", "calendar:Calendar", "")))
    []
    """
    return frozenset(target.partition(":")[0] for house, _ in _read(spec) for target in house.used)


def _read(spec: Announced) -> "list[tuple[_House, set[str]]]":
    """The modules and the lines of what is announced, and of each modification of a method."""
    targets = (spec.target, *getattr(spec, "changes", ()))
    houses = [_House(_owner(target)) for target in targets]
    return [(house, house.lines(_start(target))) for house, target in zip(houses, targets, strict=True)]


def _start(target: str) -> Place:
    module, _, name = target.partition(":")
    return Place(module, name.partition(".")[0])


@dataclass(frozen=True)
class _Package:
    """Whose code is read: that of one package."""

    name: str

    def owns(self, module: str) -> bool:
        """Whether a module is read rather than named."""
        return _is_in(module, self.name)


@dataclass(frozen=True)
class _Author(_Package):
    """Whose code is read: that of a method from outside, with all that is neither installed nor Python's."""

    def owns(self, module: str) -> bool:
        """Whether a module is read rather than named."""
        return super().owns(module) or is_local(module)


def _owner(target: str) -> _Package:
    package = target.partition(".")[0].partition(":")[0]
    return _Package(package) if package in (HARNESS, ZOO) else _Author(package)


class _Module:
    """One parsed source file: its definitions by name, its other statements, what its imported names are."""

    def __init__(self, name: str, source: str, owner: _Package):
        self.name = name
        tree = _stripped(ast.parse(source))
        self.imported = dict(_imported(tree, name))
        self.own = {alias: place for alias, place in self.imported.items() if owner.owns(place.module)}
        tree = _WithoutImports().visit(tree)
        statements = [node for node in tree.body if not isinstance(node, ast.Pass)]
        self.definitions = {
            name: node for node in statements if isinstance(node, DEFINITIONS) for name in _defined(node)
        }
        self.other = [node for node in statements if not _defined(node)]
        self._digests: dict[str, str] = {}

    def digest(self, name: str) -> str | None:
        """Hash of the definition of a name, None where the module has none."""
        if name not in self.definitions:
            return None
        if name not in self._digests:
            self._digests[name] = _digest(ast.unparse(self.definitions[name]))
        return self._digests[name]

    @cached_property
    def foreign(self) -> dict[str, str]:
        """Imported name to what it is in the package it comes from; the harness's own count for nothing."""
        return {
            alias: f"{place.module}:{place.name}"
            for alias, place in self.imported.items()
            if alias not in self.own and not _is_in(place.module, HARNESS)
        }


class _House:
    """The modules of an owner, read as they are needed; ``used`` names what of others the code uses."""

    def __init__(self, owner: _Package):
        self.owner = owner
        self.used: set[str] = set()
        self.modules: dict[str, _Module | None] = {}

    def module(self, name: str) -> _Module | None:
        """A module of the owner, None where it has no Python source."""
        if name not in self.modules:
            source = _source(name)
            self.modules[name] = None if source is None else _parsed(name, source, self.owner)
        return self.modules[name]

    def lines(self, start: Place) -> set[str]:
        """Every statement that can be reached, with what the names in it stand for, one hash a statement."""
        found: set[str] = set()
        seen: set[Place | str] = set()
        todo = [start]
        while todo:
            place = todo.pop()
            module = self.module(place.module)
            if place in seen or module is None:
                continue
            seen.add(place)
            nodes = self._nodes(module, place.name)
            if module.name not in seen:
                seen.add(module.name)
                nodes += module.other
            for node in nodes:
                links = list(self._links(module, node))
                todo += [target for _, target in links if isinstance(target, Place)]
                self.used |= {target for _, target in links if isinstance(target, str)}
                found.add(self._line(node, links))
        return found

    def _nodes(self, module: _Module, name: str) -> list[ast.stmt]:
        if not name:
            return list(module.definitions.values())
        return [module.definitions[name]] if name in module.definitions else []

    def _line(self, node: ast.stmt, links: list[tuple[str, "Place | str"]]) -> str:
        meanings = sorted({f"{alias}={self._meaning(target)}" for alias, target in links})
        return _digest("\n".join([ast.unparse(node), *meanings]))

    def _meaning(self, target: "Place | str") -> str:
        if isinstance(target, str):
            return target
        module = self.module(target.module)
        return (module and module.digest(target.name)) or target.name

    def _links(self, module: _Module, node: ast.stmt) -> Iterator[tuple[str, "Place | str"]]:
        """Global names of a statement, and the definition of the package or the foreign name behind each."""
        for name in _names(node):
            head, _, attribute = name.partition(".")
            if head in DYNAMIC and head not in module.definitions:
                yield name, Place(module.name, "")
            elif head in module.definitions:
                yield head, Place(module.name, head)
            elif head in module.own:
                yield name, self._resolve(module.own[head], attribute)
            elif head in module.foreign:
                yield head, module.foreign[head]

    def _resolve(self, place: Place, attribute: str) -> Place:
        """Follow a name through the modules that hand it on, and an attribute into a module."""
        inner = f"{place.module}.{place.name}" if place.name else place.module
        module = self.module(place.module)
        if module is not None and place.name in module.definitions:
            return place
        if module is not None and place.name in module.own:
            return self._resolve(module.own[place.name], attribute)
        if self.module(inner) is not None:
            return self._resolve(Place(inner, attribute), "") if attribute else Place(inner, "")
        return place


class _WithoutImports(ast.NodeTransformer):
    """Leaves imports out, also those within functions."""

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        return ast.Pass()


@lru_cache(maxsize=256)
def _parsed(name: str, source: str, owner: _Package) -> _Module:
    return _Module(name, source, owner)


def _stripped(tree: ast.Module) -> ast.Module:
    """The module without docstrings and without what only tuning needs."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if _is_docstring(node.body) else node.body
            node.body = [part for part in body if not _is_search_space(part)] or [ast.Pass()]
    return tree


def _is_docstring(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def _is_search_space(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "search_space"


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement defines; none where it does more than that."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = [part for target in targets if target is not None for part in _flat(target)]
    return [name.id for name in names if isinstance(name, ast.Name)] if isinstance(node, DEFINITIONS) else []


def _flat(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]


def _names(node: ast.stmt) -> list[str]:
    """Names that a statement looks up, those behind a dot as ``name.attribute``."""
    dotted = {
        id(part.value): f"{part.value.id}.{part.attr}"
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name)
    }
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return sorted({dotted.get(id(part), part.id) for part in names})


def _imported(tree: ast.Module, module: str) -> Iterator[tuple[str, Place]]:
    """Every name that an import gives, and what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or whole, Place(whole, "")
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, module)
            for alias in node.names:
                yield alias.asname or alias.name, Place(origin, alias.name)


def _origin(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    spec = importlib.util.find_spec(module)
    package = spec.parent if spec else None
    return importlib.util.resolve_name("." * node.level + (node.module or ""), package)


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _source(module: str) -> str | None:
    loaded = sys.modules.get(module)
    try:
        spec = getattr(loaded, "__spec__", None) or importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    origin = getattr(spec, "origin", None)
    return Path(origin).read_text(encoding="utf-8") if origin and origin.endswith(".py") else None
