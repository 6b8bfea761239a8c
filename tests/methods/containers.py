"""A stand-in for Docker, and an image of a shell alone for the real ones."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

IMAGE = "localhost/bench-test:1"
DOCKER = """#!/bin/sh
# Knows one image, and runs its programs as they are on this machine.
echo "$@" >>{log}
case "$1 $2" in
"image inspect") [ "$5" = {image} ] && echo sha256:{digest} || {{ echo "no such image" >&2; exit 1; }} ;;
"rm --force") ;;
*)
  while [ "$1" != --entrypoint ]; do
    case "$1" in
    --env) export "$2" ;;
    --workdir) cd "$2" ;;
    esac
    shift
  done
  program=$2
  shift 3
  exec "$program" "$@"
  ;;
esac
"""
# What a machine without the rights of its own to raise limits, or with old control groups, has in its place.
PODMAN = """[engine]
runtime = "{runtime}"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


def fake_docker(folder: Path, digest: str = "ab" * 32) -> Path:
    """A program ``docker`` in a folder, for ``$PATH``; the file in which it notes how it was called."""
    log = folder / "called.txt"
    log.touch()
    program = folder / "docker"
    program.write_text(DOCKER.format(log=log, image=IMAGE, digest=digest))
    program.chmod(0o755)
    return log


def real_engine(folder: Path) -> dict[str, str] | str:
    """Variables under which Docker or Podman runs the image of a shell here; or why none does."""
    archive = folder / "shell.tar"
    _write_image(archive)
    said = "neither docker nor podman is installed"
    for engine in filter(shutil.which, ("docker", "podman")):
        for runtime in ("", *filter(shutil.which, ("crun", "runc"))):
            (folder / "containers.conf").write_text(PODMAN.format(runtime=runtime))
            told = {"CONTAINERS_CONF": str(folder / "containers.conf")} if runtime else {}
            words = [[engine, "import", str(archive), IMAGE], [engine, "run", "--rm", IMAGE, "sh", "-c", ":"]]
            for command in words:
                done = subprocess.run(
                    command, capture_output=True, text=True, env={**os.environ, **told}, check=False
                )
                said = f"{engine}: {done.stderr.strip()[-200:]}"
                if done.returncode:
                    break
            else:
                return told
    return said


def _write_image(archive: Path) -> None:
    """The file system of an image: a shell and the libraries that it needs, from this machine."""
    listed = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    libraries = [word for word in listed.split() if word.startswith("/")]
    with tarfile.open(archive, "w") as packed:
        for path in ("/bin/sh", *libraries):
            packed.add(Path(path).resolve(), arcname=path.lstrip("/"))
        for name in ("tmp", "proc", "dev", "sys", "etc"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            packed.addfile(folder)
