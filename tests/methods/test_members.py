"""A method that builds others: by name, in folders of their own, and only those that its spec declares."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

import bench
from bench import Cohort, MethodSpec, Run
from bench.errors import PluginError, UsageError
from bench.methods.identity import parts_of
from bench.methods.members import builder_of
from bench.methods.registry import load_registry, with_members

TARGET = f"{__name__}:Pair"


@dataclass
class Pair:
    """The mean of two members' predictions."""

    size: float = 0.5
    members: list[Any] = field(default_factory=list, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.members = [run.build("constant").fit(train, val, run), run.build("tumour_size")]
        self.members[1].fit(train, val, run)
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        one, other = (member.predict(cohort) for member in self.members)
        return {task: (1 - self.size) * one[task] + self.size * other[task] for task in one}


@dataclass
class KeepsItsFolder:
    """Remembers where it was fitted, as a method with checkpoints would."""

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        self.workdir = run.workdir
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        return {}


def spec(*members: str, target: str = TARGET) -> MethodSpec:
    return MethodSpec("pair", target, "", needs=(), members=members)


def declared(*members: str, **more: MethodSpec) -> MethodSpec:
    return with_members(spec(*members), {**load_registry().specs, **more})


def run_of(method: MethodSpec, folder: Path) -> Run:
    return Run(seed=0, device="cpu", threads=1, workdir=folder, builder=builder_of(method))


def test_the_row_of_two_members_is_their_mean(tiny: Cohort, tmp_path: Path) -> None:
    split = bench.make_split(tiny, "internal")
    methods = ["constant", "tumour_size", spec("constant", "tumour_size")]
    results = bench.run(tiny, split, methods, store=tmp_path, quiet=True)
    wide = results.predictions.pivot_table(index=["case_id", "task"], columns="method", values="prediction")
    mean = (wide["constant"] + wide["tumour_size"]) / 2
    np.testing.assert_allclose(wide["pair"], mean, rtol=1e-12)
    assert wide["tumour_size"].std() > 0


def test_only_declared_members_are_built_and_theirs(tmp_path: Path) -> None:
    nested = MethodSpec("outer", TARGET, "", needs=(), members=("tumour_size",))
    run = run_of(declared("outer", outer=nested), tmp_path)
    assert run.build("outer") and run.build("tumour_size")
    with pytest.raises(PluginError, match=r"'constant', which its spec .* members=\('constant', 'outer',\)"):
        run.build("constant")
    bare = Run(seed=0, device="cpu", threads=1, workdir=tmp_path)
    with pytest.raises(PluginError, match="not that of a method with members"):
        bare.build("constant")


def test_hyperparameters_reach_the_member_and_unknown_ones_are_named(tmp_path: Path) -> None:
    run = run_of(declared("radiomics_lr"), tmp_path)
    assert run.build("radiomics_lr", spacing_mm=2.5).spacing_mm == 2.5
    with pytest.raises(UsageError, match="parameter of radiomics_lr"):
        run.build("radiomics_lr", spacing=2.5)


def test_a_member_that_cannot_run_here_is_named_with_the_remedy(tmp_path: Path) -> None:
    absent = MethodSpec("absent", TARGET, "", requires={"no_such_module": "pip install it"})
    run = run_of(declared("absent", absent=absent), tmp_path)
    with pytest.raises(PluginError, match=r"its member 'absent' needs no_such_module: pip install it"):
        run.build("absent")


def test_members_of_one_name_work_in_folders_of_their_own(tiny: Cohort, tmp_path: Path) -> None:
    keeps = MethodSpec("keeps", f"{__name__}:KeepsItsFolder", "", needs=())
    method = declared("keeps", keeps=keeps)
    run = run_of(method, tmp_path)
    folders = [run.build("keeps").fit(tiny, tiny, run).workdir for _ in range(2)]  # type: ignore[attr-defined]
    assert len({*folders, tmp_path}) == 3
    assert all(folder.is_dir() and folder.is_relative_to(tmp_path) for folder in folders)
    again = run_of(method, tmp_path)  # as after a break: checkpoints are found where they were
    assert again.build("keeps").fit(tiny, tiny, again).workdir == folders[0]  # type: ignore[attr-defined]


def test_the_members_of_a_method_of_the_project_are_in_its_identity() -> None:
    ours = MethodSpec("pair", "bench_zoo.baselines.constant:Constant", "", members=("tumour_size",))
    assert list(parts_of(with_members(ours, load_registry().specs))) == ["members"]
