"""`bench cohort import` and `bench cohort scan` as a user types them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cohorts.dicom_exams import Exam, lesion, segmentation, slices, write
from tests.command import bench

PLUGIN = '''
"""An importer in a file of its own."""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.cohorts.importers.importer import Card, Case, ImporterSpec, Study, option
from bench.methods.hookspecs import hookimpl
from bench.task import Task


@dataclass(frozen=True)
class Listed:
    """A case a line."""

    listing: Path = option("A file of ids.", argument=True)
    marks: tuple[str, ...] = option("Ids that are positive.", ())

    def card(self):
        return Card("listed", (Task("er", "binary", positive="ER positive"),))

    def studies(self):
        for name in self.listing.read_text().split():
            yield Study(name, name)

    def cases(self, study):
        yield Case(study.key, study.patient, labels={"er": float(study.key in self.marks)})


@hookimpl
def bench_importers():
    return [ImporterSpec("listed", "listed_plugin:Listed", "Ids of a file")]
'''


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=["f1", "f2", "f3"])
    table["er"] = (table["f1"] + 0.3 * rng.normal(size=60) > 0).astype(int)
    table.insert(0, "patient_id", [f"MRN-{at:05d}" for at in range(60)])
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def test_a_table_is_imported_scanned_and_run(source: Path) -> None:
    options = ("--tasks", "er", "--patient", "patient_id", "--out", "out")
    done = bench("cohort", "import", "table", "table.csv", *options, cwd=source)
    assert done.returncode == 0, done.stderr
    assert "| cases kept | 60 |" in done.stdout and "next: bench cohort check out" in done.stdout
    scanned = bench("cohort", "scan", "out", "--against", "table.csv", cwd=source)
    assert (scanned.returncode, scanned.stdout) == (0, "61 identifying strings searched for: none found\n")
    (source / "out" / "notes.txt").write_text("asked about MRN-00007 again")
    leaking = bench("cohort", "scan", "out", "--against", "table.csv", cwd=source)
    assert leaking.returncode == 1 and "notes.txt: holds the source's column patient_id" in leaking.stdout
    assert "MRN" not in leaking.stdout
    methods = "constant,radiomics_lr,radiomics_xgb,radiomics_lasso,features_elastic_net,tumour_size"
    run = bench("run", "--cohort", "out", "--split", "internal_cv", "-m", methods, "--store", "s", cwd=source)
    assert run.returncode == 1, "tumour_size lacks volumes"
    assert "needs volumes, which cohort table does not carry" in run.stdout
    assert "features_xgb runs in place of radiomics_xgb: table has a feature table" in run.stderr
    assert "radiomics" not in run.stdout
    assert all(f"features_{kind}" in run.stdout for kind in ("lr", "xgb", "lasso"))


def test_dicom_is_imported_with_a_recipe_whose_values_stand_between_commas(source: Path) -> None:
    for at, patient in enumerate(("A1", "A2")):
        exam = Exam(patient)
        write(source / "exams" / patient, [*slices(exam, seed=at), segmentation(exam, lesion().astype(int))])
    pd.DataFrame({"Patient ID": ["A1", "A2"], "MIB1": ["<1", "10-15"]}).to_excel(
        source / "t.xlsx", index=False
    )
    recipe = 'ki67 = MIB1: "<1" = 0.5, "10-15" = midpoint'
    options = ("--labels", "t.xlsx", "--label", recipe, "--phase", "post2", "--jobs", "2", "--out", "out")
    done = bench("cohort", "import", "dicom", "exams", *options, cwd=source)
    assert done.returncode == 0, done.stderr
    cases = pd.read_csv(source / "out" / "cases.csv")
    assert sorted(cases["ki67"]) == [0.5, 12.5] and set(cases["minutes_after_first_phase"]) == {4}
    scanned = bench("cohort", "scan", "out", "--against", "exams", cwd=source)
    assert scanned.returncode == 0 and "none found" in scanned.stdout


def test_importers_of_plugins_are_commands_too(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = source / "listed_plugin.py"
    plugin.write_text(PLUGIN)
    (source / "ids.txt").write_text("a b c")
    monkeypatch.setenv("BENCH_PLUGINS", str(plugin))
    arguments = ("listed", "ids.txt", "--marks", "a,c", "--out", "out", "--ids", "keep")
    done = bench("cohort", "import", *arguments, cwd=source)
    assert done.returncode == 0, done.stderr
    cases = pd.read_csv(source / "out" / "cases.csv")
    assert list(cases["case_id"]) == ["a", "b", "c"] and list(cases["er"]) == [1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("import", "nope", "x"), 2, "No such command 'nope'"),
        (("import", "table", "no.csv", "--tasks", "er", "--out", "o"), 2, "there is no file no.csv"),
        (("import", "table", "table.csv", "--out", "o"), 2, "Missing option '--tasks'"),
        (("import", "dicom", "none", "--labels", "table.csv", "--out", "o"), 2, "there is no folder none"),
        (("scan", "nowhere", "--against", "table.csv"), 2, "there is no nowhere"),
    ],
)
def test_a_wrong_call_is_one_line(source: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = bench("cohort", *arguments, cwd=source)
    assert done.returncode == code
    assert message in done.stderr and "Traceback" not in done.stderr
