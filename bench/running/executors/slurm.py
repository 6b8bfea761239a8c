"""Cells in jobs of a Slurm cluster: arrays of `bench worker`, one array for each kind of resources."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, StoreError, UsageError, parameter
from bench.running.executors.batch import Work
from bench.running.monitor import RunView
from bench.running.queue import Pending
from bench.store.claims import owner_of
from bench.store.store import Store

JOBS = "slurm"
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_QUEUE_LOOKS = 10.0
REQUEUES = 10
# How a job ends that its node, or one of more weight, has ended; Slurm requeues it where that is allowed.
ENDED_BY_THE_CLUSTER = ("NODE_FAIL", "PREEMPTED", "BOOT_FAIL")
SUBMISSIONS_AGAIN = 3
DEFAULT_RESOURCES: Mapping[str, Any] = {"minutes": 24 * 60, "memory_gb": 0, "gpus": 0}
# Beside the defaults, words of sbatch that submitit passes on.
PASSED_ON = ("partition", "account", "qos", "constraint", "exclude", "nice")


@dataclass(frozen=True)
class ClusterWorker:
    """What a job calls; submitit keeps it in a file and, where the job's time ends, requeues it."""

    store: Path
    plan: str
    methods: tuple[str, ...]
    retry: tuple[str, ...]

    def __call__(self, number: int) -> int:
        """Run cells until none is left."""
        from bench.running.worker import work_on

        return work_on(self.store, self.plan, methods=self.methods, retry=self.retry, quiet=True)

    def checkpoint(self, number: int) -> Any:
        """What to submit when the time is over: the same, which goes on from the checkpoints of its cells."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, number)


def run_on_slurm(
    work: Work, plan: str, resources: Mapping[str, Any], retry: Sequence[str], view: RunView
) -> None:
    """Submit workers and watch the store until their cells have ended.

    An interrupt leaves the jobs running; ``bench status`` finds them, and the same command watches again.

    Raises
    ------
    BenchError
        All jobs have gone and cells are left, as after ``scancel``. Where nodes failed or jobs were
        preempted, they are submitted again first, up to :data:`SUBMISSIONS_AGAIN` times.
    UsageError
        There is no Slurm here, or the resources have an unknown key.
    """
    if not work.cells:
        return
    if not _queued(work.store, plan):
        submit(work, plan, resources, retry, view)
    try:
        _watch(work, plan, view, lambda: submit(work, plan, resources, retry, view))
    except KeyboardInterrupt:
        view.say("the jobs go on without this command; `bench status` shows them, `scancel` ends them")
        raise


def submit(
    work: Work, plan: str, resources: Mapping[str, Any], retry: Sequence[str], view: RunView
) -> list[str]:
    """Submit up to ``work.jobs`` workers for each kind of resources; ids of the jobs."""
    ids: list[str] = []
    for needs, methods in _by_resources(work, resources):
        cells = [cell for cell in work.cells if cell.method in methods]
        worker = ClusterWorker(work.store.folder.resolve(), plan, methods, tuple(retry))
        executor = _executor(work, needs)
        jobs = _submitted(executor, worker, min(work.jobs, len(cells)))
        ids += [job.job_id for job in jobs]
        view.say(
            f"submitted {len(jobs)} jobs for {', '.join(methods)}: {', '.join(job.job_id for job in jobs)}"
        )
    work.store.put_text(f"{JOBS}/{plan}.json", json.dumps(ids) + "\n")
    return ids


def _submitted(executor: Any, worker: ClusterWorker, number: int) -> list[Any]:
    try:
        return list(executor.map_array(worker, range(number)))
    except Exception as error:  # submitit's own errors are of several kinds
        remedy = "see [resources] of the experiment's file"
        raise BenchError(f"Slurm takes no job for {', '.join(worker.methods)}: {error}; {remedy}") from error


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


def _watch(work: Work, plan: str, view: RunView, submit_again: Callable[[], object]) -> None:
    pending = Pending(work.store, work.cells, view.end)
    begun: set[str] = set()
    looked, gone, submissions = time.monotonic(), False, 0
    while pending.drop_ended():
        for cell in pending.waiting:
            if cell.id not in begun and owner_of(work.store.claims, cell.id):
                begun.add(cell.id)
                view.begin(cell)
        if gone:
            _require_infrastructure_failure(work, plan, len(pending.waiting), submissions)
            submissions += 1
            view.say(f"the cluster has ended the jobs; submission {submissions} of {SUBMISSIONS_AGAIN} more")
            submit_again()
            looked, gone = time.monotonic(), False
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if time.monotonic() - looked > SECONDS_BETWEEN_QUEUE_LOOKS:
            looked, gone = time.monotonic(), not _queued(work.store, plan)


def _require_infrastructure_failure(work: Work, plan: str, left: int, submissions: int) -> None:
    """Raise BenchError unless a job of the plan was ended by the cluster, and not too often."""
    ends = ends_of_jobs(jobs_of(work.store, plan)).values()
    if submissions < SUBMISSIONS_AGAIN and set(ends) & set(ENDED_BY_THE_CLUSTER):
        return
    said = f" ({', '.join(sorted(set(ends)))})" if ends else ""
    raise BenchError(
        f"no job is left{said} and {left} cells are not run: they were cancelled or failed to start, see "
        f"{work.store.folder / JOBS}; the same command submits them again"
    )


def _by_resources(work: Work, resources: Mapping[str, Any]) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """Resources with the rows that need them."""
    shared = {key: value for key, value in resources.items() if not isinstance(value, Mapping)}
    kinds: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
    for label in dict.fromkeys(cell.method for cell in work.cells):
        own = resources.get(work.variants[label].spec.name, {})
        needs = {**DEFAULT_RESOURCES, **shared, **own}
        for key in needs:
            if key not in DEFAULT_RESOURCES and key not in PASSED_ON:
                known = ", ".join((*DEFAULT_RESOURCES, *PASSED_ON))
                raise UsageError(
                    f"unknown key in [resources]: {key!r}; there are {known}, and names of methods"
                )
        key = json.dumps(needs, sort_keys=True)
        kinds[key] = (needs, (*kinds.get(key, (needs, ()))[1], label))
    return list(kinds.values())


def _executor(work: Work, needs: Mapping[str, Any]) -> Any:
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
    asked = {"mem": f"{needs['memory_gb']}GB"} if needs["memory_gb"] else {}
    asked |= {"gpus_per_node": needs["gpus"]} if needs["gpus"] else {}
    executor.update_parameters(
        job_name="bench",
        time=int(needs["minutes"]),
        cpus_per_task=work.compute.threads,
        array_parallelism=work.jobs,
        additional_parameters={"requeue": True},
        **asked,
        **{key: needs[key] for key in PASSED_ON if key in needs},
    )
    return executor
