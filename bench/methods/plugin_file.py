"""Loading a plugin that is a file, with the modules beside it that it imports."""

import importlib.util
import sys
from collections.abc import Callable, Collection, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from bench.methods.method import HARNESS, ZOO

# Modules that each plugin file brought from its own folder when it was loaded.
_BROUGHT: dict[Path, frozenset[str]] = {}
# Folders on the import path for the sake of a plugin file.
_FOLDERS: set[Path] = set()


def file_loaders(paths: Collection[Path]) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    """What loads each of these plugin files, by its path; what an earlier loading left of them is forgotten.

    A file is a module of its own name. It may import files and packages beside it, also one of the other
    plugin files, which is then loaded once. Libraries come first: a plugin file that is called as one is
    refused, and another file beside it is not found in the place of a library.
    """
    for path in paths:
        for name in (*_BROUGHT.pop(path, ()), path.stem):
            if _folder_of(name) == path.parent:
                sys.modules.pop(name, None)
    for path in paths:
        yield str(path), _loader(path, {one.parent for one in paths})


def _loader(path: Path, folders: Collection[Path]) -> Callable[[], ModuleType]:
    def load() -> ModuleType:
        if not path.is_file():
            raise FileNotFoundError(f"no such plugin file: {path}")
        if _folder_of(path.stem) == path.parent:
            return sys.modules[path.stem]  # another plugin file has imported it
        _refuse_name_of_library(path)
        _make_room(path.parent, folders)
        _put_on_path(path.parent)
        before = set(sys.modules)
        try:
            return _executed(path)
        finally:
            new = set(sys.modules) - before
            _BROUGHT[path] = frozenset(name for name in new if _is_beside(name, path))

    return load


def _executed(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(path.stem, None)
        raise
    return module


def _refuse_name_of_library(path: Path) -> None:
    """Raise ImportError where others would get the plugin file in the place of another module."""
    name = path.stem
    if name in sys.stdlib_module_names:
        raise ImportError(f"{path.name} is called as Python's own module {name!r}; rename the plugin file")
    if name in sys.modules and _folder_of(name) not in _FOLDERS:
        raise ImportError(f"a module named {name!r} is already loaded; rename the plugin file")
    apart = {path.parent, *_FOLDERS}
    places = [place for place in sys.path if Path(place or ".").resolve() not in apart]
    found = PathFinder.find_spec(name, places)
    if found is not None and found.origin:  # a folder without code has no origin
        raise ImportError(
            f"{path.name} is called as the library {name!r} ({found.origin}); rename the plugin file"
        )


def _make_room(folder: Path, together: Collection[Path]) -> None:
    """Forget modules from beside plugin files of another time that would be taken for files of this folder.

    Raises ImportError where such a module is from beside a plugin file that is loaded together with this one.
    """
    files = (*folder.glob("*.py"), *folder.glob("*/__init__.py"))
    for name in {file.parent.name if file.name == "__init__.py" else file.stem for file in files}:
        other = _folder_of(name)
        if other is None or other == folder or other not in _FOLDERS:
            continue
        if other in together:
            raise ImportError(
                f"{folder} and {other} both have a module {name!r}, of which a process can load one; rename "
                "one of the two"
            )
        for module in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[module]


def _put_on_path(folder: Path) -> None:
    """Have modules of a folder found after all libraries, and before those beside other plugin files."""
    others = {str(place) for place in _FOLDERS}
    if str(folder) in sys.path and str(folder) not in others:
        return
    places = [place for place in sys.path if place != str(folder)]
    at = next((at for at, place in enumerate(places) if place in others), len(places))
    sys.path[:] = [*places[:at], str(folder), *places[at:]]
    _FOLDERS.add(folder)


def _is_beside(name: str, path: Path) -> bool:
    """Whether a loaded module is found for the sake of a plugin file alone, and lies beside it."""
    is_own = name.partition(".")[0] in (HARNESS, ZOO)
    return path.parent in _FOLDERS and _folder_of(name) == path.parent and not is_own


def _folder_of(name: str) -> Path | None:
    """The folder that a loaded top-level module, or the package of a module, lies in."""
    file = getattr(sys.modules.get(name.partition(".")[0]), "__file__", None)
    if not file:
        return None
    place = Path(file).resolve()
    return place.parent.parent if place.name == "__init__.py" else place.parent
