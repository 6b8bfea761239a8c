"""A method whose class works in another Python: asked over lines of JSON, handed arrays by file."""

import json
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

import bench
from bench.cohorts.radiomics import RadiomicsSettings, described_rows
from bench.errors import CohortError, MachineError, PluginError
from bench.imaging.crop import Crop
from bench.methods.environments.building import ready
from bench.methods.environments.cases import described_cases
from bench.methods.environments.environment import Environment, environment_of
from bench.methods.method import Method, MethodSpec, Predictions, Progress, Run
from bench.methods.source import module_file

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.imaging.crops import Crops

PACKAGE = Path(bench.__file__).parent
WORKER = PACKAGE / "running" / "elsewhere" / "worker.py"
# Of these the process of a method would see what belongs to this Python.
FOREIGN = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
# Crops that are written at a time.
AT_ONCE = 64
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

log = logging.getLogger(__name__)


class Elsewhere:
    """Fits and predicts in the environment of ``spec``; the rest is the author's class, mixed in.

    The process starts when the method is fitted or loaded, and ends with the method.
    """

    spec: MethodSpec

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Fit in the other Python."""
        params = {one.name: getattr(self, one.name) for one in fields(self) if one.init}  # type: ignore[arg-type]
        process = self._started(run.threads)
        tuples = [name for name, value in params.items() if isinstance(value, tuple)]
        process.ask({"do": "make", "params": params, "tuples": tuples}, {})
        told = {"seed": run.seed, "device": run.device, "threads": run.threads, "workdir": str(run.workdir)}
        process.ask({"do": "fit", "run": told}, {"train": train, "val": val}, run.report)
        return self

    def predict(self, cohort: "Cohort") -> Predictions:
        """Ask the fitted method in the other Python."""
        found = self._process.ask({"do": "predict"}, {"cohort": cohort})
        return {task: np.load(path, allow_pickle=False) for task, path in found.items()}

    def _started(self, threads: int) -> "Process":
        environment = environment_of(self.spec)
        assert environment is not None
        ready(environment)
        object.__setattr__(self, "_process", Process(environment, self.spec, threads))
        return self._process

    _process: "Process"


class Saved(Elsewhere):
    """The same for a class that saves and loads."""

    def save(self, folder: Path) -> None:
        """Have it saved from the other Python."""
        self._process.ask({"do": "save", "folder": str(folder.absolute())}, {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load it in the other Python; the fields come back as they were saved."""
        method = cls.__new__(cls)
        found = method._started(threads=1).ask({"do": "load", "folder": str(folder.absolute())}, {})
        for name, value in found.items():
            object.__setattr__(method, name, value)
        return method


class Counted(Elsewhere):
    """The same for a class that counts its parameters."""

    def count_parameters(self) -> int:
        """Trained parameters, counted in the other Python."""
        return int(self._process.ask({"do": "count"}, {}))


class Explained(Elsewhere):
    """The same for a class that explains."""

    def explain(self, cohort: "Cohort") -> np.ndarray:
        """Heat maps of the other Python, shape (case, z, y, x)."""
        path = self._process.ask({"do": "explain"}, {"cohort": cohort})
        return np.asarray(np.load(path, allow_pickle=False))


def in_environment(spec: MethodSpec, cls: type[Method]) -> type[Method]:
    """The class as it is used here: its hyperparameters, and ``fit`` and ``predict`` that work elsewhere."""
    offered = {"load": Saved, "count_parameters": Counted, "explain": Explained}
    mixed = [part for verb, part in offered.items() if hasattr(cls, verb)]
    return type(cls.__name__, (*mixed, Elsewhere, cls), {"spec": spec, "__module__": cls.__module__})


class Process:
    """The process of a fitted method in another Python."""

    def __init__(self, environment: Environment, spec: MethodSpec, threads: int) -> None:
        self.environment, self.spec = environment, spec
        self.folder = Path(tempfile.mkdtemp(prefix="environment-")).absolute()
        module = module_file(spec)
        assert module is not None
        place = _root(module, spec.target.partition(":")[0])
        command = [
            str(environment.interpreter),
            "-I",
            "-u",
            str(WORKER),
            str(PACKAGE),
            str(place),
            spec.target,
        ]
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, **dict.fromkeys(THREADS, str(threads))},
            text=True,
            encoding="utf-8",
        )
        self.ends = weakref.finalize(self, _end, self.popen, self.folder)

    def ask(
        self, request: Mapping[str, Any], cohorts: Mapping[str, "Cohort"], report: Progress | None = None
    ) -> Any:
        """What the other side answers; cases go along by file, and its questions are answered meanwhile.

        Raises
        ------
        PluginError
            The method raised an error, which the message names, or ended its process.
        """
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        cases = {name: described_cases(cohort) for name, cohort in cohorts.items()}
        self._say({**request, "cases": cases, "answers": str(folder)})
        while True:
            said = self._heard()
            if "done" in said:
                return said["done"]
            if "failed" in said:
                raise _raised(said)
            self._say(_answer(said, cohorts, folder, report))

    def _say(self, what: Mapping[str, Any]) -> None:
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.write(f"{json.dumps(what, default=_plain)}\n")
            self.popen.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _heard(self) -> dict[str, Any]:
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        if not line:
            raise self._ended()
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _ended(self) -> PluginError:
        code = self.popen.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return PluginError(
            f"the process of its environment ended ({how}); its last words are in the cell's log"
        )


def _answer(
    said: Mapping[str, Any], cohorts: Mapping[str, "Cohort"], folder: Path, report: Progress | None
) -> dict[str, Any]:
    """What the other side asked for: crops or features of cases that it was handed, by file."""
    if said["asks"] == "report":
        if report is not None:
            report(said["step"], said["total"], said["score"])
        return {}
    path = folder / f"asked-{len(list(folder.iterdir()))}.npy"
    try:
        if said["asks"] == "radiomics":
            table = cohorts[said["of"]].radiomics(RadiomicsSettings.from_json(said["settings"]))
            np.save(path, table.to_numpy(dtype=float), allow_pickle=False)
            return {"path": str(path), **described_rows(table)}
        crop = Crop(said["size_mm"], said["spacing_mm"], tuple(said["channels"]))
        _write_crops(cohorts[said["of"]].crops(crop), path)
    except (CohortError, MachineError) as error:
        return {"error": str(error), "machine": isinstance(error, MachineError)}
    return {"path": str(path)}


def _write_crops(crops: "Crops", path: Path) -> None:
    """Write crops as they are read, a few cases at a time."""
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=crops.shape)
    for first in range(0, len(crops), AT_ONCE):
        written[first : first + AT_ONCE] = crops[first : first + AT_ONCE]
    written.flush()


def _raised(said: Mapping[str, Any]) -> Exception:
    """The error of the other side, as this side can have it."""
    log.error("%s", said["traceback"])
    kind, message = said["failed"], said["message"]
    if kind in ("MemoryError", "OutOfMemoryError"):
        return MemoryError(message)
    return PluginError(f"{kind}: {message}")


def _root(file: Path, module: str) -> Path:
    """The folder from which a module is imported."""
    depth = module.count(".") + (file.name == "__init__.py")
    return file.resolve().parents[depth]


def _plain(value: Any) -> Any:
    """A value of NumPy as JSON has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _end(popen: "subprocess.Popen[str]", folder: Path) -> None:
    popen.kill()
    popen.wait()
    for pipe in (popen.stdin, popen.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    shutil.rmtree(folder, ignore_errors=True)
