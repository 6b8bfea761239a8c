"""Methods with libraries of their own, in environments that uv builds, from wheels that are made here."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from bench.errors import MachineError, PluginError
from bench.methods.environments.building import packages_of, ready
from bench.methods.environments.environment import BUILT, Environment, environment_of
from bench.methods.identity import parts_of
from bench.methods.method import MethodSpec
from bench.running.experiment import read_experiment
from bench.running.run import run_experiment
from bench.running.staleness import _changed
from bench.store.store import PREDICTIONS, Store
from tests.command import bench

pytestmark = pytest.mark.slow

NEEDS_UV = pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv")
PLUGIN = '''
from dataclasses import dataclass
import numpy as np
from bench import Crop, MethodSpec, hookimpl

CROP = Crop(40, 4)


@hookimpl
def bench_methods():
    return [
        MethodSpec("first", "{name}:Shaded", "", environment="first.txt"),
        MethodSpec("second", "{name}:Shaded", "", environment="second.txt"),
        MethodSpec("third", "{name}:Shaded", "", environment="third.txt"),
    ]


@dataclass
class Shaded:
    """Predicts what the library of its environment holds, and notes what it saw."""

    scale: float = 1.0

    def fit(self, train, val, run):
        import shade

        self.level = shade.LEVEL * self.scale
        known = [float(np.nanmean(train.labels(task.name))) for task in train.tasks]
        bright = float(np.mean(train.crops(CROP)[:]))
        run.report(1, 1, None)
        print("numpy", np.__version__, "bright", repr(bright), "known", known)
        try:
            print("read", open("{secret}").read())
        except PermissionError:
            print("kept out")
        return self

    def predict(self, cohort):
        assert cohort.is_blind and cohort.regions(CROP)[0].any()
        return {{task.name: np.full(len(cohort), self.level) for task in cohort.tasks}}

    def save(self, folder):
        (folder / "level.txt").write_text(str(self.level))

    @classmethod
    def load(cls, folder):
        method = cls()
        method.level = float((folder / "level.txt").read_text())
        return method
'''


def wheel(folder: Path, version: str, level: float) -> None:
    """A wheel of the package ``shade``, as small as one can be."""
    folder.mkdir(exist_ok=True)
    info = f"shade-{version}.dist-info"
    files = {
        "shade.py": f"LEVEL = {level}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: shade\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: made\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"shade-{version}-py3-none-any.whl", "w") as packed:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            packed.writestr(name, text)


def author(folder: Path) -> Path:
    """A plugin whose three methods want two versions of one library, and one that does not exist."""
    wheel(folder / "wheels", "1.0", 0.25)
    wheel(folder / "wheels", "2.0", 0.75)
    (folder / "secret.csv").write_text("er,1\n")
    (folder / "first.txt").write_text("--find-links wheels\nshade==1.0\nnumpy==1.26.4\n")
    (folder / "second.txt").write_text("--find-links wheels\nshade==2.0\n")
    (folder / "third.txt").write_text("--no-index\n--find-links wheels\nshade==9.9\n")
    plugin = folder / f"shaded_{folder.name}.py"
    plugin.write_text(PLUGIN.format(name=plugin.stem, secret=folder / "secret.csv"))
    return plugin


def run(plugin: Path, *methods: str) -> Store:
    asked = {"methods": methods, "cohort": "phantom-tiny", "split": "internal", "device": "cpu"}
    asked |= {"store": str(plugin.parent / "runs"), "executor": "workers", "plugins": [str(plugin)]}
    run_experiment(read_experiment(None, asked), quiet=True)
    return Store(plugin.parent / "runs")


@NEEDS_UV
def test_two_versions_of_a_library_and_another_numpy_share_a_board(tmp_path: Path) -> None:
    plugin = author(tmp_path)
    try:
        for name in ("first.txt", "second.txt"):
            ready(Environment(tmp_path / name, "{}.{}".format(*sys.version_info)))
    except MachineError as error:
        pytest.skip(f"uv reaches no numpy 1.26.4 and pandas here: {error}")
    store = run(plugin, "constant", "first", "second")
    found = {record.method: (folder, record) for folder, record in store.records()}
    assert [found[name][1].status for name in ("constant", "first", "second")] == ["ok"] * 3
    logs = {name: (found[name][0] / "log.txt").read_text() for name in ("first", "second")}
    assert "numpy 1.26.4" in logs["first"] and "numpy 1.26.4" not in logs["second"]
    bright = {log.split("bright ")[1].split(" known")[0] for log in logs.values()}
    assert len({round(float(one), 6) for one in bright}) == 1
    assert all("kept out" in log for log in logs.values())
    for name, level in (("first", 0.25), ("second", 0.75)):
        folder, record = found[name]
        assert record.sealed in ("kernel", "python")
        assert set(pd.read_parquet(folder / PREDICTIONS)["prediction"]) == {level}
        assert (folder / "model" / "level.txt").read_text() == str(level)
    packages = {name: found[name][1].packages for name in ("constant", "first", "second")}
    assert packages["constant"] is None
    assert packages["first"]["first"]["shade"] == "1.0" and packages["first"]["first"]["numpy"] == "1.26.4"
    assert packages["second"].keys() == {"second"} and packages["second"]["second"]["shade"] == "2.0"
    assert packages["first"]["first"]["python"].startswith("3.")
    status = ("status", "--store", str(store.folder), "--why", "first")
    assert bench(*status).stdout == "every cell of first is current\n"
    built = Environment(tmp_path / "first.txt", "{}.{}".format(*sys.version_info)).folder / BUILT
    built.write_text(built.read_text().replace('"shade": "1.0"', '"shade": "1.0.1"'))
    (row,) = json.loads(bench(*status, "--format", "json").stdout)
    assert row == {"what": "package of the environment: shade", "was": "1.0", "is": "1.0.1", "cells": 1}


@NEEDS_UV
def test_an_environment_that_cannot_be_built_is_a_row_with_uvs_reason(tmp_path: Path) -> None:
    store = run(author(tmp_path), "constant", "third")
    found = {record.method: record for _, record in store.records()}
    assert found["constant"].status == "ok"
    assert found["third"].status == "machine"
    assert "environment of third.txt cannot be built: `uv pip install`" in found["third"].reason
    assert "shade" in found["third"].reason


def test_requirements_name_the_environment_and_comments_do_not(tmp_path: Path) -> None:
    file, other = tmp_path / "requirements.txt", tmp_path / "more.txt"
    other.write_text("six==1.16.0\n")

    def content(text: str) -> str:
        file.write_text(text)
        return Environment(file, "3.11").content

    first = content("-r more.txt\nnumpy==1.26.4\n")
    assert content("# why\n-r more.txt  # because\n\nnumpy==1.26.4") == first
    assert content("-r more.txt\nnumpy==2.0.0\n") != first
    other.write_text("six==1.17.0\n")
    assert content("-r more.txt\nnumpy==1.26.4\n") != first
    (tmp_path / "own.whl").write_bytes(b"1")
    before = content("./own.whl\n")
    (tmp_path / "own.whl").write_bytes(b"2")
    assert content("./own.whl\n") != before
    assert Environment(file, "3.12").folder != Environment(file, "3.11").folder


def test_a_script_header_is_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = '# /// script\n# requires-python = ">=3.12"\n# dependencies = ["six==1.16.0"]\n# ///\nX = 1\n'
    (tmp_path / "headed_plugin.py").write_text(text)
    (tmp_path / "bare_plugin.py").write_text("X = 1\n")
    spec = MethodSpec("headed", "headed_plugin:X", "")
    found = environment_of(spec)
    assert found is not None and found.python == ">=3.12"
    assert parts_of(spec)["environment"] == {"requirements": found.content, "python": ">=3.12"}
    (tmp_path / "headed_plugin.py").write_text(text.replace("X = 1", "X = 2"))
    assert Environment(found.file, found.python).content == found.content
    assert environment_of(MethodSpec("bare", "bare_plugin:X", "")) is None
    with pytest.raises(PluginError, match=r"the environment 'no.txt', which is missing"):
        environment_of(MethodSpec("absent", "bare_plugin:X", "", environment="no.txt"))


def test_the_packages_are_those_of_a_method_and_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "packed_plugin.py").write_text("X = 1\n")
    (tmp_path / "own.txt").write_text("six==1.16.0\n")
    member = MethodSpec("packed", "packed_plugin:X", "", environment="own.txt")
    whole = MethodSpec("whole", "packed_plugin:X", "", members=("packed",), member_specs=(member,))
    assert packages_of(whole) == {}
    found = environment_of(member)
    assert found is not None
    found.folder.mkdir(parents=True)
    (found.folder / BUILT).write_text('{"python": "3.12.1", "base": "/usr", "packages": {"six": "1.16.0"}}')
    assert packages_of(whole) == {"packed": {"python": "3.12.1", "six": "1.16.0"}}
    assert parts_of(member)["packages"] == {"python": "3.12", "six": "1.16.0"}
    was, now = ({"packed": {"packages": {"six": one, "numpy": "2"}}} for one in ("1.15.0", "1.16.0"))
    assert list(_changed("member", was, now)) == [("member: packed: packages: six", "1.15.0", "1.16.0")]


@NEEDS_UV
def test_a_library_that_uv_finds_in_another_version_makes_the_cell_run_again(tmp_path: Path) -> None:
    plugin = author(tmp_path)
    (tmp_path / "third.txt").write_text("--find-links wheels\nshade>=3000\n")  # above those of any index
    wheel(tmp_path / "wheels", "3000.1", 0.25)
    store = run(plugin, "third")
    if [record.status for _, record in store.records()] == ["machine"]:
        pytest.skip("uv reaches no numpy and pandas here")
    run(plugin, "third")
    assert len(store.records()) == 1
    status = ("status", "--store", str(store.folder), "--why", "third")
    shutil.rmtree(Environment(tmp_path / "third.txt", "{}.{}".format(*sys.version_info)).folder)
    assert "which is not built here" in bench(*status).stdout
    wheel(tmp_path / "wheels", "3000.2", 0.75)
    run(plugin, "third")
    versions = [record.identity["packages"]["shade"] for _, record in store.records()]
    assert sorted(versions) == ["3000.1", "3000.2"]
    newest = max(store.records(), key=lambda one: one[1].identity["packages"]["shade"])[0]
    shutil.rmtree(newest)
    (row,) = json.loads(bench(*status, "--format", "json").stdout)
    assert row == {"what": "package of the environment: shade", "was": "3000.1", "is": "3000.2", "cells": 1}


def test_methods_of_the_project_have_no_environment() -> None:
    spec = MethodSpec("ours", "bench_zoo.baselines.constant:Constant", "")
    assert environment_of(spec) is None
