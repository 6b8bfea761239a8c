"""Methods in any language, over files."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, UsageError
from bench.methods.command import CommandMethod
from bench.methods.method import MethodSpec, Run
from bench.methods.parameters import parameters
from bench.store.store import Store

FOLDER = Path(__file__).parent / "commands"
TARGET = "bench:CommandMethod"

PLUGIN = """from pathlib import Path

from bench import MethodSpec, hookimpl


@hookimpl
def bench_methods():
    script = {script!r}
    params = {{"command": ({program!r}, Path(script).name), "scripts": (script,)}}
    return [MethodSpec("by_command", {target!r}, "By a program", params, needs=("clinical",))]
"""


def method(script: Path, *, crops: bool = False) -> CommandMethod:
    """A method in a script of Python, as parameters settle it."""
    params = {"command": (sys.executable, script.name), "scripts": (str(script),), "crops": crops}
    return CommandMethod(**parameters(MethodSpec("made", TARGET, "", params)))


def run(folder: Path) -> Run:
    return Run(seed=3, device="cpu", threads=1, workdir=folder)


@pytest.mark.parametrize("crops", [False, True])
def test_a_program_fits_and_predicts_over_files(tiny: Cohort, tmp_path: Path, crops: bool) -> None:
    train, val, test = (tiny.take(tiny.case_ids[at : at + 12]) for at in (0, 12, 24))
    fitted = method(FOLDER / "mean.py", crops=crops).fit(train, val, run(tmp_path))
    said = fitted.predict(test)
    assert set(said) == {task.name for task in tiny.tasks}
    np.testing.assert_allclose(said["er"], np.full(12, np.nanmean(train.labels("er"))))
    assert not list(tmp_path.iterdir())


def test_what_was_saved_predicts_the_same(tiny: Cohort, tmp_path: Path) -> None:
    some = tiny.take(tiny.case_ids[:12])
    fitted = method(FOLDER / "mean.py", crops=True).fit(some, some, run(tmp_path))
    (tmp_path / "model").mkdir()
    fitted.save(tmp_path / "model")
    again = CommandMethod.load(tmp_path / "model")
    assert again == fitted and again.crops
    for task, values in fitted.predict(some).items():
        np.testing.assert_array_equal(again.predict(some)[task], values)


def test_the_content_of_a_script_names_the_cell_and_its_place_does_not(tmp_path: Path) -> None:
    found = []
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fit.R").write_text(text)
        params = {"command": ("sh", "fit.R"), "scripts": (str(tmp_path / name / "fit.R"),)}
        found.append(parameters(MethodSpec("made", TARGET, "", params)))
    assert found[0] == found[1] != found[2]
    assert parameters(MethodSpec("made", TARGET, "", found[0])) == found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import sys; sys.exit('no such column')", "ended with 1: no such column"),
        ("pass", "wrote no predictions.csv"),
        ("import sys\nif sys.argv[1] == 'predict': open(sys.argv[4], 'w').write('case_id,er\\n')", "lacking"),
        (
            "import sys, csv\nif sys.argv[1] == 'predict':\n"
            "    rows = csv.DictReader(open(sys.argv[2] + '/cases.csv'))\n"
            "    said = ''.join(row['case_id'] + ',x\\n' for row in rows)\n"
            "    open(sys.argv[4], 'w').write('case_id,er\\n' + said)",
            "no number of every task",
        ),
    ],
)
def test_a_program_that_does_not_keep_the_form_is_told(
    tiny: Cohort, tmp_path: Path, text: str, expected: str
) -> None:
    (tmp_path / "bad.py").write_text(text)
    some = tiny.take(tiny.case_ids[:12])
    with pytest.raises(PluginError, match=expected):
        method(tmp_path / "bad.py").fit(some, some, run(tmp_path)).predict(some)


def test_an_absent_program_or_script_is_named_before_anything_runs(tmp_path: Path) -> None:
    for params, expected in (
        ({"command": ("no-such-program",)}, "no program 'no-such-program'"),
        ({}, "no program none"),
        ({"command": ("sh",), "scripts": (str(tmp_path / "absent.R"),)}, "cannot be read"),
    ):
        with pytest.raises(UsageError, match=expected):
            parameters(MethodSpec("made", TARGET, "", params))


@pytest.mark.parametrize("program", ["Rscript", sys.executable])
def test_a_program_has_its_row_on_the_board_behind_the_fence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip("needs R (Rscript)")
    monkeypatch.chdir(tmp_path)  # a relative store, as most are
    script = FOLDER / ("fit.R" if program == "Rscript" else "mean.py")
    plugin = tmp_path / f"by_command_{script.suffix[1:].lower()}.py"
    plugin.write_text(PLUGIN.format(program=program, script=str(script), target=TARGET))
    words = ["run", "--method", "constant,by_command", "--plugin", str(plugin), "--cohort", "phantom-tiny"]
    words += ["--split", "internal", "--store", "runs", "--executor", "workers"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (record,) = [one for _, one in Store(Path("runs")).records() if one.method == "by_command"]
    assert record.status == "ok" and record.sealed in ("kernel", "python")
