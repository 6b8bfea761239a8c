"""Cells in jobs of a Slurm cluster: an array for each kind of resources, a job for each parcel of cells."""

import json
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError, StoreError, UsageError, parameter
from bench.running.executors.batch import Work
from bench.running.executors.watching import watch
from bench.running.monitor import RunView
from bench.running.parcels import PASSED_ON, Parcel, parcels_of
from bench.store.cell import Cell
from bench.store.store import Store

JOBS = "slurm"
REQUEUES = 10
# How a job ends that its node, or one of more weight, has ended; Slurm requeues it where that is allowed.
ENDED_BY_THE_CLUSTER = ("NODE_FAIL", "PREEMPTED", "BOOT_FAIL")


@dataclass(frozen=True)
class ClusterWorker:
    """What a job calls; submitit keeps it in a file and, where the job's time ends, requeues it."""

    store: Path
    plan: str
    retry: tuple[str, ...]

    def __call__(self, at_once: int, cells: Collection[str]) -> int:
        """Run the cells of a parcel, so many at a time; then help the jobs that run, where none waits."""
        from bench.running.worker import work_on

        def none_waits() -> bool:
            return "PENDING" not in _queued(Store(self.store), self.plan).values()

        return work_on(
            self.store, self.plan, at_once, cells=cells, retry=self.retry, quiet=True, helps=none_waits
        )

    def checkpoint(self, at_once: int, cells: Collection[str]) -> Any:
        """What to submit when the time is over: the same, which goes on from the checkpoints of its cells."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, at_once, cells)


def run_on_slurm(
    work: Work, plan: str, resources: Mapping[str, Any], retry: Sequence[str], view: RunView
) -> None:
    """Submit parcels of cells as jobs and watch the store until they have ended.

    An interrupt leaves the jobs running; ``bench status`` finds them, and the same command watches again.

    Raises
    ------
    BenchError
        All jobs have gone and cells are left, as after ``scancel``. Where nodes failed or jobs were
        preempted, what is left is submitted again first, so often.
    UsageError
        There is no Slurm here, or the resources have an unknown key.
    """
    if not work.cells:
        return

    def submit_left(cells: Sequence[Cell]) -> None:
        submit(replace(work, cells=tuple(cells)), plan, resources, retry, view)

    store = work.store
    if not _queued(store, plan):
        submit_left(work.cells)
    try:
        watch(work, view, lambda: bool(_queued(store, plan)), lambda: _why_gone(store, plan), submit_left)
    except KeyboardInterrupt:
        view.say("the jobs go on without this command; `bench status` shows them, `scancel` ends them")
        raise


def submit(
    work: Work, plan: str, resources: Mapping[str, Any], retry: Sequence[str], view: RunView
) -> list[str]:
    """Submit an array for each kind of resources, of which ``work.jobs`` jobs run at a time; their ids."""
    ids: list[str] = []
    worker = ClusterWorker(work.store.folder.resolve(), plan, tuple(retry))
    for parcels in parcels_of(work, resources, work.jobs):
        jobs = _submitted(_executor(work, parcels[0]), worker, parcels)
        ids += [job.job_id for job in jobs]
        cells = [cell for parcel in parcels for cell in parcel.cells]
        methods = ", ".join(dict.fromkeys(cell.method for cell in cells))
        first, *_ = (job.job_id for job in jobs)
        view.say(f"submitted {len(jobs)} jobs, {first} the first, for {len(cells)} cells of {methods}")
    work.store.put_text(f"{JOBS}/{plan}.json", json.dumps(ids) + "\n")
    return ids


def _submitted(executor: Any, worker: ClusterWorker, parcels: Sequence[Parcel]) -> list[Any]:
    at_once = [parcel.at_once for parcel in parcels]
    cells = [tuple(cell.id for cell in parcel.cells) for parcel in parcels]
    try:
        return list(executor.map_array(worker, at_once, cells))
    except Exception as error:  # submitit's own errors are of several kinds
        methods = ", ".join({cell.method: None for parcel in parcels for cell in parcel.cells})
        remedy = "see [resources] of the experiment's file"
        raise BenchError(f"Slurm takes no job for {methods}: {error}; {remedy}") from error


def jobs_of(store: Store, plan: str) -> list[str]:
    """Ids of the jobs that were submitted last for a plan."""
    try:
        return [str(job) for job in json.loads((store.folder / JOBS / f"{plan}.json").read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise StoreError(f"{store.folder / JOBS / plan}.json cannot be read: {error}") from error


def job_states(ids: Sequence[str]) -> dict[str, str]:
    """State of each job that the queue knows, by id; an array's id stands for those that still wait."""
    if not ids or shutil.which("squeue") is None:
        return {}
    arrays = ",".join(sorted({job.partition("_")[0] for job in ids}))
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", "--format=%i %T", f"--jobs={arrays}"],
        capture_output=True,
        text=True,
        check=False,
    )
    states = dict(line.split(maxsplit=1) for line in listed.stdout.splitlines() if line.strip())
    return {job: states[job] for job in ids if job in states}


def ends_of_jobs(ids: Sequence[str]) -> dict[str, str]:
    """State in which each job has ended, by id, of those that Slurm still remembers (minutes)."""
    arrays = sorted({job.partition("_")[0] for job in ids})
    if shutil.which("scontrol") is None:
        return {}
    states: dict[str, str] = {}
    for array in arrays:
        told = subprocess.run(
            ["scontrol", "--oneliner", "show", "job", array], capture_output=True, text=True, check=False
        )
        for line in told.stdout.splitlines():
            said = dict(word.partition("=")[::2] for word in line.split())
            task = said.get("ArrayTaskId")
            name = f"{said.get('ArrayJobId')}_{task}" if task else said.get("JobId", "")
            states[name] = said.get("JobState", "")
    return {job: states[job] for job in ids if job in states}


def _queued(store: Store, plan: str) -> dict[str, str]:
    return job_states(jobs_of(store, plan))


def _why_gone(store: Store, plan: str) -> tuple[bool, str]:
    """Whether a job of the plan was ended by the cluster, and how they have ended in words."""
    ends = set(ends_of_jobs(jobs_of(store, plan)).values())
    said = "; ".join([", ".join(sorted(ends))] * bool(ends) + [f"see {store.folder / JOBS}"])
    return bool(ends & set(ENDED_BY_THE_CLUSTER)), f" ({said})"


def _executor(work: Work, parcel: Parcel) -> Any:
    """Who submits parcels that ask for the same."""
    try:
        import submitit
    except ImportError:
        raise UsageError(
            f"{parameter('executor', 'slurm')} needs submitit: pip install 'dcebench[cluster]'"
        ) from None
    try:
        executor = submitit.SlurmExecutor(work.store.folder / JOBS / "%j", max_num_timeout=REQUEUES)
    except RuntimeError as error:
        raise UsageError(f"there is no Slurm here: {error}") from error
    needs = parcel.resources
    asked = {"mem": f"{needs['memory_gb']}GB"} if needs["memory_gb"] else {}
    asked |= {"gpus_per_node": needs["gpus"]} if needs["gpus"] else {}
    executor.update_parameters(
        job_name="bench",
        time=int(needs["minutes"]),
        cpus_per_task=work.compute.threads * parcel.at_once,
        array_parallelism=work.jobs,
        additional_parameters={"requeue": True},
        **asked,
        **{key: needs[key] for key in PASSED_ON if key in needs},
    )
    return executor
