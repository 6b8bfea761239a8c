"""A stranger's package is built, installed and found; a broken one harms nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "third_party"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages installed."""
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
    command = [*install, "--target", str(folder), str(PACKAGES / "acme"), str(PACKAGES / "broken")]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PIP_NO_INPUT": "1"})
    return folder


def bench(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_an_installed_package_is_listed_beside_ours_and_the_broken_one_with_its_error(site: Path) -> None:
    done = bench(site, "methods", "--format", "json")
    rows = {row["method"] or row["plugin"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    assert rows["acme_mean"]["status"] == "ready"
    assert rows["constant"]["status"] == "ready"
    assert rows["broken"]["status"].startswith("broken: ImportError: libcuda_of_the_future.so")


def test_an_installed_method_runs(site: Path, tmp_path: Path) -> None:
    where = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path))
    done = bench(site, "run", "--method", "acme_mean", *where, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "acme_mean" in done.stdout


@pytest.mark.slow
def test_an_installed_method_passes_the_contract_suite(site: Path) -> None:
    done = bench(site, "check", "acme_mean", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_asking_for_the_broken_plugin_fails_with_its_error(site: Path, tmp_path: Path) -> None:
    done = bench(site, "run", "--method", "broken_mean", "--cohort", "phantom-tiny", "--store", str(tmp_path))
    assert done.returncode == 2
    assert "libcuda_of_the_future" in done.stderr
