"""The process of a method: forked before any case is known, fenced before any plugin is loaded.

Two processes share a cell. The one that was handed the whole cohort keeps it, and writes the result; it asks
the other to fit and predict, and answers what that one asks for: crops, and the test cases once the method is
fitted. What comes from the method's side is JSON, and is checked: nothing of it is ever run.
"""

import faulthandler
import json
import logging
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings, described_rows, is_content
from bench.errors import CohortError, MachineError
from bench.files import cache_dir, names_file
from bench.imaging.crop import Crop
from bench.methods.containers import Ended as ProgramEnded
from bench.methods.containers import Order
from bench.methods.method import Progress
from bench.methods.registry import load_plugin_files
from bench.methods.threads import thread_limits
from bench.running.cell_output import logging_to, output_to, reporter
from bench.running.containers import end_containers, program_ended
from bench.running.desk import Desk
from bench.running.executors.process_tree import end_descendants
from bench.running.fence.fence import FENCES, Sealed, raise_fence
from bench.running.fence.reach import REACH, Reach
from bench.running.fit_predict import Assignment, Ended, Outcome, attempt
from bench.running.handed import HandedCohort, StoredCrops
from bench.running.run_cell import Performed, PlannedCell, inner_parts
from bench.running.sandbox import fenced
from bench.store.store import FAILURES, LOG, OK, PROGRESS, SCRATCH
from bench.tuning.objective import Inner

TEMPORARY = "tmp"


@dataclass(frozen=True)
class Enclosure:
    """Where methods are held.

    Parameters
    ----------
    reach
        What every method of the run may reach, beside its own cases and folder.
    strongest
        The fence that is wanted.
    plugins
        Plugin files that the process loads inside the fence.
    caches
        Folders where the method keeps what it computed of the cohort, by the row of the method.
    environments
        Folders of the environments of the method's own, by the row of the method.
    """

    reach: Reach
    strongest: Sealed
    plugins: tuple[str, ...]
    caches: Mapping[str, tuple[Path, ...]]
    environments: Mapping[str, tuple[Path, ...]]


class Job(NamedTuple):
    """What the process of a method is told before it raises its fence."""

    assignment: Assignment
    enclosure: Enclosure
    store: Path
    view: Path
    named: tuple[Path, ...]


class MethodProcess(NamedTuple):
    """The process of a method and the pipe to it."""

    pid: int
    pipe: Connection

    def perform(self, enclosure: Enclosure, planned: PlannedCell, report: Progress) -> Performed:
        """How the method ended, and the fence that held it; ends this process as the method ended its own."""
        cohort, store = planned.cohort, planned.store
        shows = "volumes" in planned.variant.spec.needs and cohort.has_volumes
        further = tuple(name for name in planned.variant.spec.images if name in cohort.images[1:])
        desk = Desk(cohort, planned.fold, shows, store.view_folder(planned.cell), further)
        desk.open()
        for folder in enclosure.caches[planned.cell.method]:
            folder.mkdir(parents=True, exist_ok=True)
        assignment = _assignment(desk, planned)
        hidden = (store.folder, cohort.folder, *cohort.sources, cache_dir())
        named = _files_named(planned.variant.params.values(), hidden)
        named += enclosure.environments[planned.cell.method]
        job = Job(assignment, enclosure, store.folder, desk.view, named)
        try:
            self.pipe.send_bytes(pickle.dumps(job))
            return self._answer(desk, planned)
        except (EOFError, ConnectionError):
            _end_as(self.pid)
        finally:  # what the method has started could change what is written next
            end_descendants(os.getpid())
            end_containers(planned)
            desk.close()

    def _answer(self, desk: Desk, planned: PlannedCell) -> Performed:
        """Answer what the method's side asks until it reports the end."""
        sealed = _fence_named(json.loads(self.pipe.recv_bytes())["sealed"])
        while True:
            said = json.loads(self.pipe.recv_bytes())
            if said["asks"] == "end":
                return Performed(_ended(said), sealed, desk.given())
            if said["asks"] == "test":
                self.pipe.send_bytes(pickle.dumps(desk.test()))
            elif said["asks"] == "program":
                self.pipe.send_bytes(json.dumps(program_ended(planned, said)).encode())
            elif said["asks"] == "radiomics":
                self.pipe.send_bytes(json.dumps(_radiomics(desk, said)).encode())
            else:
                self.pipe.send_bytes(json.dumps(_crops(desk, said)).encode())


def fork_method_process(others: Connection) -> MethodProcess:
    """Fork the process of a method; ``others`` is the pipe of this process, which the new one closes."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid:
        theirs.close()
        return MethodProcess(pid, ours)
    code = 1
    try:
        ours.close()
        others.close()
        _work(theirs)
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


# The side that knows every case.


def _assignment(desk: Desk, planned: PlannedCell) -> Assignment:
    known, fold = desk.learning(), desk.fold
    parts = [
        Inner(*(known.take(cases.case_ids) for cases in (part.train, part.val, part.evaluated)))
        for part in inner_parts(planned)
    ]
    train, val, compute = known.take(fold.train), known.take(fold.val), planned.compute
    return Assignment(
        planned.cell, planned.variant, train, val, parts, compute.device, compute.threads, planned.work_folder
    )


def _files_named(values: Iterable[Any], hidden: Iterable[Path]) -> tuple[Path, ...]:
    """Files that hyperparameters name, such as weights or a program, but for those in hidden folders."""
    texts = [text for value in values for text in (value if isinstance(value, tuple) else (value,))]
    named = [Path(text).resolve() for text in texts if isinstance(text, str) and names_file(text)]
    closed = [folder.resolve() for folder in hidden]
    return tuple(path for path in named if not any(path.is_relative_to(folder) for folder in closed))


def _crops(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where the crops that were asked for lie, or why there are none."""
    try:
        crop = Crop(asked["size_mm"], asked["spacing_mm"], tuple(asked["channels"]))
        path, case_ids = desk.crops(crop, bool(asked["tested"]))
        images = desk.images(crop, bool(asked["tested"]))
    except (CohortError, MachineError) as error:
        return _refusal(error)
    return {"path": str(path), "images": None if images is None else str(images), "case_ids": case_ids}


def _radiomics(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where the features that were asked for lie, or why there are none."""
    try:
        settings = RadiomicsSettings.from_json(asked["settings"])
        if not is_content(settings.radiomics_file):
            raise CohortError("a parameter file was named by its path, expected what it holds")
        path, table = desk.radiomics(settings, bool(asked["tested"]))
    except (CohortError, MachineError) as error:
        return _refusal(error)
    return {"path": str(path), **described_rows(table)}


def _refusal(error: Exception) -> dict[str, Any]:
    return {"error": str(error), "machine": isinstance(error, MachineError)}


def _ended(said: Mapping[str, Any]) -> Ended:
    """The end that the method's side reports, of the types that a record has."""
    if said["status"] != OK:
        return Ended(next(status for status in FAILURES if status == said["status"]), str(said["reason"]))
    found = said["outcome"]
    return Ended(
        OK,
        outcome=Outcome(
            test={str(task): np.array(values, float) for task, values in found["test"].items()},
            val={str(task): np.array(values, float) for task, values in found["val"].items()},
            fit_seconds=float(found["fit_seconds"]),
            predict_seconds=float(found["predict_seconds"]),
            fit_cpu_seconds=float(found["fit_cpu_seconds"]),
            peak_memory_mb=int(found["peak_memory_mb"]),
            parameters=None if found["parameters"] is None else int(found["parameters"]),
            tuning=dict(found["tuning"]),
        ),
    )


def _fence_named(name: str) -> Sealed:
    return next(fence for fence in FENCES if fence == name)


def _end_as(pid: int) -> NoReturn:
    """End this process with the exit code or the signal of another that has ended."""
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:  # this process is being ended, and the method's was before it
        status = signal.SIGKILL
    end_descendants(os.getpid())
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        faulthandler.disable()
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


# The side of the method.


def _work(pipe: Connection) -> None:
    """Wait for a job, raise the fence, and have the method do it."""
    try:
        job: Job = pickle.loads(pipe.recv_bytes())
    except EOFError:  # the run has ended without a cell for this process
        return
    _close_inherited(pipe)
    assignment, enclosure = job.assignment, job.enclosure
    work = assignment.work
    _set_temporary(work / SCRATCH / TEMPORARY)
    with output_to(work / LOG), logging_to(logging.FileHandler(work / LOG, encoding="utf-8")):
        reach = _reach(job)
        sealed = raise_fence(reach, enclosure.strongest)
        if sealed != "no":  # a Python that the method starts raises its own fence too
            os.environ[REACH] = json.dumps(asdict(reach), default=str)
        pipe.send_bytes(json.dumps({"sealed": sealed}).encode())
        load_plugin_files(map(Path, enclosure.plugins))
        counter = _Counter(pipe)
        with fenced(job.store, work), thread_limits(assignment.threads):
            ended = attempt(counter.supply(assignment), counter.test, reporter(work / PROGRESS))
    counter.say({"asks": "end", **asdict(ended)})  # said last: it ends this process, and the log is whole


def _close_inherited(pipe: Connection) -> None:
    """Put nothing in the place of what the server, the run and its terminal had open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in [int(path.name) for path in Path("/dev/fd").iterdir()]:
        if number not in (nothing, pipe.fileno()):
            with suppress(OSError):
                os.fstat(number)
                os.dup2(nothing, number, inheritable=number <= 2)
    os.close(nothing)


def _set_temporary(folder: Path) -> None:
    folder = folder.absolute()  # programs that a method starts may work in another folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def _reach(job: Job) -> Reach:
    """The reach of the run's methods, with the cases and folders of this one."""
    shared, assignment = job.enclosure.reach, job.assignment
    writable = (*shared.writable, assignment.work, *job.enclosure.caches[assignment.cell.method])
    return replace(shared, readable=(*shared.readable, job.view, *job.named), writable=writable)


class _Counter:
    """Asks the side that knows every case, one question at a time."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.lock = threading.Lock()

    def supply(self, assignment: Assignment) -> Assignment:
        """The assignment, whose cases ask here for their crops."""
        known = self._asking(tested=False)
        return replace(
            assignment,
            starter=self.start,
            train=known(assignment.train),
            val=known(assignment.val),
            parts=[
                Inner(known(part.train), known(part.val), known(part.evaluated)) for part in assignment.parts
            ],
        )

    def start(self, order: Order) -> ProgramEnded:
        """How a program in a container ended, which the other side runs."""
        asked = {"image": order.image, "within": str(order.within), "command": order.command}
        return ProgramEnded(**self._answer({"asks": "program", **asked, "told": dict(order.told)}))

    def test(self) -> Cohort:
        """The blind test cases; the method is fitted."""
        with self.lock:
            self.say({"asks": "test"})
            cases: HandedCohort = pickle.loads(self.pipe.recv_bytes())
        return self._asking(tested=True)(cases)

    def say(self, what: Mapping[str, Any]) -> None:
        """Send a question or the end."""
        self.pipe.send_bytes(json.dumps(what, default=_plain).encode())

    def _asking(self, tested: bool) -> Callable[[Cohort], Cohort]:
        """What has cases ask here for the crops of the test cases, or of the others."""

        def crops(crop: Crop) -> StoredCrops:
            found = self._answer({"asks": "crops", "tested": tested, **asdict(crop)})
            images = None if found["images"] is None else _opened(found["images"])
            return StoredCrops(tuple(found["case_ids"]), _opened(found["path"]), images)

        def radiomics(settings: RadiomicsSettings) -> pd.DataFrame:
            found = self._answer({"asks": "radiomics", "tested": tested, "settings": settings.to_json()})
            values = np.load(found["path"], allow_pickle=False)
            return pd.DataFrame(values, index=found["case_ids"], columns=found["columns"])

        return lambda cases: replace(cases, ask_crops=crops, ask_radiomics=radiomics)  # type: ignore[call-arg]

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the other side answers; raises CohortError or MachineError where it is an error."""
        with self.lock:
            self.say(question)
            found: dict[str, Any] = json.loads(self.pipe.recv_bytes())
        if "error" in found:
            raise (MachineError if found["machine"] else CohortError)(found["error"])
        return found


def _opened(path: str) -> np.ndarray:
    return np.asarray(np.load(path, mmap_mode="r").view(np.ndarray))


def _plain(value: Any) -> Any:
    """A value of NumPy as JSON has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
