"""What a method from outside depends on beside its code: libraries, files, members of an ensemble."""

import hashlib
from pathlib import Path
from typing import Any

from bench.errors import PluginError
from bench.methods.containers import found as image_found
from bench.methods.distributions import versions
from bench.methods.environments.environment import environment_of
from bench.methods.fingerprint import code_fingerprint, used_modules
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters
from bench.methods.source import module_file


def parts_of(spec: MethodSpec) -> dict[str, Any]:
    """Parts of a cell's identity beside code and hyperparameters.

    A method of the project has its members alone: the versions of the benchmark are named by a record.

    Parameters
    ----------
    spec
        As the registry has it, with the specs of its members.

    Returns
    -------
    dict
        ``distributions``: name to version of what the code uses; ``files``: name to SHA-256; ``members``:
        name to code, hyperparameters and parts; ``environment``, in place of distributions: hash of the
        requirements, and which Python, with ``packages``: name to version of what uv found for them, once it
        is built; ``container``: digest of the image. A part that a method does not have is left out.

    Raises
    ------
    PluginError
        A declared file or member does not exist.
    """
    found: dict[str, Any] = member_parts(spec)
    if not spec.is_of_the_project:
        found |= _libraries(spec)
        found["container"] = image_found(spec.container).digest if spec.container else ""
        found["files"] = {name: _content(spec, name) for name in spec.files}
    return {name: part for name, part in found.items() if part}


def member_parts(spec: MethodSpec) -> dict[str, Any]:
    """The members of an ensemble as a part of the identity, empty where it has none; see :func:`parts_of`."""
    members = {name: _member(spec, name) for name in spec.members}
    return {"members": members} if members else {}


def _libraries(spec: MethodSpec) -> dict[str, Any]:
    """What the code uses of others: its environment with the packages there, else what is installed here."""
    environment = environment_of(spec)
    if environment is not None:
        return {"environment": environment.identity, "packages": environment.resolved}
    return {"distributions": versions(used_modules(spec))}


def _content(spec: MethodSpec, name: str) -> str:
    file = module_file(spec)
    path = (file.parent if file else Path()) / name
    if not path.is_file():
        raise PluginError(f"method {spec.name!r} declares the file {name!r}, which is missing: {path}")
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _member(spec: MethodSpec, name: str) -> dict[str, Any]:
    member = next((one for one in spec.member_specs if one.name == name), None)
    if member is None:
        raise PluginError(f"method {spec.name!r} has the member {name!r}, which no plugin offers")
    return {"code": code_fingerprint(member), "params": parameters(member), **parts_of(member)}
