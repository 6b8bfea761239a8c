"""Writing what an author begins with from the shipped templates: a plugin with its test, or a package."""

import keyword
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Literal

from bench.errors import UsageError, parameter
from bench.files import writing

TEMPLATES = Path(__file__).parent / "templates"
Kind = Literal["method", "metric", "split"]
PACKAGE = {
    "pyproject.toml": "package/pyproject.toml.txt",
    "README.md": "package/README.md.txt",
    ".gitignore": "package/gitignore.txt",
    ".github/workflows/test.yml": "package/workflow.yml.txt",
    "src/$name/__init__.py": "package/init.py.txt",
    "src/$name/py.typed": "",
    "src/$name/method.py": "method.py.txt",
    "tests/test_$name.py": "package/test.py.txt",
}
IN_PLUGIN = "Cohort, Crop, MethodSpec, Run, hookimpl"
IN_PACKAGE = "Cohort, Crop, Run"


def write_plugin(kind: Kind, name: str, folder: Path) -> tuple[Path, ...]:
    """Write ``NAME.py``, a complete one-file plugin, and ``test_NAME.py``; the two paths.

    Raises
    ------
    UsageError
        The name is not a lower-case Python name, or that of a module of Python, or a file of it is there.
    BenchError
        The folder cannot be written.
    """
    _require_name(kind, name)
    hook = _filled("method_hook.py.txt", _words(name))
    words = _words(name) | {"imports": IN_PLUGIN, "hook": hook}
    sources = {f"{name}.py": f"{kind}.py.txt", f"test_{name}.py": f"test_{kind}.py.txt"}
    return _written(sources, folder, words, f"the {kind}")


def write_package(name: str, folder: Path) -> tuple[Path, ...]:
    """Write ``NAME/``, a package with a method, its test and a workflow that runs it; the paths of its files.

    Raises as :func:`write_plugin`.
    """
    _require_name("package", name)
    words = _words(name) | {"imports": IN_PACKAGE, "hook": ""}
    sources = {Template(place).substitute(words): source for place, source in PACKAGE.items()}
    return _written(sources, folder / name, words, "the package")


def _require_name(kind: str, name: str) -> None:
    plain = name.isidentifier() and name.isascii() and name == name.lower() and name[:1].isalpha()
    if not plain or keyword.iskeyword(name):
        raise UsageError(f"a {kind}'s name is a lower-case Python name such as mean_rim, got {name!r}")
    if name in sys.stdlib_module_names or name == "bench":
        raise UsageError(f"{name!r} is a module of Python or of the benchmark; choose another name")


def _words(name: str) -> dict[str, str]:
    cls = "".join(part.capitalize() for part in name.split("_"))
    return {"name": name, "cls": cls, "distribution": name.replace("_", "-")}


def _written(
    sources: Mapping[str, str], folder: Path, words: Mapping[str, str], what: str
) -> tuple[Path, ...]:
    targets = {folder / place: source for place, source in sources.items()}
    for target in targets:
        if target.exists():
            raise UsageError(f"{target} is there already; choose another name or folder")
    with writing(folder, what, parameter("folder")):
        for target, source in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(source, words) if source else "", encoding="utf-8")
    return tuple(targets)


def _filled(source: str, words: Mapping[str, str]) -> str:
    return Template((TEMPLATES / source).read_text(encoding="utf-8")).substitute(words)
