"""What a fenced process may reach: its own cases and folder, the interpreter and its libraries."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bench

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/nix", "/proc", "/sys")
# Not /dev/shm: what is written there stays for the next cell.
DEVICES = ("null", "zero", "full", "random", "urandom", "nvidia*", "dri", "kfd")
# Weights that torch and huggingface_hub have fetched before.
DOWNLOADS = ("torch", "huggingface")
# Tells a Python that a method starts what lies within the fence.
REACH = "BENCH_REACH"
CODE = (".py", ".pyc", ".so", ".pyd", ".pth")
DESCRIPTIONS = (".dist-info", ".egg-info")
# The generator of the phantoms knows the truth of every case.
GENERATOR = Path(bench.__file__).parent / "cohorts" / "phantom"


@dataclass(frozen=True)
class Reach:
    """Files, and folders with all that is in them.

    Parameters
    ----------
    readable
        What may be read.
    writable
        What may be read and changed.
    listed
        Folders in which names may be listed, and nothing read.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    listed: tuple[Path, ...] = ()


def reach_of(plugins: Iterable[Path], hidden: Iterable[Path]) -> Reach:
    """The reach of a process that computes with the libraries installed here, and has no case yet.

    Parameters
    ----------
    plugins
        Plugin files; modules and packages beside them can be imported.
    hidden
        Folders that lie outside its reach, wherever the libraries lie: those of cohorts, results and caches.
    """
    plugins = [path.resolve() for path in plugins]
    closed = [*(path.resolve() for path in hidden), GENERATOR.resolve()]
    whole = [Path(root) for root in (*SYSTEM, sys.prefix, sys.base_prefix)]
    whole += [Path.home() / ".cache" / name for name in DOWNLOADS]
    places = {Path(entry or ".").resolve() for entry in sys.path} | {
        path.resolve().parent for path in plugins
    }
    apart = [place for place in sorted(places) if place.is_dir() and not _within(place, whole)]
    readable = plugins
    readable += [part for root in whole if root.exists() for part in _without(root.resolve(), closed)]
    readable += [part for place in apart for code in _code_in(place) for part in _without(code, closed)]
    devices = [path for name in DEVICES for path in Path("/dev").glob(name)]
    folders = {parent for path in closed for parent in path.parents if _within(parent, [*whole, *apart])}
    return Reach(tuple(readable), tuple(devices), (*apart, *sorted(folders)))


def _within(path: Path, roots: Iterable[Path]) -> bool:
    return any(path.is_relative_to(root.resolve()) for root in roots)


def _without(root: Path, closed: Iterable[Path]) -> Iterator[Path]:
    """The root, or of one that holds something closed all the rest of its entries."""
    if any(root.is_relative_to(path) for path in closed):
        return
    if not any(path.is_relative_to(root) for path in closed):
        yield root
        return
    for entry in root.iterdir():
        yield from _without(entry, closed)


def _code_in(folder: Path) -> Iterator[Path]:
    """Modules, packages and descriptions of distributions in a folder of the import path."""
    for entry in folder.iterdir():
        is_package = entry.is_dir() and (entry / "__init__.py").is_file()
        if is_package or entry.suffix in (*CODE, *DESCRIPTIONS):
            yield entry
