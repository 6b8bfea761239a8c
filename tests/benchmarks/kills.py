"""A run killed with -9 at random moments and started again each time ends as an unbroken one.

    python tests/benchmarks/kills.py --kills 20 -- --method constant,spatial_mtl --split external_cv

What stands after ``--`` is given to `bench run`. A kill comes uniformly between ``--from`` and ``--to``
seconds after the start; a run that ends before it ends the series.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from bench.store.store import PREDICTIONS


def command(store: Path, words: list[str]) -> list[str]:
    """The run, into a store."""
    return [sys.executable, "-m", "bench", "run", *words, "--store", str(store), "--format", "json"]


def stored(store: Path) -> pd.DataFrame:
    """Every prediction of a store."""
    paths = sorted(store.glob(f"cells/*/*/*/*/{PREDICTIONS}"))
    tables = [pd.read_parquet(path).assign(cell="/".join(path.parts[-4:-1])) for path in paths]
    return pd.concat(tables).set_index(["cell", "task", "case_id"]).sort_index()


def killed_after(seconds: float, asked: list[str]) -> bool:
    """Start the run, kill it after so long; False where it ended before."""
    process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def main() -> None:
    """Print how often it was killed and the largest difference."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=float, default=4.0, dest="first")
    parser.add_argument("--to", type=float, default=40.0, dest="last")
    parser.add_argument("--unbroken", type=Path, help="store of an unbroken run; what it lacks is run first")
    parser.add_argument("words", nargs="+")
    asked = parser.parse_args()
    moments = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = asked.unbroken or Path(folder, "whole"), Path(folder, "broken")
        started = time.monotonic()
        subprocess.run(command(whole, asked.words), check=True, capture_output=True)
        print(f"unbroken: {time.monotonic() - started:.0f} s", flush=True)
        kills = 0
        while kills < asked.kills:
            after = moments.uniform(asked.first, asked.last)
            if not killed_after(after, command(broken, asked.words)):
                break
            kills += 1
            done = len(list(broken.glob(f"cells/*/*/*/*/{PREDICTIONS}")))
            print(f"kill {kills} after {after:.1f} s: {done} cells done", flush=True)
        subprocess.run(command(broken, asked.words), check=True, capture_output=True)
        one, other = stored(whole), stored(broken)
        assert one.index.equals(other.index), "the cells or cases differ"
        gap = (one["prediction"] - other["prediction"]).abs().max()
        print(f"{kills} kills, {len(one)} predictions, largest difference {gap:g}")


if __name__ == "__main__":
    main()
