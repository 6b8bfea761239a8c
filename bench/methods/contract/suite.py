"""The check of a method: its clauses in a process of their own, each within a limit of time."""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import PluginError
from bench.methods.contract.catalogue import CLAUSES, clause_named
from bench.methods.contract.clause import Check
from bench.methods.contract.judge import Order, judged
from bench.methods.contract.subject import WORKER, Origin
from bench.methods.local import LocalMethod
from bench.methods.method import MethodSpec
from bench.methods.parameters import method_class
from bench.methods.registry import unavailable_reason
from bench.methods.source import definition_of, module_file

CASES = 36
SECONDS = 120.0
# Imports and the rendering of the cohort, which are no clause's.
START_SECONDS = 600.0
POLL_SECONDS = 0.05


def contract_checks(
    spec: MethodSpec,
    params: Mapping[str, Any] | None = None,
    cases: int = CASES,
    plugins: Iterable[Path] = (),
    device: str = "cpu",
    seconds: float = SECONDS,
    codes: Iterable[str] = (),
    cohort: Path | None = None,
) -> Iterator[Check]:
    """The clauses of the contract, checked one by one on a small synthetic cohort.

    Who needs no more may stop.

    A method that a notebook or script defines is checked in this process, where no limit of time holds.

    Parameters
    ----------
    params
        Hyperparameters; those that take long (``epochs``) are made small unless given here.
    cases
        Size of the synthetic cohort; a third of it is tested.
    plugins
        Plugin files that the method's process loads.
    device
        ``cpu`` or ``cuda``.
    seconds
        Longest time of a clause; one that takes longer is broken.
    codes
        The clauses to check; all where there are none.
    cohort
        Folder of a cohort of which so many cases are taken in place of synthetic ones.

    Raises
    ------
    PluginError
        The method cannot run in this environment.
    """
    if (reason := unavailable_reason(spec)) is not None:
        raise PluginError(f"method {spec.name!r} {reason}")
    wanted = tuple(codes) or tuple(clause.code for clause in CLAUSES)
    order = Order(spec, params or {}, wanted, cases, device, _origin(spec, plugins), cohort)
    yield from judged(order) if isinstance(spec, LocalMethod) else _in_processes(order, seconds)


def quick_codes() -> tuple[str, ...]:
    """Codes of the clauses that are checked before a run."""
    return tuple(clause.code for clause in CLAUSES if clause.quick)


def distinct_faults(checks: Iterable[Check]) -> list[Check]:
    """The checks, where what broke several clauses in the same way is told once."""
    seen: dict[str, str] = {}
    found: list[Check] = []
    for check in checks:
        first = seen.setdefault(check.detail, check.code) if not check.kept else check.code
        found.append(check if first == check.code else replace(check, detail=f"as {first}"))
    return found


def _origin(spec: MethodSpec, plugins: Iterable[Path]) -> Origin:
    """Where another process finds the method: a plugin file that was loaded by its path is named too."""
    files = [str(Path(plugin).resolve()) for plugin in plugins]
    file = module_file(spec)
    if (
        file is not None
        and "." not in spec.target.partition(":")[0]
        and file.parent not in map(Path, sys.path)
    ):
        files.append(str(file.resolve()))
    return Origin(tuple(sys.path), tuple(dict.fromkeys(files)))


def _in_processes(order: Order, seconds: float) -> Iterator[Check]:
    """Checks of a process, and of another that goes on where the first was ended by a clause."""
    left = list(order.codes)
    while left:
        for check in _in_a_process(replace(order, codes=tuple(left)), seconds):
            left.remove(check.code)
            yield check


def _in_a_process(order: Order, seconds: float) -> Iterator[Check]:
    """Checks until all are done or the process ends; the clause that ended it is broken."""
    left = list(order.codes)
    with tempfile.TemporaryDirectory(prefix="bench-check-") as name:
        asked, answers, log = (Path(name) / part for part in ("order", "answers", "log"))
        asked.write_bytes(pickle.dumps(order))
        answers.touch()
        with log.open("wb") as output:
            command = [sys.executable, "-m", WORKER, "check", str(asked), str(answers)]
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            for line in _lines(process, answers, seconds):
                check = Check(**json.loads(line))
                left.remove(check.code)
                yield check
            if left:
                yield _ended(left[0], definition_of(method_class(order.spec), "fit"), process, log, seconds)
        finally:
            _end(process)


def _lines(process: "subprocess.Popen[bytes]", answers: Path, seconds: float) -> Iterator[str]:
    """Lines as they are written, until the process ends or, once it is ready, writes none for so long."""
    with answers.open(encoding="utf-8") as file:
        last, limit = time.monotonic(), START_SECONDS
        while time.monotonic() - last < limit:
            running = process.poll() is None
            if line := file.readline():
                last, limit = time.monotonic(), seconds
                if line.strip():
                    yield line
            elif not running:
                return
            else:
                time.sleep(POLL_SECONDS)


def _ended(code: str, place: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float) -> Check:
    """The check of a clause that ended its process, or took too long."""
    title = clause_named(code).title
    if process.poll() is None:
        return Check(code, title, False, f"took longer than {seconds:g} s", place)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    last = f": {said[0]}" if said else ""
    return Check(code, title, False, f"ended its process (exit code {process.returncode}){last}", place)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process with its session."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
