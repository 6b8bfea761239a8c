"""Environments of methods: built when a run is planned, as what uv finds for them names its cells."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from bench.errors import MachineError
from bench.methods.environments.building import environments_of, ready
from bench.methods.environments.environment import Environment
from bench.methods.identity import parts_of
from bench.methods.method import MethodSpec
from bench.methods.variant import Variant


def with_environments(variants: Iterable[Variant], say: Callable[[str], None]) -> list[Variant]:
    """The variants once their environments are built, named by the packages that uv put there.

    Parameters
    ----------
    say
        Is told before an environment is built, and why one cannot be; then the row of the method says so.
    """
    return [_with_environments(variant, say) for variant in variants]


def _with_environments(variant: Variant, say: Callable[[str], None]) -> Variant:
    environments = list(environments_of(variant.spec))
    for environment in environments:
        try:
            ready(environment, say)
        except MachineError as error:
            say(f"{variant.label}: {error}")
    return replace(variant, parts=parts_of(variant.spec)) if environments else variant


def places_of(spec: MethodSpec) -> tuple[Path, ...]:
    """What a method reads of its environments, and of those of its members, wherever they lie."""
    return tuple(path for environment in environments_of(spec) for path in _places(environment))


def _places(environment: Environment) -> tuple[Path, ...]:
    built = environment.built()
    return (environment.folder, *environment.files, *((Path(built["base"]),) if built else ()))
