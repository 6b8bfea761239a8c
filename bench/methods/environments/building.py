"""Building the environment of a method with uv, once for the same requirements and Python."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.errors import MachineError
from bench.files import reason, write_whole
from bench.methods.environments.environment import BUILT, FAILURE, NEEDED, Environment, environment_of
from bench.methods.method import MethodSpec

# The end of what uv wrote, as far as a message repeats it.
TOLD = 600
DESCRIBE = (
    "import json, sys; from importlib.metadata import distributions; "
    "print(json.dumps({'python': sys.version.split()[0], 'base': sys.base_prefix, "
    "'packages': dict(sorted((one.metadata['Name'], one.version) for one in distributions()))}))"
)
Say = Callable[[str], None]


def environments_of(spec: MethodSpec) -> Iterator[Environment]:
    """Environments of a method and of those that it builds."""
    for one in spec.family:
        if (environment := environment_of(one)) is not None:
            yield environment


def packages_of(spec: MethodSpec) -> dict[str, dict[str, Any]]:
    """Versions of Python and of every package in the environments of a method and of its members.

    By the name of the method; one that has none, or whose environment is not built, is left out.
    """
    found = {}
    for one in spec.family:
        environment = environment_of(one)
        if environment is not None and (built := environment.built()) is not None:
            found[one.name] = {"python": built["python"], **built["packages"]}
    return found


def ready(environment: Environment, say: Say = lambda text: None) -> None:
    """Build an environment where it is not built; another run that builds it is waited for.

    Parameters
    ----------
    say
        Is told before it is built.

    Raises
    ------
    MachineError
        It cannot be built: uv is not installed, reaches no index, or finds no versions that go together. The
        next run tries again.
    """
    if environment.built() is not None:
        return
    folder = environment.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if environment.built() is None:
                say(f"environment of {environment.file.name}: built with uv")
                _build(environment)
    except OSError as error:
        told = _kept_failure(folder) or f"the environment cannot be built: {reason(error)}"
        raise MachineError(told) from error


def _build(environment: Environment) -> None:
    folder = environment.folder
    (folder / FAILURE).unlink(missing_ok=True)
    try:
        venv, file = folder / "venv", environment.file.resolve()
        shutil.rmtree(venv, ignore_errors=True)
        _uv("venv", "--no-project", "--python", environment.python, str(venv), within=file.parent)
        python = str(environment.interpreter)
        _uv("pip", "install", "--python", python, "-r", str(file), *NEEDED, within=file.parent)
        described = subprocess.run([python, "-I", "-c", DESCRIBE], check=True, capture_output=True, text=True)
    except (MachineError, subprocess.CalledProcessError) as error:
        text = f"the environment of {environment.file.name} cannot be built: {error}"
        write_whole(folder / FAILURE, text)
        raise MachineError(text) from error
    write_whole(folder / BUILT, json.dumps(json.loads(described.stdout)))


def _uv(*words: str, within: Path) -> None:
    """Run uv in the folder of the requirements, which may name files beside them."""
    program = shutil.which("uv")
    if program is None:
        raise MachineError("it needs uv: pip install uv, or https://docs.astral.sh/uv")
    # Links into uv's cache would lead out of what a method may read.
    told = {name: value for name, value in os.environ.items() if name != "UV_LINK_MODE"}
    done = subprocess.run(
        [program, *words], cwd=within, env=told, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        end = " ".join(done.stderr.split())[-TOLD:]
        raise MachineError(f"`uv {' '.join(words[:2])}` ended with {done.returncode}: {end}")


def _kept_failure(folder: Path) -> str:
    """Why the environment could not be built before, for a process that cannot build it."""
    try:
        return (folder / FAILURE).read_text(encoding="utf-8")
    except OSError:
        return ""
