"""A worker of a planned store: it claims cells until none is left; the one mechanism for every scheduler."""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from bench.errors import StoreError
from bench.running.cores import crowded, jobs_named
from bench.running.executors.processes import run_in_workers
from bench.running.monitor import run_view
from bench.running.plan import make_plan
from bench.running.stored_plan import stored_plan
from bench.running.verdicts import with_verdicts
from bench.store.cell import Cell
from bench.store.store import Store


def work_on(
    folder: Path,
    plan: str = "",
    jobs: int | str = 1,
    methods: Collection[str] = (),
    cells: Collection[str] = (),
    retry: Collection[str] = (),
    quiet: bool = False,
    helps: Callable[[], bool] = lambda: False,
) -> int:
    """Run cells of a stored plan until none is left that nobody holds; how many that it ran have failed.

    Parameters
    ----------
    folder
        The run store.
    plan
        Beginning of the plan's name; the last plan where it is empty.
    methods
        Rows whose cells to take; all where there are none.
    cells
        Ids of the cells to take, where it has a parcel of its own; it then waits for those that others hold,
        such as a job before it that was ended, and reads no record but theirs.
    helps
        Asked when its cells have ended: whether to take further ones that nobody holds and none has run.
    retry
        Statuses of failed cells that run again.

    Raises
    ------
    StoreError
        The cells that follow from the experiment here are not those of the plan: another version of the
        program, a plugin or the cohort.
    """
    stored = stored_plan(Store(folder), plan)
    planned = make_plan(replace(stored.experiment, store=str(folder)), quiet)
    foreign = {cell.id for cell in stored.cells} ^ {cell.id for cell in planned.every_cell}
    if foreign:
        raise StoreError(
            f"{len(foreign)} cells of plan {stored.id} are not those that the same experiment has here: the "
            "cohort, a plugin or the program has changed since; run `bench run` again to plan anew"
        )
    threads, device = planned.compute.threads, planned.compute.device
    at_once = jobs_named(jobs, threads, stored.experiment.memory_limit, device)
    wanted = planned.to_run(retry, cells)[0]
    todo = _in_order([cell for cell in wanted if not methods or cell.method in methods], cells)
    with run_view(len(todo), quiet, planned.store) as view:
        if (warning := crowded(at_once, threads)) is not None:
            view.say(warning)
        work = planned.work(todo, at_once, patient=bool(cells))
        work = with_verdicts(work, stored.experiment, view.say)
        run_in_workers(work, view)
        if cells and helps():
            left = (cell for cell in planned.every_cell if planned.store.written(cell) is None)
            run_in_workers(replace(work, cells=tuple(left), patient=False), view)
        return view.failed


def _in_order(found: list[Cell], ids: Collection[str]) -> list[Cell]:
    """Cells in the order of a parcel; as they are where there is none."""
    place = {name: at for at, name in enumerate(ids)}
    return sorted(found, key=lambda cell: place.get(cell.id, 0))
