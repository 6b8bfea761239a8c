"""Environments of methods: built before a run's first cell, as no method may reach an index."""

from collections.abc import Callable
from pathlib import Path

from bench.errors import MachineError
from bench.methods.environments.building import environments_of, ready
from bench.methods.environments.environment import Environment
from bench.methods.method import MethodSpec
from bench.running.executors.batch import Work


def prepare_environments(work: Work, say: Callable[[str], None]) -> None:
    """Build what the methods of these cells need; a failure is said, and the row of the method has it.

    Parameters
    ----------
    say
        Is told before an environment is built, and why one cannot be.
    """
    for method in {cell.method: None for cell in work.cells}:
        for environment in environments_of(work.variants[method].spec):
            try:
                ready(environment, say)
            except MachineError as error:
                say(f"{method}: {error}")


def places_of(spec: MethodSpec) -> tuple[Path, ...]:
    """What a method reads of its environments, and of those of its members, wherever they lie."""
    return tuple(path for environment in environments_of(spec) for path in _places(environment))


def _places(environment: Environment) -> tuple[Path, ...]:
    built = environment.built()
    return (environment.folder, *environment.files, *((Path(built["base"]),) if built else ()))
