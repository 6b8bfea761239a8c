"""The side doors of the system are shut too, and what a method leaves lying harms nobody who comes next."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.cohorts.cohort import Cohort
from bench.running.fence import landlock, seccomp
from bench.store.store import Store
from tests.running.breakouts import SLEEPER, WAYS

PLUGIN = Path(__file__).with_name("breakouts.py")
# Native code is not asked by a fence of Python's own, and one process there is as good as another.
BY_THE_KERNEL_ALONE = (
    *("traces_the_run", "copies_memory_of_the_run", "signals_the_run", "opens_by_handle"),
    *("loads_a_program_into_the_kernel", "reads_the_kernels_log", "leaves_notes_in_priorities"),
    *("leaves_notes_in_dates", "leaves_notes_in_modes"),
)
REFUSED = (
    *("walks_through_the_root_of_the_run", "reads_the_kernels_memory", "inherits_files"),
    *("leaves_notes_in_attributes", "leaves_notes_in_limits"),
)
# Cells that run at the same moment see each other's names; the page on the fence says so.
OPEN = ("reads_what_others_are_called", "opens_files_of_the_run")
LEAVE_SOMETHING = (
    *("leaves_a_daemon", "leaves_many_daemons", "hands_in_its_own_predictions"),
    *("swaps_the_progress_for_a_pipe", "swaps_the_progress_for_an_endless_file"),
)
ENDS_ITSELF = "swaps_the_log_for_a_link"


def run(store: Path, fence: str, methods: tuple[str, ...], *words: str) -> dict[str, tuple[str, str]]:
    """Status and reason of each method after a run of them, which nothing holds up."""
    asked = ["run", "--executor", "workers", "--method", ",".join(methods), "--plugin", str(PLUGIN)]
    asked += ["--cohort", "phantom-tiny", "--split", "external_frozen", "--device", "cpu"]
    asked += ["--no-contract", "--store", str(store), *words]
    environment = {**os.environ, "BENCH_FENCE": fence}
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *asked], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return {record.method: (record.status, record.reason) for _, record in Store(store).records()}


@pytest.fixture(scope="module", params=["kernel", "python"])
def tried(
    request: pytest.FixtureRequest, tiny: Cohort, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, tuple[str, str]]]:
    """A store after a run of every way."""
    if platform.machine() != "x86_64" or (request.param == "kernel" and landlock.version() < 6):
        pytest.skip("this kernel has no Landlock that keeps signals in, or other numbers of its calls")
    store = tmp_path_factory.mktemp("tried")
    return request.param, store, run(store, request.param, ("constant", *WAYS))


def test_every_way_is_judged_here() -> None:
    judged = (*BY_THE_KERNEL_ALONE, *REFUSED, *OPEN, *LEAVE_SOMETHING, ENDS_ITSELF)
    assert sorted(judged) == sorted(WAYS)


@pytest.mark.slow
def test_a_side_door_is_shut(tried: tuple[str, Path, dict[str, tuple[str, str]]]) -> None:
    fence, _, rows = tried
    for way in (*REFUSED, *(BY_THE_KERNEL_ALONE if fence == "kernel" else ())):
        status, reason = rows[way]
        refused = reason.startswith(("PermissionError", "FileNotFoundError: [Errno 2] No such file or dir"))
        assert status == "failed" and refused, (way, status, reason)


@pytest.mark.slow
def test_what_a_method_leaves_lying_ends_with_its_cell(
    tried: tuple[str, Path, dict[str, tuple[str, str]]],
) -> None:
    _, store, rows = tried
    assert {way: rows[way] for way in LEAVE_SOMETHING} == dict.fromkeys(LEAVE_SOMETHING, ("ok", ""))
    assert {record.status for _, record in Store(store).records()} <= {"ok", "failed", "crashed", "machine"}
    left = [process.info for process in psutil.process_iter(["cmdline", "cwd"])]
    assert not [found for found in left if found["cmdline"] == ["sleep", SLEEPER]]
    assert not [found for found in left if Path(found["cwd"] or "/").is_relative_to(store)]


@pytest.mark.slow
def test_a_log_that_leads_elsewhere_is_not_written_to(
    tried: tuple[str, Path, dict[str, tuple[str, str]]],
) -> None:
    fence, store, _ = tried
    (store / "not-mine.txt").write_text("mine\n")
    for _ in range(2):
        run(store, fence, (ENDS_ITSELF,), "--retry", "crashed,machine")
    assert (store / "not-mine.txt").read_text() == "mine\n"


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_the_filter_refuses_pretends_and_allows_what_it_says(name: str) -> None:
    machine = seccomp.MACHINES[name]
    assert {judged(machine, number) for number in machine.refused} == {seccomp.REFUSE}
    assert {judged(machine, number) for number in machine.pretended} == {seccomp.PRETEND}
    assert {judged(machine, number) for number in machine.of_itself} == {seccomp.ALLOW}
    assert {judged(machine, number, first=7) for number in machine.of_itself} == {seccomp.REFUSE}
    named = {*machine.refused, *machine.pretended, *machine.of_itself}
    others = [number for number in range(500) if number not in named]
    assert {judged(machine, number) for number in others} == {seccomp.ALLOW}
    assert judged(machine, others[0], audit=machine.audit ^ 1) == seccomp.REFUSE
    assert judged(machine, seccomp.SECOND_TABLE + others[0]) == seccomp.REFUSE


def judged(machine: seccomp.Machine, number: int, first: int = 0, audit: int | None = None) -> int:
    """What the filter says of a call, read as the kernel reads it."""
    data = {
        seccomp.PROCESSOR: machine.audit if audit is None else audit,
        seccomp.NUMBER: number,
        seccomp.FIRST_ARGUMENT: first,
    }
    program, at, held = seccomp._filter(machine), 0, -1
    while program[at].code != 0x06:
        step = program[at]
        at += 1
        if step.code == 0x20:
            held = data[step.k]
        else:
            met = held == step.k if step.code == 0x15 else held >= step.k
            at += step.yes if met else step.no
    return int(program[at].k)
