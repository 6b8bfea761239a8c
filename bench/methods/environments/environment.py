"""The environment that a method declares for itself: its file, what names it, where it is once built."""

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import PluginError
from bench.files import cache_dir
from bench.methods.local import LocalMethod
from bench.methods.method import MethodSpec
from bench.methods.source import module_file

FOLDER, BUILT, FAILURE, PYTHON = "environments", "built.json", "failure.txt", "venv/bin/python"
# What the benchmark itself needs there: cases come as arrays and tables.
NEEDED = ("numpy", "pandas")
# A script's own requirements (PEP 723).
HEADER = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
INCLUDED = re.compile(r"(?m)^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")


@dataclass(frozen=True)
class Environment:
    """A Python of a method's own.

    Parameters
    ----------
    file
        Requirements in the format of pip, or a Python file with a script header.
    python
        Which Python: a version, or a range of versions.
    """

    file: Path
    python: str

    @cached_property
    def content(self) -> str:
        """SHA-256 of the requirements, with those that they include and the local files that they name."""
        return hashlib.sha256("\0".join(_contents(self.file, set())).encode()).hexdigest()

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The file of requirements, those that it includes, and the local files that it names."""
        seen: set[Path] = set()
        list(_contents(self.file, seen))
        return tuple(sorted(seen))

    @property
    def identity(self) -> dict[str, str]:
        """What names the environment in the identity of a cell."""
        return {"requirements": self.content, "python": self.python}

    @property
    def folder(self) -> Path:
        """Where it is built: in the cache, by requirements and Python."""
        known = json.dumps([self.identity, NEEDED]).encode()
        return cache_dir() / FOLDER / hashlib.sha256(known).hexdigest()[:16]

    @property
    def interpreter(self) -> Path:
        """The program that runs the method."""
        return self.folder / PYTHON

    def built(self) -> dict[str, Any] | None:
        """What was built: version of ``python``, ``base`` folder, ``packages``; None where it is not."""
        try:
            found: dict[str, Any] = json.loads((self.folder / BUILT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    @property
    def resolved(self) -> dict[str, str]:
        """Version of Python, without its last number, and of every package there; empty until it is built."""
        built = self.built()
        return {"python": built["python"].rpartition(".")[0], **built["packages"]} if built else {}


def environment_of(spec: MethodSpec) -> Environment | None:
    """The environment of a method: the file that the spec names, or its module's script header; or None.

    Raises
    ------
    PluginError
        The file does not exist, or the header is not TOML.
    """
    if spec.is_of_the_project or isinstance(spec, LocalMethod):
        return None
    module = module_file(spec)
    if spec.environment:
        file = (module.parent if module else Path()) / spec.environment
        if not file.is_file():
            raise PluginError(
                f"method {spec.name!r} declares the environment {spec.environment!r}, "
                f"which is missing: {file}"
            )
        header = _header(file) if file.suffix == ".py" else {}
        return Environment(file, _python(header or {}))
    header = _header(module) if module else None
    return None if module is None or header is None else Environment(module, _python(header))


def _python(header: dict[str, Any]) -> str:
    """The Python that a header asks for; this one's version where it asks for none."""
    return str(header.get("requires-python", "{}.{}".format(*sys.version_info)))


def _header(file: Path) -> dict[str, Any] | None:
    """The script header of a Python file; None where it has none."""
    found = HEADER.search(file.read_text(encoding="utf-8"))
    if found is None:
        return None
    lines = [line.removeprefix("#").removeprefix(" ") for line in found["content"].splitlines()]
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"{file}: the script header is not TOML: {error}") from error


def _contents(file: Path, seen: set[Path]) -> Iterator[str]:
    """What determines an environment: its requirements, those they include, and local files by content."""
    seen.add(file.resolve())
    if file.suffix == ".py":
        yield json.dumps(_header(file), sort_keys=True, default=str)
        return
    lines = [line.split(" #")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    yield text
    included = {(file.parent / name).resolve() for name in INCLUDED.findall(text)}
    for word in dict.fromkeys(text.split()):
        path = (file.parent / word.removeprefix("file:").removeprefix("//")).resolve()
        if path in seen or not path.is_file():
            continue
        if path in included:
            yield from _contents(path, seen)
        else:
            seen.add(path)
            yield hashlib.sha256(path.read_bytes()).hexdigest()
