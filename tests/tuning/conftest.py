import sys
from pathlib import Path
from typing import Any

import pytest

from bench.cohorts.cohort import Cohort
from bench.methods.registry import load_registry
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.split import Split
from tests.tuning.tunable import bench

PLUGIN = '''
"""Methods that are tuned in tests, and that break where a test asks for it."""
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec
from bench.methods.search_space import Categorical, Float, Int

STEPS = 4
# A registry loads the file anew; events: (name of a trial's folder, step) -> what happens there.
STATE = sys.modules.setdefault("tunable_state", SimpleNamespace(seen=[], events={}))

@hookimpl
def bench_methods():
    return [
        MethodSpec("tunable", f"{__name__}:Tunable", summary="all to tune", needs=(), cost=Cost(0.1)),
        MethodSpec("tunable_b", f"{__name__}:Tunable", summary="a variant", params={"kind": "b"}, needs=()),
        MethodSpec("narrow", f"{__name__}:Narrow", summary="defaults outside", needs=()),
    ]

@dataclass
class Tunable:
    shift: float = 0.9
    power: int = 1
    kind: str = "a"

    @classmethod
    def search_space(cls):
        return {"shift": Float(0.0, 1.0), "power": Int(1, 3), "kind": Categorical(("a", "b"))}

    def fit(self, train, val, run):
        STATE.seen.append((run.workdir, train.case_ids, val.case_ids))
        trial, done = run.workdir.parent.name, run.workdir / "checkpoint"
        first = int(done.read_text()) if done.exists() else 0
        for step in range(first, STEPS):
            if (trial, step) in STATE.events:
                STATE.events[trial, step]()
            if os.environ.get("WAIT_AT") == f"{trial}:{step}":
                Path(os.environ["WAIT_FILE"]).touch()
                time.sleep(60)
            run.report(step + 1, STEPS, -abs(self.shift - 0.3) + 0.01 * step)
            done.write_text(str(step + 1))
        self.noise = np.random.default_rng(run.seed).random() + np.random.random()
        return self

    def predict(self, cohort):
        STATE.seen.append((None, cohort.case_ids, cohort.is_blind))
        size = np.array([sum(map(ord, its)) for its in cohort.case_ids]) * (3 + self.power) % 17 / 17
        chance = np.clip(abs(size - self.shift) + 0.001 * self.noise, 0, 1)
        return {task.name: chance if task.kind == "binary" else 60 * chance for task in cohort.tasks}

@dataclass
class Narrow(Tunable):
    shift: float = 2.0
'''


@pytest.fixture(scope="session")
def plugin_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugins") / "tunable_plugin.py"
    path.write_text(PLUGIN)
    load_registry([path])
    return path


@pytest.fixture(autouse=True)
def plugin(plugin_file: Path) -> Any:
    """What the plugin's methods have seen, nothing yet, and what shall happen to them."""
    state: Any = sys.modules["tunable_state"]
    state.seen.clear()
    state.events.clear()
    return state


@pytest.fixture(scope="session")
def split(tiny: Cohort) -> Split:
    return make_split(tiny, load_split_config("internal_cv"))


@pytest.fixture(scope="session")
def store(plugin_file: Path, tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a tuned method, its defaults and one that cannot be tuned, made by the command line."""
    folder = tmp_path_factory.mktemp("tuned") / "runs"
    done = bench(
        *("run", "--method", "constant,tunable", "--plugin", str(plugin_file), "--trials", "3"),
        *("--split", "internal_cv", "--device", "cpu", "--quiet"),
        store=folder,
    )
    assert "tunable[trials=3]" in done
    return folder
