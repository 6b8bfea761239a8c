"""A method by command whose program runs in a container."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.errors import PluginError, UsageError
from bench.methods.command import SCRIPTS, CommandMethod
from bench.methods.containers import Order, Starter, run_contained
from bench.methods.method import Method, MethodSpec, Run

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Contained(CommandMethod):
    """Fits and predicts in a container of ``image``; the harness starts it, from outside of the fence."""

    image: str
    starter: Starter = staticmethod(run_contained)

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Let the program learn, see :meth:`CommandMethod.fit`."""
        self.starter = run.starter
        return super().fit(train, val, run)

    @classmethod
    def _require_program(cls, command: Sequence[str]) -> None:
        if not command:
            raise UsageError("command: none is given; name the program as the image has it")

    def _started(
        self, command: Sequence[str], folder: Path, told: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        limits = dict.fromkeys(THREADS, self._run.get("THREADS", "1"))
        device = self._run.get("DEVICE", "cpu")
        order = Order(self.image, folder, folder / SCRIPTS, tuple(command), {**limits, **told}, device)
        ended = self.starter(order)
        return subprocess.CompletedProcess(command, ended.code, ended.output, ended.errors)


def in_container(spec: MethodSpec, cls: type[Method]) -> type[Method]:
    """The class as its program is run in the image that the spec names.

    Raises
    ------
    PluginError
        It is no method by command.
    """
    if not issubclass(cls, CommandMethod):
        raise PluginError(
            f"method {spec.name!r}: container={spec.container!r}, but {spec.target} runs no command; "
            "libraries of a Python class go into MethodSpec(environment=...)"
        )
    made: Any = type(cls.__name__, (Contained, cls), {"image": spec.container, "__module__": cls.__module__})
    return made  # type: ignore[no-any-return]
