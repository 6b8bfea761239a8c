"""How busy a cluster's slots are with short cells: on a made clock, or in jobs of the Slurm of this machine.

    python -m tests.benchmarks.cluster_slots --cells 10000 --slots 50
    python -m tests.benchmarks.cluster_slots --slurm 500 --seconds 1.5

On the made clock parcels, claims, records and looks at the store are real, the cells and the scheduler's
delays are not: a cell takes what was thought, times a log-normal factor. Busy is the time in which cells run,
as a share of slots times the time until the last cell ends; what a preempted cell has to do again is not.
``--slurm`` runs cells that sleep, and looks each second at which slots have a job and a cell.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import bench.store.store as store_module
from bench.running.estimate import Needs
from bench.running.executors.slurm import JOBS, job_states, jobs_of
from bench.running.parcels import parcelled
from bench.store.claims import claimed
from bench.store.store import RECORD, Store
from tests.benchmarks.figure import Figure, tell
from tests.running.fake_cluster import Cluster, Delays, made_cells, made_record

LEAST_BUSY = 0.9
SPREAD = 0.5
SLEEPER = """
from dataclasses import dataclass
import time
import numpy as np
from bench import MethodSpec, hookimpl

@hookimpl
def bench_methods():
    return [MethodSpec("sleeper", f"{{__name__}}:Sleeper", "", needs=())]

@dataclass
class Sleeper:
    def fit(self, train, val, run):
        time.sleep({seconds})
        return self
    def predict(self, cohort):
        return {{task.name: np.full(len(cohort), 0.5) for task in cohort.tasks}}
"""


def simulated(cells: int, slots: int, seconds: float, preempted: float) -> tuple[float, float, int]:
    """Share of busy slots, share of lost work, and how many records were read a cell."""
    rng, made = np.random.default_rng(0), made_cells(methods=10, seeds=cells // 50)
    believed = {f"m{number:03d}": seconds * (1 + number) / 5.5 for number in range(10)}
    takes = {cell.id: believed[cell.method] * rng.lognormal(0, SPREAD) for cell in made}
    needs = {name: Needs(value) for name, value in believed.items()}
    nothing = {"minutes": 0, "memory_gb": 0, "gpus": 0}
    read, ours = [0], store_module.read_record

    def counted(folder: Path) -> object:
        read[0] += 1
        return ours(folder)

    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Store(Path(folder)), takes, slots, Delays(preempted=preempted), rng, made_record())
        store_module.read_record = counted  # type: ignore[assignment]
        parcels = parcelled(made, needs, nothing, slots)
        end = cluster.run(parcels)
        store_module.read_record = ours
    assert cluster.runs == {cell.id: 1 for cell in made}
    print(f"{len(made)} cells of about {seconds:g} s on {slots} slots, {preempted:.0%} of jobs preempted:")
    print(f"  {len(parcels)} parcels, the last cell ends after {end:,.0f} s")
    return cluster.busy / (slots * end), sum(lost for _, lost in cluster.lost) / cluster.busy, read[0]


def in_slurm(cells: int, seconds: float, slots: int) -> tuple[float, float, int]:
    """Share of slots with a job and with a cell, from looks each second, and how many cells ended well."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        plugin, store = Path(folder, "sleeper_in_jobs.py"), Path(folder, "store")
        plugin.write_text(SLEEPER.format(seconds=seconds))
        seeds = ",".join(map(str, range(cells // 5)))
        asked = ["run", "--method", "sleeper", "--plugin", str(plugin), "--cohort", "phantom-tiny", "--seeds"]
        asked += [seeds, "--split", "internal_cv", "--store", str(store), "--no-contract", "--format", "json"]
        asked += ["--device", "cpu", "--executor", "slurm", "--jobs", str(slots)]
        run = subprocess.Popen([sys.executable, "-m", "bench", *asked], stdout=subprocess.DEVNULL)
        with_job, with_cell = [], []
        while run.poll() is None:
            jobs = [job for path in store.glob(f"{JOBS}/*.json") for job in jobs_of(Store(store), path.stem)]
            states = list(job_states(jobs).values())
            if states:
                with_job.append(states.count("RUNNING"))
                with_cell.append(len(claimed(store / "claims")))
            time.sleep(1)
        records = [json.loads(path.read_text()) for path in store.glob(f"cells/*/*/*/*/{RECORD}")]
    print(f"{len(with_job)} looks, {len(jobs)} jobs")
    return np.mean(with_job) / slots, np.mean(with_cell) / slots, sum(r["status"] == "ok" for r in records)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--slurm", type=int, default=0)
    asked = parser.parse_args()
    if asked.slurm:
        job, cell, ok = in_slurm(asked.slurm, asked.seconds, 2)
        print(f"slots with a job {job:.1%}, with a cell {cell:.1%}; {ok} of {asked.slurm} cells ok")
        return
    what = f"slots busy with {asked.cells} short cells"
    for preempted, limit in ((0.0, LEAST_BUSY), (0.1, None)):
        share, lost, read = simulated(asked.cells, asked.slots, asked.seconds, preempted)
        print(f"  busy {share:.1%}, lost {lost:.2%}, {read / asked.cells:.2f} records read a cell")
        name = f"{what}, {preempted:.0%} of jobs preempted"
        tell(Figure(name, "", share, limit=limit, at_least=True))


if __name__ == "__main__":
    main()
