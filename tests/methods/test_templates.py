"""What `bench new` writes works as it is: it passes its own test, and a package installs and is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import bench

pytestmark = pytest.mark.slow


def own_tests(folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """The tests of a folder, run as their author would; ``path`` holds installed packages."""
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.parametrize("kind", ["metric", "split", pytest.param("method", marks=pytest.mark.slow)])
def test_what_is_written_passes_its_own_test(kind: str, tmp_path: Path) -> None:
    done = bench("new", kind, f"own_{kind}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {f"own_{kind}.py", f"test_own_{kind}.py"}
    done = own_tests(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metric_is_listed_and_the_split_too(tmp_path: Path) -> None:
    for kind in ("metric", "split"):
        bench("new", kind, f"own_{kind}", cwd=tmp_path)
    listed = bench("metrics", "--list", "--plugin", "own_metric.py", cwd=tmp_path)
    assert "own_metric" in listed.stdout, listed.stderr
    listed = bench("splits", "--plugin", "own_split.py", "--format", "json", cwd=tmp_path)
    assert '"split": "own_split"' in listed.stdout, listed.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A new package, and the folder that it is installed in."""
    folder = tmp_path_factory.mktemp("author")
    done = bench("new", "package", "acme_rim", cwd=folder)
    assert done.returncode == 0, done.stderr
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder / "site")]
    install = [sys.executable, "-m", "pip", "install", *options, str(folder / "acme_rim")]
    subprocess.run(install, check=True, capture_output=True, env={**os.environ, "PIP_NO_INPUT": "1"})
    return folder / "acme_rim", folder / "site"


def test_a_new_package_installs_and_its_method_is_ready(installed: tuple[Path, Path]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed[1])}
    command = [sys.executable, "-m", "bench", "methods", "--format", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert '"method": "acme_rim",\n  "status": "ready"' in done.stdout, done.stdout + done.stderr


def test_the_workflow_runs_what_the_readme_says(installed: tuple[Path, Path]) -> None:
    package = installed[0]
    workflow = (package / ".github" / "workflows" / "test.yml").read_text()
    steps = ['pip install -e ".[test]"', "mypy", "pytest"]
    assert [line.partition("- run: ")[2] for line in workflow.splitlines() if "- run:" in line] == steps
    assert all(f"    {step}\n" in (package / "README.md").read_text() for step in steps)


@pytest.mark.slow
def test_a_new_package_passes_its_own_test(installed: tuple[Path, Path]) -> None:
    package, site = installed
    done = own_tests(package / "tests", str(site))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["Rim", "my-rim", "2rim", "_rim", "class", "random", "bench", "rím"])
def test_a_name_that_cannot_be_imported_or_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    done = bench("new", "package", name, cwd=tmp_path)
    assert done.returncode == 2 and repr(name) in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("# mine")
    done = bench("new", "split", "mine", cwd=tmp_path)
    assert done.returncode == 2 and "is there already" in done.stderr
    assert not (tmp_path / "mine.py").exists()
