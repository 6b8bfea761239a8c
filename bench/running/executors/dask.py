"""Cells on the workers of a Dask scheduler: each parcel is a task that starts a worker of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UsageError, parameter
from bench.running.executors.batch import Work
from bench.running.executors.parcel_process import run_parcel
from bench.running.executors.watching import watch
from bench.running.experiment import Experiment
from bench.running.monitor import RunView
from bench.running.parcels import Parcel, parcels_of
from bench.store.cell import Cell

SECONDS_TO_CONNECT = 30


def run_on_dask(work: Work, plan: str, experiment: Experiment, retry: Sequence[str], view: RunView) -> None:
    """Hand parcels of cells to a Dask scheduler and watch the store until they have ended.

    The workers need the same installation and the store under the same path. A killed worker loses nothing:
    its task goes to another one, which takes over the claims. An interrupt drops the parcels that wait; those
    that run go on to their end.

    Raises
    ------
    BenchError
        The scheduler is not reached, or has given the tasks up and cells are left.
    UsageError
        Dask is not installed, or the resources have an unknown key.
    """
    if not work.cells:
        return
    with _client(experiment.scheduler) as client:
        tasks = _Tasks(client, work, plan, experiment, tuple(retry), view)
        tasks.submit(work.cells)
        watch(work, view, tasks.any_left, tasks.why_gone, tasks.submit)


@dataclass
class _Tasks:
    """Tasks of a run at a scheduler."""

    client: Any
    work: Work
    plan: str
    experiment: Experiment
    retry: tuple[str, ...]
    view: RunView
    futures: list[Any] = field(default_factory=list)

    def submit(self, cells: Sequence[Cell]) -> None:
        """Parcel cells for as many slots as the workers have threads, and hand them over."""
        slots = max(self.work.jobs, sum(self.client.nthreads().values()))
        kinds = parcels_of(replace(self.work, cells=tuple(cells)), self.experiment.resources, slots)
        self.futures = [self._task(parcel) for parcels in kinds for parcel in parcels]
        where = self.experiment.scheduler
        self.view.say(f"handed {len(cells)} cells in {len(self.futures)} parcels to {where}")

    def _task(self, parcel: Parcel) -> Any:
        ids = tuple(cell.id for cell in parcel.cells)
        store = str(Path(self.work.store.folder).resolve())
        gpus = parcel.resources["gpus"]
        return self.client.submit(
            run_parcel,
            (store, self.plan, parcel.at_once, ids, self.retry),
            pure=False,
            resources={"GPU": gpus} if gpus else None,
        )

    def any_left(self) -> bool:
        """Whether a task waits or runs."""
        return any(not future.done() for future in self.futures)

    def why_gone(self) -> tuple[bool, str]:
        """Whether workers were lost, and what the first task that failed says."""
        errors = [future.exception() for future in self.futures if future.status == "error"]
        lost = [error for error in errors if type(error).__name__ == "KilledWorker"]
        return bool(lost), f" ({errors[0]})" if errors else ""


def _client(address: str) -> Any:
    """A connection to the scheduler."""
    try:
        import distributed
    except ImportError:
        raise UsageError(
            f"{parameter('executor', 'dask')} needs distributed: pip install 'dcebench[dask]'"
        ) from None
    where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        return distributed.Client(**where, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise BenchError(f"no Dask scheduler answers at {address}: {error}") from error
