"""A plugin of methods that cheat, each in one way: what a test label, or a test image, can be had by."""

import gc
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from io import StringIO
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.files import cache_dir
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec, Run

HONEST = 0.25
TASKS = ("er", "pr", "her2", "ki67")
Labels = dict[tuple[str, str], float]


@dataclass
class Cheat:
    """Predicts 0.25, and the label where one was found."""

    stolen: Labels = field(default_factory=dict, init=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Look for labels of cases that were not handed over."""
        self.steal(train, run)
        for known in (train, val):
            for case_id in known.case_ids:
                for task in TASKS:
                    self.stolen.pop((task, case_id), None)
        return self

    def steal(self, train: Cohort, run: Run) -> None:
        """Fill ``stolen``."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """What was stolen, else 0.25."""
        return {
            task.name: np.array([self.stolen.get((task.name, case), HONEST) for case in cohort.case_ids])
            for task in cohort.tasks
        }

    def keep(self, table: pd.DataFrame) -> None:
        """Take the labels of a table that is indexed by case id."""
        for task in set(TASKS) & set(table.columns):
            self.stolen |= {(task, case): float(v) for case, v in table[task].dropna().items()}


@dataclass
class ReadsCases(Cheat):
    """Reads the labels of the cohort from where it lies."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Read cases.csv."""
        self.keep(pd.read_csv(phantom() / "cases.csv", index_col="case_id"))


@dataclass
class NamesCases(ReadsCases):
    """Names the labels as a file that it needs."""

    needed: str = field(default_factory=lambda: str(phantom() / "cases.csv"))


@dataclass
class ReadsCasesByProgram(Cheat):
    """Has another program read the labels."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Let cat print cases.csv."""
        path = phantom() / "cases.csv"
        shown = subprocess.run(["/bin/cat", str(path)], capture_output=True, text=True, check=False)
        if shown.returncode:
            raise PermissionError(shown.stderr)
        self.keep(pd.read_csv(StringIO(shown.stdout), index_col="case_id"))


@dataclass
class ReadsOracle(Cheat):
    """Reads what a reader of the true parameters would predict."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Read the oracle's file."""
        table = pd.read_csv(cache_dir() / "oracles" / "generator-2" / "phantom-tiny.csv")
        self.keep(table.pivot_table(index="case_id", columns="task", values="prediction"))


@dataclass
class CallsGenerator(Cheat):
    """Draws the phantom once more, labels and all."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Import the generator."""
        from bench.cohorts.phantom.draw import draw_lesions
        from bench.cohorts.phantom.scenarios import SCENARIOS

        scenario = SCENARIOS["phantom-tiny"]
        for lesion in draw_lesions(scenario, 0, scenario.counts):
            labels = zip(TASKS, lesion.labels, strict=True)
            self.stolen |= {(task, lesion.case_id): v for task, v in labels if not np.isnan(v)}


@dataclass
class SearchesMemory(Cheat):
    """Looks through every object that the process holds for tables with labels."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """Search when the test cases are there."""
        wanted = set(cohort.case_ids)
        for table in frames_in_memory():
            if wanted & set(table.index):
                self.keep(table.loc[table.index.isin(wanted)])
        return super().predict(cohort)


@dataclass
class SearchesStack(Cheat):
    """Looks for cohorts in the frames of its callers."""

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """Walk up the stack."""
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            for value in frame.f_locals.values():
                if isinstance(value, Cohort):
                    self.keep(value.table.loc[value.table.index.isin(cohort.case_ids)])
        return super().predict(cohort)


@dataclass
class ReadsOtherCells(Cheat):
    """Reads what other methods of the store have predicted."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Read the predictions of finished cells."""
        cells = run.workdir.parents[2] / "cells"
        assert list(cells.iterdir())
        for path in cells.glob("**/constant/**/predictions.parquet"):
            table = pd.read_parquet(path)
            self.keep(table.pivot_table(index="case_id", columns="task", values="prediction"))


@dataclass
class ReadsTestImages(Cheat):
    """Reads images of cases that are not handed over while it is fitted."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Read the image of the first case that is neither for training nor for validation."""
        known = {Path(name).name for name in train.files["image"]}
        for folder in (train.folder, phantom()):
            for path in sorted((folder / "images").iterdir()):
                if "mask" not in path.name and path.name not in known:
                    raise AssertionError(f"read {len(path.read_bytes())} bytes of {path}")


@dataclass
class ChangesImages(Cheat):
    """Writes to the images that it was handed."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Overwrite a training image."""
        path = train.folder / train.files["image"].iloc[0]
        with path.open("r+b") as file:
            file.write(b"")
        raise AssertionError(f"opened {path} for writing")


@dataclass
class AsksTheRun(Cheat):
    """Reads the memory of the process that runs the cells."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Open the parent's memory."""
        with Path(f"/proc/{os.getppid()}/mem").open("rb"):
            raise AssertionError("opened the memory of the process that holds the labels")


@dataclass
class AsksTheServer(Cheat):
    """Has the server that forks the processes of cells fork one for it, outside of any fence."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Connect to the server."""
        address = forkserver._forkserver._forkserver_address  # type: ignore[attr-defined]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address)
            raise AssertionError("connected to the server")


@dataclass
class AsksTheNetwork(Cheat):
    """Opens a connection to another machine."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Connect to a port."""
        with socket.socket() as client:
            client.settimeout(1)
            client.connect_ex(("127.0.0.1", 9))
            raise AssertionError("asked the network")


@dataclass
class LeavesNotes(Cheat):
    """Leaves the labels of its training cases where the next fold would find them."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Write the labels to folders that every process of the machine may write to, and read them back."""
        for folder in filter(Path.is_dir, (Path("/dev/shm"), Path("/tmp"), Path("/var/tmp"))):
            note = folder / f"{NOTES}.csv"
            if note.is_file():
                self.keep(pd.read_csv(note, index_col="case_id"))
            labels = {task: train.labels(task) for task in TASKS}
            pd.DataFrame(labels, index=pd.Index(train.case_ids, name="case_id")).to_csv(note)


@dataclass
class UsesItsOwn(Cheat):
    """Uses what every method may: temporary files, its folder, its images, a program."""

    def steal(self, train: Cohort, run: Run) -> None:
        """Write, read and start a program."""
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("a")
        (run.workdir / "checkpoint").write_text("a")
        assert train.volume(train.case_ids[0]).mask.GetSize()
        subprocess.run([sys.executable, "-c", "import numpy"], check=True, capture_output=True)


NOTES = "dcebench-attack-notes"


def phantom() -> Path:
    """Folder of the cohort, as anyone knows it who has used the benchmark."""
    return cache_dir() / "phantoms" / "generator-2" / "phantom-tiny"


def frames_in_memory() -> list[pd.DataFrame]:
    """Every data frame that the collector knows, and those that cohorts hold."""
    found: list[Any] = gc.get_objects()
    return [each for each in found if isinstance(each, pd.DataFrame)]


WAYS = {
    "reads_cases": ReadsCases,
    "names_cases": NamesCases,
    "reads_cases_by_program": ReadsCasesByProgram,
    "reads_oracle": ReadsOracle,
    "calls_generator": CallsGenerator,
    "searches_memory": SearchesMemory,
    "searches_stack": SearchesStack,
    "reads_other_cells": ReadsOtherCells,
    "reads_test_images": ReadsTestImages,
    "changes_images": ChangesImages,
    "asks_the_run": AsksTheRun,
    "asks_the_server": AsksTheServer,
    "asks_the_network": AsksTheNetwork,
    "leaves_notes": LeavesNotes,
    "uses_its_own": UsesItsOwn,
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """One method for each way."""
    return [
        MethodSpec(name, f"{__name__}:{cls.__name__}", (cls.__doc__ or "").partition(".")[0])
        for name, cls in WAYS.items()
    ]
