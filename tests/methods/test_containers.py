"""Methods whose program runs in a container: what it sees, what names it, and what is said without one."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bench.errors import PluginError
from bench.methods.containers import Order, arguments, found, run_contained
from bench.methods.identity import parts_of
from bench.methods.method import MethodSpec
from bench.methods.parameters import method_class, parameters
from bench.methods.registry import unavailable_reason
from bench.running.containers import program_ended
from bench.running.run_cell import PlannedCell
from bench.store.store import Store
from tests.methods.containers import IMAGE, fake_docker, real_engine

SCRIPT = Path(__file__).parent / "commands" / "level.sh"
PLUGIN = """
from bench import MethodSpec, hookimpl


@hookimpl
def bench_methods():
    params = {{"command": ("sh", "level.sh"), "scripts": ({script!r},)}}
    return [MethodSpec("shut", "bench:CommandMethod", "", params, needs=(), container={image!r})]
"""


def spec(image: str = IMAGE, target: str = "bench:CommandMethod") -> MethodSpec:
    params = {"command": ("only-in-the-image", "level.sh"), "scripts": (str(SCRIPT),)}
    return MethodSpec("shut", target, "", params, needs=(), container=image)


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in for Docker was called with; no other engine is installed."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "echo"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return fake_docker(tmp_path / "bin")


def run(plugin: Path) -> str:
    """The log of the method's only cell, of a run whose processes have the variables of this one."""
    words = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--method",
        "constant,shut",
        "--plugin",
        str(plugin),
        "--cohort",
        "phantom-tiny",
    ]
    store = plugin.parent / "runs"
    words += ["--split", "internal", "--store", str(store), "--executor", "workers"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ((folder, record),) = [one for one in Store(store).records() if one[1].method == "shut"]
    assert record.status == "ok" and record.sealed in ("kernel", "python")
    assert record.identity["container"] == found(IMAGE).digest
    return (folder / "log.txt").read_text()


def plugin_in(folder: Path) -> Path:
    script, secret = folder / "level.sh", folder / "secret.csv"
    secret.write_text("er,1\n")
    script.write_text(SCRIPT.read_text().replace("@SECRET@", str(secret)))
    plugin = folder / "shut_plugin.py"
    plugin.write_text(PLUGIN.format(script=str(script), image=IMAGE))
    return plugin


def test_the_digest_of_the_image_names_the_cell(called: Path) -> None:
    assert unavailable_reason(spec()) is None
    assert parts_of(spec())["container"] == f"sha256:{'ab' * 32}"
    assert parameters(spec())["command"] == ("only-in-the-image", "level.sh")
    fake_docker(called.parent, digest="cd" * 32)
    assert parts_of(spec())["container"] == f"sha256:{'cd' * 32}"


def test_without_an_engine_or_the_image_the_method_says_what_to_do(
    called: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = unavailable_reason(spec("nobody/nothing:1"))
    assert absent == "needs the image nobody/nothing:1: docker pull nobody/nothing:1 (no such image)"
    assert "needs apptainer, which is not installed" in (unavailable_reason(spec("own.sif")) or "")
    (called.parent / "docker").unlink()
    assert (unavailable_reason(spec()) or "").startswith("needs docker or podman, neither is installed")
    (called.parent / "apptainer").symlink_to("/bin/sh")
    assert (unavailable_reason(spec("own.sif")) or "").endswith("there is no such file")
    (tmp_path / "own.sif").write_bytes(b"image")
    assert found(str(tmp_path / "own.sif")).digest.startswith("sha256:6105d6cc")


def test_only_a_command_goes_into_a_container() -> None:
    with pytest.raises(PluginError, match="runs no command; libraries of a Python class go into"):
        method_class(spec(target="bench_zoo.baselines.constant.method:Constant"))


@pytest.mark.parametrize("engine", ["apptainer", "docker", "podman"])
def test_every_engine_shows_one_folder_and_no_network(engine: str) -> None:
    cell = Path("/runs/work/cell")
    words = arguments(engine, Order("image", cell, cell / "scripts", ("Rscript", "fit.R"), {"A": "1"}))
    assert words.count(f"{cell}:{cell}") == 1 and words[words.index("--network") + 1] == "none"
    assert sum(word in ("--bind", "--volume", "--mount") for word in words) == 1
    assert words[-1] == "fit.R" and "Rscript" in words and "A=1" in words
    if engine == "apptainer":
        assert "--containall" in words
    else:
        assert {"--rm", "--cap-drop", "no-new-privileges", "never"} < set(words)


def test_an_image_that_has_changed_since_the_plan_is_refused(called: Path, tmp_path: Path) -> None:
    order = Order(IMAGE, tmp_path, tmp_path, ("sh", "-c", "echo ran"), {}, digest=f"sha256:{'ab' * 32}")
    assert run_contained(order).output == "ran\n"
    fake_docker(called.parent, digest="cd" * 32)
    with pytest.raises(PluginError, match="has changed since the run was planned"):
        run_contained(order)


def test_a_method_names_no_image_but_its_own() -> None:
    cell = SimpleNamespace(variant=SimpleNamespace(spec=spec(), parts={}))
    for image in ("", "other:1"):
        said = program_ended(
            cast(PlannedCell, cell), {"image": image, "within": "/", "command": ["sh"], "told": {}}
        )
        assert said == {"error": f"the method declares no container {image!r}", "machine": False}


@pytest.mark.slow
def test_a_program_is_run_from_outside_of_the_fence_and_its_container_is_ended(
    called: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{called.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    log = run(plugin_in(tmp_path))
    assert "seed 0 threads" in log
    lines = called.read_text().splitlines()
    runs, ends = ([line for line in lines if line.startswith(verb)] for verb in ("run", "rm"))
    assert len(runs) == 3 and ends  # fit, test cases, validation cases
    name = runs[0].split("--name ")[1].split()[0]
    assert all(name in line for line in (*runs, *ends))


@pytest.mark.slow
def test_a_real_container_sees_the_cell_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "image").mkdir()
    told = real_engine(tmp_path / "image")
    if isinstance(told, str):
        pytest.skip(f"no container runs here: {told}")
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    log = run(plugin_in(tmp_path))
    assert "kept out" in log and "sees the secret" not in log
    assert [line for line in log.splitlines() if line.startswith("network")] == ["network lo"]
