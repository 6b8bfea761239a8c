"""Mistakes in what is saved, explained, and taken of the machine."""

import base64
import json
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import joblib
import numpy as np
import torch
from sklearn.ensemble import RandomForestRegressor

from bench import Cohort, Run
from tests.methods.planted.honest import Volume


@dataclass
class TorchSave(Volume):
    """torch.save of a state."""

    def save(self, folder: Path) -> None:
        torch.save(self.state(), folder / "model.pt")

    @classmethod
    def load(cls, folder: Path) -> Self:
        return restored(cls, torch.load(folder / "model.pt", weights_only=False))


@dataclass
class JoblibCompressed(Volume):
    """joblib with compression."""

    def save(self, folder: Path) -> None:
        joblib.dump(self.state(), folder / "model.bin", compress=("gzip", 3))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return restored(cls, joblib.load(folder / "model.bin"))


@dataclass
class PickleInJson(Volume):
    """A pickle as text within JSON."""

    def save(self, folder: Path) -> None:
        text = base64.b64encode(pickle.dumps(self.state())).decode()
        (folder / "model.json").write_text(json.dumps({"model": text}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        text = json.loads((folder / "model.json").read_text())["model"]
        return restored(cls, pickle.loads(base64.b64decode(text)))


@dataclass
class EncryptedPickle(Volume):
    """A pickle whose bytes are turned round, so that no file looks like one."""

    def save(self, folder: Path) -> None:
        (folder / "model.bin").write_bytes(bytes(255 - byte for byte in pickle.dumps(self.state())))

    @classmethod
    def load(cls, folder: Path) -> Self:
        content = (folder / "model.bin").read_bytes()
        return restored(cls, pickle.loads(bytes(255 - byte for byte in content)))


@dataclass
class ObjectArray(Volume):
    """An array of objects."""

    def save(self, folder: Path) -> None:
        np.save(folder / "model.npy", np.array([self.state()], dtype=object), allow_pickle=True)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return restored(cls, np.load(folder / "model.npy", allow_pickle=True)[0])


@dataclass
class ForgetsScale(Volume):
    """A load that forgets the scale of the features."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        method = super().load(folder)
        method.scale = np.ones_like(method.scale)
        return method


@dataclass
class ForgetsParameters(Volume):
    """A load that takes the defaults: the crop is another."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        loaded = super().load(folder)
        method = cls()
        method.centre, method.scale, method.weights = loaded.centre, loaded.scale, loaded.weights
        return method


@dataclass
class FlatExplanation(Volume):
    """One number a case in place of a map."""

    def explain(self, cohort: Cohort) -> np.ndarray:
        return super().explain(cohort).mean(axis=(1, 2, 3))


@dataclass
class HalfExplanation(Volume):
    """A map on the grid of the last layer."""

    def explain(self, cohort: Cohort) -> np.ndarray:
        return super().explain(cohort)[:, ::2, ::2, ::2]


@dataclass
class EmptyExplanation(Volume):
    """A division by a maximum of 0."""

    def explain(self, cohort: Cohort) -> np.ndarray:
        return np.full_like(super().explain(cohort), np.nan)


@dataclass
class AllCores(Volume):
    """Four threads, whatever the run says."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        torch.set_num_threads(4)
        return super().fit(train, val, run)


@dataclass
class ForestOfFourJobs(Volume):
    """n_jobs=4 in a library."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        rows = np.random.default_rng(run.seed).normal(size=(2000, 20))
        RandomForestRegressor(40, n_jobs=4, random_state=run.seed).fit(rows, rows[:, 0])
        return super().fit(train, val, run)


@dataclass
class BusyProcesses(Volume):
    """Processes of its own that compute."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        code = "import time; until = time.time() + 1\nwhile time.time() < until: pass"
        busy = [subprocess.Popen([sys.executable, "-c", code, "busy"]) for _ in range(3)]
        for process in busy:
            process.wait()
        return super().fit(train, val, run)


@dataclass
class Endless(Volume):
    """A loop without an end."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        while True:
            time.sleep(1)


@dataclass
class Exits(Volume):
    """An exit in place of an error."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        raise SystemExit("no GPU found")


def restored(cls: type[Volume], state: dict[str, dict[str, list[float]]]) -> Volume:
    method = cls(**state["params"])
    method.centre, method.scale = np.array(state["centre"]), np.array(state["scale"])
    method.weights = {task: np.array(weights) for task, weights in state["weights"].items()}
    return method
