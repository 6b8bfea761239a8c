"""Plugin files with files beside them: they import each other, shadow no library, leave nothing behind."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.methods.parameters import method_class
from bench.methods.registry import Registry, load_registry
from bench.methods.variant import choose

PLUGIN = """
from dataclasses import dataclass
from bench import MethodSpec, hookimpl
{imports}

@hookimpl
def bench_methods():
    return [MethodSpec("{name}", f"{{__name__}}:Mine", "mine")]

@dataclass
class Mine:
    scale: float = {scale}
    seen = []

    def fit(self, train, val, run):
        return self

    def predict(self, cohort):
        return {{}}
"""


def write(folder: Path, name: str, imports: str = "", scale: str = "1.0", method: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(
        PLUGIN.format(name=name if method is None else method, imports=imports, scale=scale), encoding="utf-8"
    )
    return path


@pytest.fixture(autouse=True)
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def default(registry: Registry, method: str) -> Any:
    return choose(registry.spec(method), {}).params["scale"]


def errors(registry: Registry) -> str:
    return " ".join(plugin.error for plugin in registry.broken)


def test_a_plugin_imports_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "scale_of_mine.py").write_text("SCALE = 2.5\n")
    path = write(tmp_path, "with_a_sibling", "from scale_of_mine import SCALE", "SCALE")
    assert default(load_registry([path]), "with_a_sibling") == 2.5


def test_two_plugin_files_import_each_other(tmp_path: Path) -> None:
    one = write(tmp_path, "mutual_one", "import mutual_two")
    two = write(tmp_path, "mutual_two", "import mutual_one\nNAME = mutual_one.__name__")
    for files in ([one], [two], [one, two], [two, one]):
        registry = load_registry(files)
        assert not errors(registry)
        assert {path.stem for path in files} <= set(registry.specs)
    # What one has imported is what the other's method is made of.
    assert sys.modules["mutual_one"].mutual_two is sys.modules["mutual_two"]  # type: ignore[attr-defined]
    assert method_class(registry.spec("mutual_two")) is sys.modules["mutual_two"].Mine  # type: ignore[attr-defined]


def test_a_loading_leaves_no_state_in_a_file_beside_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "noted_here.py").write_text("NOTES = []\n")
    path = write(
        tmp_path, "takes_notes", "from noted_here import NOTES", "len(NOTES) + 0.5\n    NOTES.append(1)"
    )
    for _ in range(3):
        assert default(load_registry([path]), "takes_notes") == 0.5


def test_a_changed_file_beside_the_plugin_is_read_anew(tmp_path: Path) -> None:
    beside = tmp_path / "changes_soon.py"
    path = write(tmp_path, "follows_changes", "from changes_soon import SCALE", "SCALE")
    for scale in (1.5, 2.5):
        beside.write_text(f"SCALE = {scale}\n")
        importlib.invalidate_caches()
        assert default(load_registry([path]), "follows_changes") == scale


@pytest.mark.parametrize("name", ["numpy", "torch", "xgboost", "random", "bench_zoo"])
def test_a_file_called_as_a_library_is_refused_and_shadows_nothing(name: str, tmp_path: Path) -> None:
    loaded = sys.modules.pop(name, None)  # also where nobody has imported it yet
    try:
        registry = load_registry([write(tmp_path, name, method="mine_too")])
        assert f"{name}.py is called as" in errors(registry) and "rename" in errors(registry)
        assert "mine_too" not in registry.specs
        found = importlib.util.find_spec(name)
        assert found is not None and not str(found.origin).startswith(str(tmp_path))
    finally:
        if loaded is not None:
            sys.modules[name] = loaded


def test_another_file_beside_the_plugin_shadows_no_library(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("raise AssertionError('this is no library')\n")
    (tmp_path / "yaml.py").write_text("raise AssertionError('this is no library')\n")
    sys.modules.pop("colorsys", None)
    path = write(tmp_path, "uses_libraries", "import colorsys\nimport numpy", "1.0")
    registry = load_registry([path])
    assert not errors(registry)
    assert not str(sys.modules["colorsys"].__file__).startswith(str(tmp_path))


def test_files_of_one_name_beside_two_plugins_are_refused(tmp_path: Path) -> None:
    paths = []
    for at, scale in enumerate((1.5, 2.5)):
        folder = tmp_path / f"author_{at}"
        paths.append(write(folder, f"of_author_{at}", "from settings_of_mine import SCALE", "SCALE"))
        (folder / "settings_of_mine.py").write_text(f"SCALE = {scale}\n")
    registry = load_registry(paths)
    assert "both have a module 'settings_of_mine'" in errors(registry)
    assert default(registry, "of_author_0") == 1.5 and "of_author_1" not in registry.specs
    # One at a time, each gets the file beside it.
    for at, scale in enumerate((1.5, 2.5)):
        assert default(load_registry([paths[at]]), f"of_author_{at}") == scale


@pytest.mark.parametrize("name", ["a b", "mine,yours", "mine@2", "mine[x]", "../mine", "", "2mine", "mine=1"])
def test_an_odd_name_breaks_the_plugin_that_offers_it(name: str, tmp_path: Path) -> None:
    good = write(tmp_path, "good_name")
    registry = load_registry([write(tmp_path, "odd_name", method=name), good])
    assert f"bench_methods offers the name {name!r}" in errors(registry)
    assert "good_name" in registry.specs and name not in registry.specs


def test_what_the_user_has_on_the_path_is_not_loaded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the plugin lies in the folder of a clone, or of the installed libraries."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "library_of_mine").mkdir()
    (tmp_path / "library_of_mine" / "__init__.py").write_text("class Shared: ...\n")
    path = write(tmp_path, "beside_a_library", "import library_of_mine")
    load_registry([path])
    first = sys.modules["library_of_mine"]
    load_registry([path])
    assert sys.modules["library_of_mine"] is first


def test_a_folder_of_the_name_of_the_plugin_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "stores_of_mine").mkdir(parents=True)
    sys.path.append(str(tmp_path / "elsewhere"))
    registry = load_registry([write(tmp_path / "plugins", "stores_of_mine")])
    assert not errors(registry) and "stores_of_mine" in registry.specs
