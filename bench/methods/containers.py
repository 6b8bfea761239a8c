"""Programs in containers of Apptainer, Docker or Podman: with one folder of the machine, and no network."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from bench.errors import PluginError

# What an Apptainer image is called, and who runs which kind of image.
FILE_OF_IMAGE = ".sif"
DIGEST = "sha256:"
OF_FILES, OF_REFERENCES = ("apptainer", "singularity"), ("docker", "podman")
# The end of what an engine wrote, as far as a message repeats it.
TOLD = 200


class Ended(NamedTuple):
    """How a program ended: its exit code, and what it wrote."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Order:
    """A program to be run in a container.

    Parameters
    ----------
    image
        Path of an Apptainer image, or a reference of Docker.
    folder
        The one folder of the machine that the program sees, under its own path.
    within
        Where in it the program starts.
    command
        Program and arguments.
    told
        Variables of its environment.
    device
        ``cpu`` or ``cuda``.
    name
        Of the container, so that it can be ended.
    digest
        Of the image that is meant; empty for whichever has that name now.
    """

    image: str
    folder: Path
    within: Path
    command: tuple[str, ...]
    told: Mapping[str, str]
    device: str = "cpu"
    name: str = ""
    digest: str = ""


Starter = Callable[[Order], Ended]


class Found(NamedTuple):
    """Who runs an image, and its digest; or the reason why nobody can."""

    engine: str
    digest: str
    why: str = ""


def found(image: str) -> Found:
    """Who runs an image here, and its digest; nothing is fetched.

    The digest is that of an image's configuration, or the SHA-256 of an Apptainer image.
    """
    engines = [engine for engine in engines_for(image) if shutil.which(engine)]
    if not engines:
        return Found("", "", _remedy(image))
    if image.endswith(FILE_OF_IMAGE):
        if not Path(image).is_file():
            return Found("", "", f"needs the image {image}: there is no such file")
        told = Path(image).stat()
        return Found(engines[0], _content(image, told.st_mtime_ns, told.st_size))
    said = ""
    for engine in engines:
        words = [engine, "image", "inspect", "--format", "{{.Id}}", image]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        if not done.returncode:
            return Found(engine, DIGEST + done.stdout.strip().removeprefix(DIGEST))
        said = " ".join(done.stderr.split())[-TOLD:]
    return Found("", "", f"needs the image {image}: {engines[-1]} pull {image} ({said})")


@lru_cache(maxsize=64)
def _content(image: str, changed: int, size: int) -> str:
    """SHA-256 of an image's file, read again when its time or size has changed."""
    with Path(image).open("rb") as content:
        return f"{DIGEST}{hashlib.file_digest(content, 'sha256').hexdigest()}"


def engines_for(image: str) -> tuple[str, ...]:
    """Programs that can run an image, the first choice first."""
    return OF_FILES if image.endswith(FILE_OF_IMAGE) else OF_REFERENCES


def run_contained(order: Order) -> Ended:
    """Run a program in a container and wait for its end.

    Raises
    ------
    PluginError
        Nobody can run the image here, or another one has its name now; the message has the remedy.
    """
    engine, digest, why = found(order.image)
    if why:
        raise PluginError(why)
    if order.digest not in ("", digest):
        raise PluginError(f"the image {order.image} has changed since the run was planned: run it again")
    done = subprocess.run(
        arguments(engine, replace(order, digest=digest)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def end_container(image: str, name: str) -> None:
    """End a container of that name, where one is left; those of Apptainer end with the process that waits."""
    engine, _, why = found(image)
    if not why and engine in OF_REFERENCES:
        subprocess.run([engine, "rm", "--force", name], capture_output=True, check=False)


def arguments(engine: str, order: Order) -> list[str]:
    """The words that run an order with an engine."""
    told = [word for name, value in order.told.items() for word in ("--env", f"{name}={value}")]
    shown = f"{order.folder}:{order.folder}"
    if engine in OF_FILES:
        closed = ["--containall", "--net", "--network", "none", "--bind", shown, "--pwd", str(order.within)]
        gpu = ["--nv"] if order.device == "cuda" else []
        return [engine, "exec", *closed, *gpu, *told, order.image, *order.command]
    closed = ["--pull", "never", "--network", "none", "--cap-drop", "ALL"]
    closed += ["--security-opt", "no-new-privileges", "--volume", shown, "--workdir", str(order.within)]
    named = ["--name", order.name] if order.name else []
    # Podman takes the user who asks for the root of the container; Docker does not.
    own = ["--user", f"{os.getuid()}:{os.getgid()}", "--env", "HOME=/tmp"] if engine == "docker" else []
    gpus = {"docker": ["--gpus", "all"], "podman": ["--device", "nvidia.com/gpu=all"]}[engine]
    gpu = gpus if order.device == "cuda" else []
    program, *rest = order.command
    words = [engine, "run", "--rm", *named, *closed, *own, *gpu, *told, "--entrypoint", program]
    return [*words, order.digest.removeprefix(DIGEST) or order.image, *rest]


def _remedy(image: str) -> str:
    if image.endswith(FILE_OF_IMAGE):
        return "needs apptainer, which is not installed: https://apptainer.org/docs"
    return (
        "needs docker or podman, neither is installed: https://docs.docker.com/engine/install, or `apt-get "
        "install podman`; where neither may be, build an Apptainer image and name its .sif file"
    )
