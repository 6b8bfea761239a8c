"""One method, clause by clause, in this process."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cohorts.folder import load_folder
from bench.methods.contract.catalogue import clause_named
from bench.methods.contract.clause import Breach, Check, Clause, NotAsked
from bench.methods.contract.cohort import copied_cohort, part_of_cohort
from bench.methods.contract.subject import THREADS, Origin, Subject, quick_parameters
from bench.methods.method import MethodSpec
from bench.methods.parameters import method_class
from bench.methods.source import definition_of, place_of
from bench.methods.threads import thread_limits


@dataclass(frozen=True)
class Order:
    """What is to be checked.

    Parameters
    ----------
    spec, params
        The method, and hyperparameters that differ from the spec's.
    codes
        Codes of the clauses.
    cases
        Size of the synthetic cohort; a third of them is tested.
    device
        ``cpu`` or ``cuda``.
    origin
        How a fresh process comes to the method.
    cohort
        Folder of a cohort to check on, of which so many cases are taken; None for synthetic cases.
    """

    spec: MethodSpec
    params: Mapping[str, Any]
    codes: tuple[str, ...]
    cases: int
    device: str
    origin: Origin
    cohort: Path | None = None


@contextmanager
def subject_of(order: Order) -> Iterator[Subject]:
    """The method with a cohort of its own, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-check-") as name:
        folder = Path(name)
        copy = folder / "cohort"
        cohort = (
            copied_cohort(copy, order.cases, order.spec)
            if order.cohort is None
            else part_of_cohort(order.cohort, copy, order.cases)
        )
        params = quick_parameters(order.spec, order.params)
        with own_cache(folder):
            yield Subject(order.spec, params, cohort, folder, order.device, order.origin)


def judged(order: Order) -> Iterator[Check]:
    """Whether the method keeps each clause, one by one."""
    with subject_of(order) as subject:
        yield from judged_clauses(map(clause_named, order.codes), subject)


def judged_clauses(clauses: Iterable[Clause], subject: Subject) -> Iterator[Check]:
    """Whether the subject keeps these clauses."""
    for clause in clauses:
        with thread_limits(THREADS):
            yield _checked(clause, subject)


def predicted_alone(
    spec: MethodSpec, params: Mapping[str, Any], cohort: Path, folder: Path, device: str, origin: Origin
) -> Any:
    """Test predictions of one fit on a cohort folder, with nothing fitted before."""
    subject = Subject(spec, params, load_folder(cohort), folder, device, origin)
    with own_cache(folder), thread_limits(THREADS):
        return subject.batch


def _checked(clause: Clause, subject: Subject) -> Check:
    try:
        clause.check(subject)
    except NotAsked as reason:
        return Check(clause.code, clause.title, True, str(reason))
    except Breach as breach:
        return Check(
            clause.code,
            clause.title,
            False,
            str(breach),
            definition_of(method_class(subject.spec), clause.where),
        )
    except (Exception, SystemExit) as error:  # a stranger's method may raise anything
        place = place_of(error, subject.spec) or definition_of(method_class(subject.spec), clause.where)
        return Check(clause.code, clause.title, False, _told(error), place)
    return Check(clause.code, clause.title, True)


def _told(error: BaseException) -> str:
    """The error with what was tried."""
    notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"


@contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Keep crops of the synthetic cohort out of the user's cache."""
    before = os.environ.get("BENCH_CACHE")
    os.environ["BENCH_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        if before is None:
            del os.environ["BENCH_CACHE"]
        else:
            os.environ["BENCH_CACHE"] = before
