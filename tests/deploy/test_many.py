"""Many exams: part by part as at once, by several processes, and on from where a stop left them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.deploy.collect import bundle_of_store
from bench.deploy.many import PART, Question, kept_exams, predict_many
from bench.deploy.predict import loaded_models, predict_exams
from bench.inference import Bootstrap
from bench.methods.registry import load_registry
from bench.running.plan import Plan

pytestmark = pytest.mark.slow

# A method that takes a while for each part.
PLUGIN = """
import time
from dataclasses import dataclass

import numpy as np

from bench import MethodSpec, hookimpl


@dataclass
class Dawdling:
    def fit(self, train, val, run):
        return self

    def predict(self, cohort):
        if len(cohort) == {part}:
            time.sleep(0.5)
        return {{task.name: np.full(len(cohort), 0.25) for task in cohort.tasks}}

    def save(self, folder):
        (folder / "state.json").write_text("{{}}")

    @classmethod
    def load(cls, folder):
        return cls()


@hookimpl
def bench_methods():
    return [MethodSpec("dawdling", "dawdling:Dawdling", "Dawdles.", needs=("volumes",))]
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_parts_and_processes_change_no_number(planned: Plan, jobs: int) -> None:
    bundle = bundle_of_store(
        planned.cohort,
        planned.split,
        planned.store,
        "tumour_size",
        load_registry(),
        Bootstrap(200),
        quiet=True,
    )
    question = Question(bundle, "youden", "receptor_only")
    exams = planned.cohort.blind()
    assert len(exams) > 2 * PART
    methods = loaded_models(bundle, load_registry().spec("tumour_size"), exams)
    assert str(predict_many(question, exams, jobs, quiet=True)) == str(predict_exams(bundle, methods, exams))
    assert kept_exams(question, exams) == 0


def test_a_stop_loses_no_part_and_the_same_command_goes_on(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "dawdling.py").write_text(PLUGIN.format(part=PART))
    protocol = ["--cohort", "phantom-tiny", "--split", "internal_cv", "--plugin", "dawdling.py"]
    bench(tmp_path, "run", "--method", "constant,dawdling", *protocol, "-q")
    bench(tmp_path, "bundle", "dawdling", *protocol, "--out", "b", "-q")
    exams = next(cache.glob("phantoms/*/phantom-tiny"))
    words = ["predict", "--bundle", "b", "--exams", str(exams), "--plugin", "dawdling.py", "--out"]
    whole = bench(tmp_path, *words, "whole.json")
    assert "kept" not in whole
    before = set((cache / "predictions").glob("*"))
    started = subprocess.Popen(
        [sys.executable, "-m", "bench", *words, "stopped.json"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in set((cache / "predictions").glob("*")) - before):
        assert started.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 1 and said.endswith("bench: stopped\n"), said
    assert f"{PART} of 68 exams are kept; the same command goes on there" in said
    assert not (tmp_path / "stopped.json").exists()
    (journal,) = set((cache / "predictions").glob("*")) - before
    with journal.open("a") as file:
        file.write('{"case_id": "cut sh')  # as a kill leaves it
    said = bench(tmp_path, *words, "stopped.json")
    assert f"({PART} of 68 exams were kept of a run that stopped)" in said
    assert (tmp_path / "stopped.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert set((cache / "predictions").glob("*")) == before


def bench(folder: Path, *words: str) -> str:
    """What a command says on standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr
