"""Each planted mistake breaks the clause that is meant for it, and honest methods keep every clause."""

import sys
from dataclasses import replace
from pathlib import Path

import pyarrow
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError, PluginError, UsageError
from bench.methods.contract.catalogue import CLAUSES, clause_named
from bench.methods.contract.clause import Check
from bench.methods.contract.cohort import part_of_cohort, tiny_cohort
from bench.methods.contract.judge import Order, judged, judged_clauses, subject_of
from bench.methods.contract.resources import together
from bench.methods.contract.subject import Origin
from bench.methods.contract.suite import SECONDS, contract_checks, distinct_faults, quick_codes
from bench.methods.method import MethodSpec
from bench.methods.threads import thread_limits
from tests.command import bench
from tests.methods.planted.catalogue import HERE, PLANTED, Planted

HONEST = MethodSpec("Volume", f"{HERE}.honest:Volume", "an honest method")
COVARIATES = MethodSpec(
    "Covariates", f"{HERE}.careless_learning:Covariates", "honest", needs=("clinical", "acquisition")
)


def check(spec: MethodSpec, codes: tuple[str, ...]) -> list[Check]:
    """The checks of these clauses, in the process of the test."""
    return list(judged(Order(spec, {}, codes, 36, "cpu", Origin(tuple(sys.path), ()))))


def named(planted: Planted) -> str:
    return planted.target.partition(":")[2]


@pytest.mark.slow
@pytest.mark.parametrize("planted", [one for one in PLANTED if one.code and not one.own_process], ids=named)
def test_a_planted_mistake_is_caught_by_its_clause(planted: Planted) -> None:
    (found,) = check(planted.spec, (planted.code,))
    assert not found.kept and found.detail


@pytest.mark.parametrize("planted", [one for one in PLANTED if one.own_process], ids=named)
@pytest.mark.slow
def test_a_mistake_that_outlives_a_fit_or_ends_the_process_is_caught(planted: Planted) -> None:
    longest = 10.0 if "Endless" in planted.target else SECONDS
    found = list(contract_checks(planted.spec, codes=(planted.code, "BC20"), seconds=longest))
    assert [(each.code, each.kept) for each in found] == [(planted.code, False), ("BC20", True)]


def test_mistakes_that_no_clause_can_catch_are_listed_with_the_reason() -> None:
    assert all(bool(planted.code) != bool(planted.why) for planted in PLANTED)
    assert len(PLANTED) >= 39


def test_every_clause_has_a_planted_mistake() -> None:
    assert {planted.code for planted in PLANTED} - {""} == {clause.code for clause in CLAUSES}


@pytest.mark.slow
@pytest.mark.parametrize("spec", [HONEST, COVARIATES], ids=lambda spec: spec.name)
def test_an_honest_method_keeps_every_clause(spec: MethodSpec) -> None:
    found = check(spec, tuple(clause.code for clause in CLAUSES))
    assert [each for each in found if not each.kept] == []


def test_codes_are_in_order_and_each_clause_says_why_how_and_what_to_do() -> None:
    assert [clause.code for clause in CLAUSES] == [f"BC{number:02d}" for number in range(1, 1 + len(CLAUSES))]
    for clause in CLAUSES:
        assert bench("check", "--explain", clause.code.lower()).stdout.strip() == clause.explanation()
    with pytest.raises(UsageError, match="unknown clause 'BC1'"):
        clause_named("BC1")


def test_what_breaks_several_clauses_is_told_once() -> None:
    checks = [Check("BC01", "a", False, "x"), Check("BC02", "b", False, "x"), Check("BC03", "c", True, "x")]
    assert [each.detail for each in distinct_faults(checks)] == ["x", "as BC01", "x"]


def test_an_error_is_told_with_the_line_of_the_method_that_raised_it() -> None:
    (found,) = check(next(one for one in PLANTED if "NeedsEveryLabel" in one.target).spec, ("BC13",))
    lines = (Path(__file__).parent / "planted" / "careless_learning.py").read_text().splitlines()
    line = 1 + next(at for at, text in enumerate(lines) if "contains NaN" in text)
    assert found.detail == "ValueError: Input y contains NaN."
    assert found.place == f"careless_learning.py:{line}"


def test_a_breach_is_told_with_the_function_that_it_is_about() -> None:
    planted = {one.target.partition(":")[2]: one for one in PLANTED}
    (found,) = check(planted["Ranked"].spec, ("BC04",))
    lines = (Path(__file__).parent / "planted" / "careless_predictions.py").read_text().splitlines()
    file, _, line = found.place.partition(":")
    assert file == "careless_predictions.py" and "def predict" in lines[int(line) - 1]


@pytest.mark.slow
def test_processes_that_a_method_declares_are_not_counted() -> None:
    program = MethodSpec("Busy", f"{HERE}.careless_saving:BusyProcesses", "", processes=("busy",))
    (undeclared,) = check(replace(program, processes=()), ("BC25",))
    (declared,) = check(program, ("BC25",))
    assert not undeclared.kept and declared.kept


def test_threads_count_that_compute_side_by_side_and_not_where_one_hands_on_to_another() -> None:
    ms = 1_000_000
    alone = [{"1": at * ms} for at in range(30)]
    waits_for_a_core_after_it_has_handed_on = [{"1": 30 * ms, "2": at * ms} for at in range(30)]
    at_once = [{"1": at * ms, "2": at * ms} for at in range(30)]
    another_joins = [{"1": at * ms, "2": at * ms, "3": at * ms} for at in range(30, 60)]
    by_turns = [look for pair in zip(at_once[::2], alone[::2], strict=True) for look in pair]
    assert together(alone + waits_for_a_core_after_it_has_handed_on) == 0
    assert together(by_turns) == 0
    assert together(alone + at_once) == 2
    assert together(alone + at_once + another_joins) == 3


def test_arrow_keeps_to_the_threads_of_a_cell() -> None:
    before = pyarrow.cpu_count(), pyarrow.io_thread_count()
    with thread_limits(1):
        assert (pyarrow.cpu_count(), pyarrow.io_thread_count()) == (1, 1)
    assert (pyarrow.cpu_count(), pyarrow.io_thread_count()) == before


@pytest.mark.slow
def test_a_method_that_reads_a_table_of_many_columns_keeps_the_clause_on_threads() -> None:
    assert all(found.kept for found in check(replace(HONEST, target=f"{HERE}.honest:Reader"), ("BC25",)))


def test_a_method_is_checked_on_cases_of_a_cohort_of_ones_own(tiny: Cohort, tmp_path: Path) -> None:
    order = Order(HONEST, {}, ("BC01", "BC11"), 24, "cpu", Origin(tuple(sys.path), ()), tiny.folder)
    with subject_of(order) as subject:
        assert len(subject.cohort) == 24 and set(subject.cohort.case_ids) < set(tiny.case_ids)
        assert list(subject.cohort.sites) != [] and subject.cohort.folder != tiny.folder
        assert all(found.kept for found in judged_clauses(map(clause_named, order.codes), subject))
    (tmp_path / "few").mkdir()
    with pytest.raises(CohortError, match="has 4 cases, expected at least 12"):
        part_of_cohort(tiny_cohort(tmp_path / "few", cases=4).folder, tmp_path / "part", 36)


def test_the_quick_clauses_are_a_part_of_all() -> None:
    codes = [clause.code for clause in CLAUSES]
    assert set(quick_codes()) < set(codes) and {"BC08", "BC09", "BC10"}.isdisjoint(quick_codes())


def test_a_method_that_cannot_run_here_is_not_checked() -> None:
    missing = MethodSpec("m", f"{HERE}.honest:Volume", "", requires={"no_such_module": "install it"})
    with pytest.raises(PluginError, match="install it"):
        list(contract_checks(missing))
