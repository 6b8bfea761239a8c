"""``import bench`` costs nothing until a name is used, and mypy sees every name."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import bench
from bench.methods.template import Kind, write_package, write_plugin

HEAVY = {"numpy", "pandas", "scipy", "torch", "SimpleITK", "optuna", "typer", "pluggy"}
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "third_party" / "acme" / "src" / "acme_mri"


def python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    python(f"import sys, bench; dir(bench); assert not {HEAVY} & set(sys.modules)")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom bench.cli import main\nsys.argv = ['bench', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert not {'numpy', 'pandas', 'torch'} & set(sys.modules)"
    )
    python(code)


def test_names_for_authors_import_no_torch() -> None:
    python(
        "import sys\n"
        "from bench import Categorical, Crop, Float, Int, Method, MethodSpec, Metric, Run, hookimpl\n"
        "assert not {'torch', 'SimpleITK', 'sklearn', 'typer'} & set(sys.modules)"
    )


def test_every_public_name_is_there_for_people_and_for_type_checkers() -> None:
    assert set(bench.__all__) <= set(dir(bench))
    assert all(getattr(bench, name) is not None for name in bench.__all__)
    tree = ast.parse(Path(bench.__file__).read_text())
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(bench.__all__) - {"API_VERSION"} == set(bench._PLACES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'leaderbord'"):
        bench.leaderbord  # noqa: B018


@pytest.mark.slow
def test_the_scaffold_and_the_examples_pass_strict_types(tmp_path: Path) -> None:
    written = [write_plugin(kind, f"my_{kind}", tmp_path) for kind in get_args(Kind)]
    written.append(write_package("my_package", tmp_path))
    scaffolds = [path for paths in written for path in paths if path.suffix == ".py"]
    files = [*scaffolds, *sorted(EXAMPLES.glob("*.py"))]
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]
    # The settings of this project: its cache spares the types of all that the examples import.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
