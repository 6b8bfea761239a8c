"""What changes the hash of a method's code, and what does not."""

from pathlib import Path

import pytest

from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import MethodSpec

METHOD = """from __future__ import annotations
import numpy as np
from {package}.losses import LIMIT, squared
from {package} import optimisers

class Mine:
    def fit(self, train, val, run):
        self.loss = squared(np.ones(3), LIMIT)
        optimisers.step(self)
        return self
"""
LOSSES = "import numpy as np\n\nLIMIT = 3\n\ndef squared(x, y):\n    return np.square(x - y)\n"
OPTIMISERS = "RATE = 0.1\n\ndef step(method):\n    method.loss -= RATE\n\ndef unused():\n    return 1\n"


class Package:
    """A package on disk that is edited between two hashes."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.write("__init__", "")
        self.write("method", METHOD.format(package=name))
        self.write("losses", LOSSES)
        self.write("optimisers", OPTIMISERS)

    def write(self, module: str, text: str) -> None:
        (self.folder / f"{module}.py").write_text(text, encoding="utf-8")

    def replace(self, module: str, old: str, new: str) -> None:
        text = (self.folder / f"{module}.py").read_text(encoding="utf-8")
        assert old in text
        self.write(module, text.replace(old, new))

    def hash(self, module: str = "method") -> str:
        return code_fingerprint(MethodSpec("mine", f"{self.name}.{module}:Mine", ""))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.syspath_prepend(tmp_path)
    return Package(tmp_path, f"hashed_{tmp_path.name}")


def test_moving_a_function_to_another_file_keeps_the_hash(package: Package) -> None:
    before = package.hash()
    package.replace("losses", "LIMIT = 3\n", "")
    package.write("constants", "LIMIT = 3\n")
    package.replace(
        "method", "import LIMIT, squared", f"import squared\nfrom {package.name}.constants import LIMIT"
    )
    assert package.hash() == before


def test_moving_the_class_to_another_file_keeps_the_hash(package: Package) -> None:
    before = package.hash()
    package.write("elsewhere", METHOD.format(package=package.name))
    assert package.hash("elsewhere") == before


def test_a_name_handed_on_by_another_module_is_the_same_name(package: Package) -> None:
    before = package.hash()
    package.write("__init__", f"from {package.name}.losses import squared, LIMIT\n")
    package.replace("method", f"from {package.name}.losses import", f"from {package.name} import")
    assert package.hash() == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("losses", "import numpy as np\n", '"""Words."""\nimport os\nimport numpy as np\n# a comment\n'),
        ("optimisers", "return 1", "return 2"),
        ("optimisers", "def step(method):\n", 'def step(method):\n    """Say what."""\n'),
        ("losses", "return np.square(x - y)", "return np.square( x-y )  # same"),
    ],
)
def test_what_makes_no_prediction_does_not_count(package: Package, module: str, old: str, new: str) -> None:
    before = package.hash()
    package.replace(module, old, new)
    assert package.hash() == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("losses", "LIMIT = 3", "LIMIT = 4"),
        ("losses", "np.square", "np.abs"),
        ("losses", "import numpy as np", "import math as np"),
        ("optimisers", "RATE = 0.1", "RATE = 0.2"),
        ("optimisers", "RATE = 0.1", "RATE = 0.1\nRATE += 1"),
        ("method", "squared(np.ones(3)", "squared(np.zeros(3)"),
        ("method", "optimisers.step(self)", "optimisers.unused()"),
    ],
)
def test_what_changes_a_prediction_changes_the_hash(
    package: Package, module: str, old: str, new: str
) -> None:
    before = package.hash()
    package.replace(module, old, new)
    assert package.hash() != before


def test_one_name_for_another_function_changes_the_hash(package: Package) -> None:
    package.write("absolute", LOSSES.replace("np.square", "np.abs"))
    package.replace("method", "import optimisers", "import optimisers, absolute, losses")
    package.replace("method", "return self", "return (absolute.squared, losses.squared)")
    before = package.hash()
    package.replace("method", f"from {package.name}.losses import", f"from {package.name}.absolute import")
    assert package.hash() != before


def test_a_module_that_is_searched_by_name_counts_whole(package: Package) -> None:
    package.replace("method", "optimisers.step(self)", "getattr(optimisers, 'st' + 'ep')(self)")
    before = package.hash()
    package.replace("optimisers", "return 1", "return 2")
    assert package.hash() != before


def test_a_relative_import_is_followed(package: Package) -> None:
    before = package.hash()
    package.replace("method", f"from {package.name} import optimisers", "from . import optimisers")
    package.replace("method", f"from {package.name}.losses", "from .losses")
    assert package.hash() == before


def test_an_import_within_a_function_is_followed(package: Package) -> None:
    line = f"from {package.name}.losses import LIMIT, squared\n"
    package.replace("method", line, "")
    package.replace("method", "        self.loss", f"        {line}        self.loss")
    before = package.hash()
    package.replace("losses", "LIMIT = 3", "LIMIT = 4")
    assert package.hash() != before
