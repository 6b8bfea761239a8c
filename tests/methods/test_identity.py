"""What of a method from outside makes another cell of it: siblings, libraries, files, members."""

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from bench.errors import PluginError
from bench.methods.distributions import is_local, versions
from bench.methods.fingerprint import code_fingerprint
from bench.methods.identity import parts_of
from bench.methods.method import MethodSpec
from bench.methods.registry import Registry, load_registry
from bench.methods.variant import choose

PLUGIN = """
from dataclasses import dataclass
import numpy as np
from bench import MethodSpec, hookimpl
from {sibling} import level

@hookimpl
def bench_methods():
    return [
        MethodSpec("mine", "{name}:Mine", "", needs=(), files=("weights.txt",)),
        MethodSpec("both", "{name}:Mine", "", needs=(), members=("mine", "constant")),
    ]

@dataclass
class Mine:
    shift: float = 0.5

    def fit(self, train, val, run):
        self.level = level() + self.shift
        return self

    def predict(self, cohort):
        return {{task.name: np.full(len(cohort), self.level).clip(*task.bounds) for task in cohort.tasks}}
"""


class Author:
    """A plugin file with a sibling and a weights file, edited between two looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, f"plugin_{abs(hash(folder))}"
        self.sibling = f"sibling_{abs(hash(folder))}"
        self.write(f"{self.sibling}.py", "def level():\n    return 0.1\n")
        self.write(f"{self.name}.py", PLUGIN.format(name=self.name, sibling=self.sibling))
        self.write("weights.txt", "1 2 3")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, module: str, old: str, new: str) -> None:
        text = (self.folder / f"{module}.py").read_text(encoding="utf-8")
        assert old in text
        self.write(f"{module}.py", text.replace(old, new))

    def registry(self) -> Registry:
        self.forget()
        return load_registry([self.folder / f"{self.name}.py"])

    def identity(self, method: str = "mine") -> tuple[str, dict[str, object]]:
        chosen = choose(self.registry().spec(method), {})
        return chosen.code, dict(chosen.parts)

    def forget(self) -> None:
        for name in (self.name, self.sibling):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        sys.dont_write_bytecode = True


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Author]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = Author(tmp_path)
    yield found
    found.forget()


def test_a_changed_sibling_is_another_method(author: Author) -> None:
    before = author.identity()
    author.replace(author.sibling, "0.1", "0.2")
    assert author.identity() != before


def test_comments_import_lines_and_the_place_of_a_function_change_nothing(author: Author) -> None:
    before = author.identity()
    author.replace(author.sibling, "def level", "import scipy\n# a comment\ndef level")
    assert author.identity() == before
    author.replace(author.name, f"from {author.sibling} import level", "def level():\n    return 0.1\n")
    assert author.identity() == before


def test_the_libraries_that_are_used_are_named_with_their_versions(author: Author) -> None:
    assert author.identity()[1]["distributions"] == {"numpy": version("numpy")}
    author.replace(author.sibling, "return 0.1", "from scipy import stats\n    return stats.norm.cdf(0.1)")
    assert author.identity()[1]["distributions"] == {"numpy": version("numpy"), "scipy": version("scipy")}


def test_declared_files_count_by_content(author: Author) -> None:
    before = author.identity()
    author.write("weights.txt", "1 2 4")
    assert author.identity() != before
    (author.folder / "weights.txt").unlink()
    with pytest.raises(PluginError, match=r"'weights.txt', which is missing"):
        author.identity()


@pytest.mark.parametrize(("old", "new"), [("shift: float = 0.5", "shift: float = 0.6"), ("0.5", "0.25")])
def test_a_changed_default_of_a_member_is_another_ensemble(author: Author, old: str, new: str) -> None:
    _, before = author.identity("both")
    author.replace(author.name, old, new)
    _, after = author.identity("both")
    assert before["members"] != after["members"]


def test_a_member_that_is_missing_or_the_ensemble_itself_is_refused(author: Author) -> None:
    author.replace(author.name, '"constant")', '"nobody")')
    with pytest.raises(PluginError, match=r"'both' has the member 'nobody', which no plugin offers"):
        author.identity("both")
    author.replace(author.name, '"nobody")', '"both")')
    with pytest.raises(PluginError, match="a member of itself: both > both"):
        author.registry()


def test_methods_of_the_project_have_no_parts() -> None:
    registry = load_registry()
    ours = [spec for spec in registry.specs.values() if spec.is_of_the_project]
    assert "constant" in {spec.name for spec in ours}
    assert [parts_of(spec) for spec in ours] == [{}] * len(ours)


def test_installed_packages_are_named_and_an_authors_are_read(author: Author) -> None:
    assert [is_local(name) for name in ("numpy", "json", "bench.task", "pytest")] == [False] * 4
    assert is_local(author.sibling) and is_local("bench_zoo.targets")
    assert versions(["numpy.linalg", "json", "bench"]) == {"numpy": version("numpy")}


def test_a_method_that_uses_one_of_ours_changes_with_it() -> None:
    theirs = code_fingerprint(MethodSpec("t", "tests.methods.planted.honest:Volume", ""))
    assert theirs != code_fingerprint(MethodSpec("t", "tests.methods.planted.cheating:SwapsFiles", ""))
