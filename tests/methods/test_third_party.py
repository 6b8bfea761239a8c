"""A stranger's package is built, installed and found; a broken one harms nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "third_party"
# A baseline, a table model of scikit-learn, a network of torch that saves and explains.
HONEST = {"acme": "acme_mean", "nomogram": "nomogram", "lumen": "lumen_planes"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages installed."""
    folder = tmp_path_factory.mktemp("site")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    packages = [str(PACKAGES / name) for name in (*HONEST, "broken")]
    command = [*install, "--target", str(folder), *packages]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PIP_NO_INPUT": "1"})
    return folder


def bench(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_installed_packages_are_listed_beside_ours_and_the_broken_one_with_its_error(site: Path) -> None:
    done = bench(site, "methods", "--format", "json")
    rows = {row["method"] or row["plugin"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    assert {rows[name]["status"] for name in (*HONEST.values(), "constant")} == {"ready"}
    assert rows["broken"]["status"].startswith("broken: ImportError: libcuda_of_the_future.so")


def test_an_installed_method_runs(site: Path, tmp_path: Path) -> None:
    where = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path))
    done = bench(site, "run", "--method", "acme_mean", *where, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "acme_mean" in done.stdout


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        pytest.param("acme_mean", 17, marks=pytest.mark.slow),
        pytest.param("nomogram", 20, marks=pytest.mark.slow),
        pytest.param("lumen_planes", 24, marks=pytest.mark.thorough),
    ],
)
def test_an_honest_method_of_a_package_passes_every_clause(site: Path, method: str, asked: int) -> None:
    done = bench(site, "check", method, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)
    assert sum(not row["detail"] for row in rows) == asked


def test_asking_for_the_broken_plugin_fails_with_its_error(site: Path, tmp_path: Path) -> None:
    done = bench(site, "run", "--method", "broken_mean", "--cohort", "phantom-tiny", "--store", str(tmp_path))
    assert done.returncode == 2
    assert "libcuda_of_the_future" in done.stderr
