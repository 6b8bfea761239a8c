"""The code of a class that a notebook or script defines, as one hash."""

import ast
import builtins
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import linecache
import site
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import bench

PLAIN = (str, bytes, int, float, complex, bool, type(None))
NESTED = (tuple, list, set, frozenset)
# Whoever calls one of these may reach any name.
DYNAMIC = {"globals", "vars", "eval", "exec"}
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class _NoSourceError(Exception):
    """The source of something that the class uses cannot be had."""


def local_fingerprint(cls: type) -> str:
    """Hash of the source of a class and of all that it reaches in the notebook or script.

    Classes and functions count by their source, also those of other cells and of modules beside the script;
    numbers, texts and containers of them by value; what installed packages offer by its name. Comments and
    layout do not count. Where the source or value of anything cannot be had, the hash is new every time, so
    that no stored cell passes for one of this code.

    Parameters
    ----------
    cls
        Such as a dataclass of an IPython cell.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    try:
        lines = sorted(_Reached().lines(cls))
    except _NoSourceError:
        lines = [uuid.uuid4().hex]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _Reached:
    """What was seen on the way from a class to all that it uses."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def lines(self, found: Any) -> Iterator[str]:
        """A text for each definition and value that is reached."""
        found = inspect.unwrap(found) if callable(found) else found
        if isinstance(found, BuiltinFunctionType):
            yield f"{found.__module__}:{found.__qualname__}"
            return
        if not isinstance(found, ModuleType | type | FunctionType):
            yield _value(found)
            return
        if id(found) in self.seen:
            return
        self.seen.add(id(found))
        if _is_installed(found):
            yield f"{_module_name(found)}:{getattr(found, '__qualname__', '')}"
        elif isinstance(found, ModuleType):
            yield _text_of_module(found)
        elif isinstance(found, type):
            yield from self._lines_of_class(found)
        else:
            node = _definition(found.__code__, found.__name__, FUNCTIONS)
            yield ast.unparse(node)
            yield from self._lines_of_names(node, _names_of(found))

    def _lines_of_class(self, cls: type) -> Iterator[str]:
        functions = [each for each in map(_plain, vars(cls).values()) if isinstance(each, FunctionType)]
        written = [each for each in functions if each.__code__.co_filename != "<string>"]
        if not written:
            raise _NoSourceError(cls.__name__)
        node = _definition(written[0].__code__, cls.__name__, ast.ClassDef)
        yield ast.unparse(node)
        names: dict[str, Any] = {}
        for function in written:
            names |= _names_of(function)
        yield from self._lines_of_names(node, names)
        for parent in cls.__mro__[1:]:
            yield from self.lines(parent)

    def _lines_of_names(self, node: ast.AST, names: Mapping[str, Any]) -> Iterator[str]:
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if used & DYNAMIC:
            raise _NoSourceError(", ".join(used & DYNAMIC))
        for name in sorted(used & names.keys()):
            for line in self.lines(names[name]):
                yield f"{name}={line}"
        for module in _imported_within(node):
            yield from self.lines(module)


def _plain(found: Any) -> Any:
    """The function behind a class method, static method or property."""
    found = getattr(found, "fget", found)
    return getattr(found, "__func__", found)


def _names_of(function: FunctionType) -> dict[str, Any]:
    """What the global and enclosing names of a function stand for."""
    closed = inspect.getclosurevars(function).nonlocals
    return {**function.__globals__, **closed}


def _definition(code: CodeType, name: str, kinds: Any) -> ast.AST:
    """The innermost definition of that name whose lines hold the code."""
    text = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        tree = ast.Module([], [])
    around: list[ast.AST] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, kinds)
        and getattr(node, "name", name) == name
        and _first_line(node) <= code.co_firstlineno <= (node.end_lineno or 0)
    ]
    if not around:
        raise _NoSourceError(name)
    return max(around, key=_first_line)


def _first_line(node: Any) -> int:
    lines: list[int] = [node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]
    return min(lines)


def _imported_within(node: ast.AST) -> Iterator[ModuleType]:
    """The modules that a definition imports in its body and that are not installed."""
    for part in ast.walk(node):
        names = [alias.name for alias in part.names] if isinstance(part, ast.Import) else []
        if isinstance(part, ast.ImportFrom):
            names = [part.module or ""]
        for name in names:
            if name.partition(".")[0] in sys.stdlib_module_names or _is_in_installed_folder(name):
                continue
            yield importlib.import_module(name)


def _is_in_installed_folder(module: str) -> bool:
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError) as error:
        raise _NoSourceError(module) from error
    if spec is None:
        raise _NoSourceError(module)
    return any(Path(str(spec.origin)).is_relative_to(folder) for folder in _installed_folders())


def _module_name(found: Any) -> str:
    return found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", "") or ""


def _is_installed(found: Any) -> bool:
    """Whether something is Python's, the benchmark's or an installed package's, which have versions."""
    name = _module_name(found)
    if name == "__main__":
        return False
    if name == builtins.__name__ or name.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return name in sys.builtin_module_names
    return any(Path(file).is_relative_to(folder) for folder in _installed_folders())


def _installed_folders() -> list[str]:
    return [*bench.__path__, *site.getsitepackages(), site.getusersitepackages()]


def _text_of_module(module: ModuleType) -> str:
    try:
        return Path(str(module.__file__)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _NoSourceError(module.__name__) from error


def _value(found: Any) -> str:
    """A plain value in words that are the same for equal ones."""
    if isinstance(found, dict):
        return f"{{{','.join(f'{_value(key)}:{_value(value)}' for key, value in found.items())}}}"
    if isinstance(found, NESTED):
        items = [_value(each) for each in found]
        ordered = items if isinstance(found, tuple | list) else sorted(items)
        return f"{type(found).__name__}({','.join(ordered)})"
    if isinstance(found, PLAIN):
        return repr(found)
    if dataclasses.is_dataclass(found) and _is_installed(type(found)):
        return f"{type(found).__qualname__}{_value(dataclasses.asdict(found))}"  # type: ignore[arg-type]
    if type(found).__module__ in ("typing", "types"):
        return repr(found)
    if hasattr(found, "__name__") and type(found).__module__ != "builtins" and _is_installed(type(found)):
        return f"{type(found).__module__}:{found.__name__}"
    raise _NoSourceError(type(found).__qualname__)
