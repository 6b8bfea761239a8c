"""Every benchmark, one after the other: ours, the peer's, their ratio, the limit, and whether it is kept.

    python -m tests.benchmarks --quick
    python -m tests.benchmarks --only board_sizes,tuning_speed

Each script runs in a process of its own; ``--quick`` takes small sizes and leaves out what takes minutes.
Every run adds a line of JSON to a history file, with date, commit, machine and load. Seconds are of the
processor where a figure says CPU, so that a busy machine changes them little; take other figures on a quiet
one. Exits with 1 where a limit is missed or a script fails.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.files import cache_dir
from tests.benchmarks.figure import FIGURES, Figure, read

HISTORY = "benchmarks.jsonl"
HEADINGS = ("figure", "ours", "peer", "ratio", "limit", "verdict")


@dataclass(frozen=True)
class Script:
    """A module of this folder, with its arguments.

    Parameters
    ----------
    quick
        Arguments of a quick run; None where it takes minutes whatever they are.
    full
        Arguments otherwise.
    needs
        An environment variable without which it cannot run.
    """

    name: str
    quick: str | None = ""
    full: str = ""
    needs: str = ""


SCRIPTS = (
    Script("start_speed"),
    Script("board_speed"),
    Script("board_sizes", "--methods 20 --cases 300,600,1200 --growth", "--methods 100 --cases 1000"),
    Script("many_methods", "--methods 30 --cases 300"),
    Script("split_speed", "--cases 20000"),
    Script("tuning_speed", "--trials 60"),
    Script("crop_speed", "--files 2"),
    Script("crop_cache", "--cases 20 --added 2"),
    Script("check_speed", "--cases 6"),
    Script("radiomics_speed", "--exams 2"),
    Script("store_speed", "--cells 20 --stored 1000"),
    Script("cluster_slots", "--cells 2000 --slots 10"),
    Script("table_speed", "--rows 5000"),
    Script("import_many", None, "--studies 300"),
    Script("scale", None),
    Script("kills", None, "--kills 5 -- --method constant --split internal_cv --cohort phantom-tiny"),
    Script("rank_stability", None, "--seeds 3"),
    Script("audit_cost"),
    Script("audit_table", None),
    Script("predict_speed", None),
    Script("network_training", None, "phantom-tiny multi_task_cnn"),
    Script("classic_leaks", None, needs="BENCH_DATA"),
    Script("combat_sites", None, needs="BENCH_DATA"),
)


@dataclass(frozen=True)
class Outcome:
    """How a script ended, what it took, and what it measured."""

    name: str
    status: str
    seconds: float
    cpu: float
    figures: list[Figure]


def run(script: Script, quick: bool) -> Outcome:
    """Run a script; its own output goes to the terminal's error stream."""
    words = script.quick if quick else script.full
    if words is None:
        return Outcome(script.name, "left out: takes minutes", 0.0, 0.0, [])
    if script.needs and not os.environ.get(script.needs):
        return Outcome(script.name, f"left out: needs ${script.needs}", 0.0, 0.0, [])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "figures.jsonl")
        command = [sys.executable, "-m", f"tests.benchmarks.{script.name}", *words.split()]
        wall, cpu = time.monotonic(), _cpu_of_children()
        code = subprocess.run(
            command, stdout=sys.stderr, env={**os.environ, FIGURES: str(place)}, check=False
        ).returncode
        status = "ok" if code == 0 else f"failed with {code}"
        return Outcome(script.name, status, time.monotonic() - wall, _cpu_of_children() - cpu, read(place))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def keep(outcomes: Sequence[Outcome], history: Path, quick: bool) -> None:
    """Add a line to the history."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    line = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "quick": quick,
        "scripts": [asdict(outcome) for outcome in outcomes],
    }
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def main() -> int:
    """Run, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="scripts by name, with commas")
    parser.add_argument("--history", type=Path, default=cache_dir() / HISTORY)
    asked = parser.parse_args()
    wanted = asked.only.split(",") if asked.only else [script.name for script in SCRIPTS]
    if unknown := set(wanted) - {script.name for script in SCRIPTS}:
        parser.error(f"no script is called {', '.join(sorted(unknown))}")
    outcomes = []
    for script in SCRIPTS:
        if script.name in wanted:
            outcomes.append(run(script, asked.quick))
            one = outcomes[-1]
            print(f"{one.name}: {one.status}, {one.seconds:.0f} s, CPU {one.cpu:.0f} s", flush=True)
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    print()
    print(table([HEADINGS, *(figure.cells for figure in figures)]))
    keep(outcomes, asked.history, asked.quick)
    print(f"\nadded to {asked.history}")
    failed = any(outcome.status.startswith("failed") for outcome in outcomes)
    return int(failed or not all(figure.is_kept for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
