"""For authors of methods: the contract suite that ours pass too, and tiny synthetic cohorts."""

import inspect
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.phantom import SCENARIOS, make_phantom
from bench.errors import PluginError
from bench.method import Method, MethodSpec, Predictions, Run
from bench.predictions import long_predictions
from bench.registry import build, load_registry, method_class, parameters, search_space, unavailable_reason

QUICK = {"epochs": 1, "pretrain_epochs": 0}
TOLERANCE = 1e-4
PICKLE_OPCODE = b"\x80"


@dataclass(frozen=True)
class Check:
    """One clause of the contract and whether a method keeps it."""

    clause: str
    kept: bool
    detail: str = ""


def tiny_cohort(folder: Path, cases: int = 12, seed: int = 0) -> Cohort:
    """A synthetic cohort of a few cases at two internal sites, written into ``folder``."""
    sites = list(SCENARIOS["phantom-tiny"].counts)[:2]
    counts = {sites[0]: cases - cases // 2, sites[1]: cases // 2}
    make_phantom(
        "phantom-tiny", folder / "cohort", folder / "oracle.csv", seed=seed, workers=1, counts=counts
    )
    return load_folder(folder / "cohort")


def check_method(
    name: str, params: Mapping[str, Any] | None = None, plugins: Iterable[Path] = (), cases: int = 12
) -> None:
    """Assert that a method keeps every clause of the contract; for use in tests.

    Parameters
    ----------
    name
        Name of the method, as ``bench methods`` lists it.
    params
        Hyperparameters; those that take long (``epochs``) are made small unless given here.
    plugins
        Local plugin files.
    cases
        Size of the synthetic cohort.

    Raises
    ------
    AssertionError
        Names every clause that is broken, and how.
    """
    spec = load_registry(plugins).spec(name)
    broken = [check for check in contract_checks(spec, params, cases) if not check.kept]
    assert not broken, "\n".join(f"{name}: {its.clause}: {its.detail}" for its in broken)


def contract_checks(
    spec: MethodSpec, params: Mapping[str, Any] | None = None, cases: int = 12
) -> list[Check]:
    """Every clause of the contract, checked on a tiny synthetic cohort.

    Raises
    ------
    PluginError
        The method cannot run in this environment.
    """
    reason = unavailable_reason(spec)
    if reason is not None:
        raise PluginError(f"method {spec.name!r} {reason}")
    with tempfile.TemporaryDirectory() as name, _own_cache(Path(name)):
        folder = Path(name)
        subject = _Subject(spec, _quick(spec, params or {}), tiny_cohort(folder, cases), folder)
        clauses: list[tuple[str, Callable[[_Subject], str]]] = [
            ("shapes and ranges are as declared", _shapes),
            ("the same seed gives the same numbers", _same_seed),
            ("one case at a time equals the batch", _one_at_a_time),
            ("altering test labels on disk changes nothing", _blind_to_disk),
            ("missing labels are survived", _missing_labels),
            ("save and load give the same predictions, without pickle", _save_and_load),
            ("the search space holds the defaults", _search_space),
        ]
        return [_checked(clause, test, subject) for clause, test in clauses]


@dataclass(frozen=True)
class _Subject:
    """A method under test with the cohort it is tested on."""

    spec: MethodSpec
    params: Mapping[str, Any]
    cohort: Cohort
    folder: Path

    def parts(self, cohort: Cohort) -> tuple[Cohort, Cohort, Cohort]:
        """Training, validation and blind test cases."""
        ids = cohort.case_ids
        third = len(ids) // 3
        train, val, test = ids[2 * third :], ids[third : 2 * third], ids[:third]
        return cohort.take(train), cohort.take(val), cohort.take(test).blind()

    def fitted(self, train: Cohort, val: Cohort) -> Method:
        """A fresh method, fitted."""
        scratch = Path(tempfile.mkdtemp(dir=self.folder))
        return build(self.spec, self.params).fit(train, val, Run(0, "cpu", 1, scratch))

    def predicted(self, cohort: Cohort) -> tuple[Method, Cohort, Predictions]:
        """A method fitted on the cohort's parts, the blind test part and its predictions."""
        train, val, test = self.parts(cohort)
        method = self.fitted(train, val)
        return method, test, self.checked(method, test)

    def checked(self, method: Method, test: Cohort) -> Predictions:
        """Predictions, checked as the harness checks them."""
        returned = method.predict(test)
        long_predictions(self.spec.name, returned, test, 0, 0)
        return {task: np.asarray(values, dtype=float) for task, values in returned.items()}


def _checked(clause: str, test: Callable[[_Subject], str], subject: _Subject) -> Check:
    try:
        return Check(clause, True, test(subject))
    except Exception as error:  # a stranger's method may raise anything
        return Check(clause, False, f"{type(error).__name__}: {error}")


def _shapes(subject: _Subject) -> str:
    subject.predicted(subject.cohort)
    return ""


def _same_seed(subject: _Subject) -> str:
    _, _, first = subject.predicted(subject.cohort)
    _, _, second = subject.predicted(subject.cohort)
    _assert_equal(first, second, 0.0, "two runs with one seed differ")
    return ""


def _one_at_a_time(subject: _Subject) -> str:
    method, test, batch = subject.predicted(subject.cohort)
    single = [subject.checked(method, test.take([case_id])) for case_id in test.case_ids]
    joined = {task: np.concatenate([one[task] for one in single]) for task in batch}
    _assert_equal(batch, joined, TOLERANCE, "a case's prediction depends on the cases beside it")
    return ""


def _blind_to_disk(subject: _Subject) -> str:
    _, test, before = subject.predicted(subject.cohort)
    path = subject.cohort.folder / "cases.csv"
    original = path.read_bytes()
    try:
        _alter_labels(path, subject.cohort, set(test.case_ids))
        _, _, after = subject.predicted(load_folder(subject.cohort.folder))
    finally:
        path.write_bytes(original)
    _assert_equal(before, after, 0.0, "predictions follow the labels of test cases")
    return ""


def _alter_labels(path: Path, cohort: Cohort, test: set[str]) -> None:
    cases = pd.read_csv(path, dtype={"case_id": str})
    rows = cases["case_id"].isin(test)
    for task in cohort.tasks:
        low, high = task.bounds
        cases.loc[rows, task.name] = (low + high) - cases.loc[rows, task.name]
    cases.to_csv(path, index=False)


def _missing_labels(subject: _Subject) -> str:
    table = subject.cohort.table.copy()
    names = [task.name for task in subject.cohort.tasks]
    table.loc[table.index[1::3], names] = np.nan
    table[names[-1]] = np.nan
    table[names[0]] = 1.0
    subject.predicted(replace(subject.cohort, table=table))
    return ""


def _save_and_load(subject: _Subject) -> str:
    cls = method_class(subject.spec)
    if not (hasattr(cls, "save") and hasattr(cls, "load")):
        return "not offered"
    method, test, before = subject.predicted(subject.cohort)
    folder = subject.folder / "saved"
    folder.mkdir()
    method.save(folder)  # type: ignore[attr-defined]
    pickled = [path.name for path in folder.rglob("*") if path.is_file() and _is_pickle(path)]
    assert not pickled, f"{pickled[0]} holds a pickle; use safetensors, JSON or the library's own format"
    after = subject.checked(cls.load(folder), test)
    _assert_equal(before, after, 0.0, "a loaded method predicts otherwise")
    return ""


def _search_space(subject: _Subject) -> str:
    offered = getattr(method_class(subject.spec), "search_space", None)
    if offered is None:
        return "not offered"
    search_space(subject.spec, parameters(subject.spec))
    return ""


def _quick(spec: MethodSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    fields = inspect.signature(method_class(spec)).parameters
    quick = {name: value for name, value in QUICK.items() if name in fields}
    return parameters(spec, {**quick, **params})


def _assert_equal(first: Predictions, second: Predictions, tolerance: float, complaint: str) -> None:
    for task in first:
        scale = max(1.0, float(np.abs(first[task]).max(initial=0.0)))
        gap = float(np.abs(first[task] - second[task]).max(initial=0.0))
        assert gap <= tolerance * scale, f"{complaint}: task {task!r}, by {gap:.2g}"


def _is_pickle(path: Path) -> bool:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    with path.open("rb") as file:
        return file.read(1) == PICKLE_OPCODE


@contextmanager
def _own_cache(folder: Path) -> Iterator[None]:
    """Keep crops of the tiny cohort out of the user's cache."""
    before = os.environ.get("BENCH_CACHE")
    os.environ["BENCH_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        if before is None:
            del os.environ["BENCH_CACHE"]
        else:
            os.environ["BENCH_CACHE"] = before
