"""What the plugin guide shows apart stands on one board, from the guide's text alone.

A cohort of two phases in one HDF5 file, a split by vendor, and methods of every kind: of two phases, in R, in
an environment with another numpy, an ensemble of two methods, on radiomics features.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import MachineError
from bench.methods.environments.building import ready
from bench.methods.environments.environment import Environment
from bench.store.store import Store
from tests.command import bench
from tests.docs.pages import page, titled_blocks

pytestmark = pytest.mark.thorough

EXAMPLES = titled_blocks(page("plugin_guide.md"))
DOORS = ("hdf5_exams.py", "by_vendor.py")
METHODS = ("enhancement", "size_and_network", "nearest_radiomics")


def runnable(folder: Path) -> list[str]:
    """The methods of the guide that can run here."""
    found = [*METHODS]
    if shutil.which("Rscript"):
        found.append("glm_in_r")
    try:
        ready(Environment(folder / "old_forest.py", ">=3.11"))
        found.append("old_forest")
    except MachineError:  # without uv, or where it reaches no packages
        pass
    return found


def test_every_kind_of_plugin_shares_a_board(tmp_path: Path) -> None:
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for script in ("make_two_phases.py", "write_exams.py"):
        told = {**os.environ, "COHORT": "two_phases"}
        subprocess.run([sys.executable, script], cwd=tmp_path, env=told, check=True, capture_output=True)
    methods = runnable(tmp_path)
    plugins = [word for name in (*DOORS, *(f"{one}.py" for one in methods)) for word in ("--plugin", name)]
    words = ["run", "--method", ",".join(("constant", *methods)), *plugins, "--cohort", "hdf5_exams"]
    more = ["--split", "by_vendor", "--store", "runs", "--executor", "workers"]
    done = bench(*words, *more, "--set", "size_and_network.epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    assert "images post1 and pre" in text and "a vendor that the method has not learned from" in text
    records = [record for _, record in Store(tmp_path / "runs").records()]
    assert {record.status for record in records} == {"ok"}
    assert {record.method.partition("[")[0] for record in records} == {"constant", *methods}
    assert all(record.sealed in ("kernel", "python") for record in records)
    packages = [record.packages for record in records if record.method == "old_forest"]
    assert all(one and one["old_forest"]["numpy"] == "1.26.4" for one in packages)
