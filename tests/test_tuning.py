"""Tuning: what a trial sees, that a broken study goes on as if it had not been, and what boards say of it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.metrics import roc_auc_score

from bench.budgets import default_gap, tuned_gap, tuned_methods
from bench.cells import Choice, choose, plan
from bench.cohorts.cohort import Cohort, Task
from bench.config import Experiment, choose_methods, read_experiment
from bench.dry_run import dry_run_rows
from bench.errors import PluginError, SplitError, UsageError
from bench.experiment import make_plan, run_experiment
from bench.fingerprint import code_fingerprint
from bench.frozen import board_files, freeze, thaw
from bench.leaderboard import leaderboard
from bench.listing import Format
from bench.method import MethodSpec, Run
from bench.objective import mean_skill
from bench.registry import load_registry, parameters, search_space
from bench.results import results_of_store
from bench.search import Categorical, Float, Int, Tuning
from bench.split import Split, load_split_config, make_split
from bench.store import PREDICTIONS, RECORD
from bench.tuning import JOURNAL, Search, Tuned, load_trials, tune, tuning_parts

PLUGIN = '''
"""Methods that are tuned in tests, and that break where a test asks for it."""
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from bench.cost import Cost
from bench.hookspecs import hookimpl
from bench.method import MethodSpec
from bench.search import Categorical, Float, Int

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


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def split(tiny: Cohort) -> Split:
    return make_split(tiny, load_split_config("internal_cv"))


def spec_of(plugin_file: Path, name: str = "tunable") -> MethodSpec:
    return load_registry([plugin_file]).spec(name)


def chosen(plugin_file: Path, trials: int = 6, inner_folds: int = 0) -> Choice:
    spec = spec_of(plugin_file)
    space = search_space(spec, parameters(spec))
    return choose(spec, {}, Tuning(space, trials=trials, inner_folds=inner_folds))


def tuned(
    plugin_file: Path, tiny: Cohort, split: Split, folder: Path, trials: int = 6, inner_folds: int = 0
) -> Tuned:
    """The study of fold 0, in ``folder``."""
    choice = chosen(plugin_file, trials, inner_folds)
    assert choice.tuning is not None
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    parts = tuning_parts(tiny, split, 0, inner_folds)
    run = Run(seed=0, device="cpu", threads=1, workdir=folder / "scratch")
    cell = plan(tiny, split, [choice], [0])[0]
    return tune(Search(cell, choice, choice.tuning, parts, run), folder / JOURNAL)


def history(folder: Path) -> list[tuple[Any, ...]]:
    """All that must be the same of two studies."""
    return [
        (its.state.name, its.params, its.value, its.intermediate_values)
        for its in load_trials(folder / JOURNAL)
    ]


def experiment(store: Path, plugin_file: Path, *methods: str, **others: Any) -> Experiment:
    given = {"cohort": "phantom-tiny", "split": "internal_cv", "device": "cpu", "trials": 3, **others}
    return Experiment(methods=methods, store=str(store), plugins=(str(plugin_file),), **given)


# What a study is.


def test_the_defaults_are_trial_0(plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path)
    trials = load_trials(tmp_path / JOURNAL)
    assert len(trials) == 6
    assert trials[0].params == {"shift": 0.9, "power": 1, "kind": "a"}
    complete = {its.number: its.value for its in trials if its.state.name == "COMPLETE"}
    assert found.record["inner_default"] == trials[0].value
    assert found.record["inner_best"] == max(complete.values())
    assert found.params == {**found.params, **trials[found.record["best_trial"]].params}
    assert len({json.dumps(its.params) for its in trials}) > 3


def test_optuna_reads_the_journal_as_it_is(
    plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    tuned(plugin_file, tiny, split, tmp_path, trials=3)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL)))
    (summary,) = optuna.get_all_study_summaries(storage)
    study = optuna.load_study(study_name=summary.study_name, storage=storage)
    assert len(study.trials) == 3 and study.best_value is not None


def test_a_study_broken_in_the_middle_of_a_trial_goes_on_as_if_it_had_not_been(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    whole = tuned(plugin_file, tiny, split, tmp_path / "whole", trials=8)

    def stop() -> None:
        plugin.events.clear()
        raise KeyboardInterrupt

    for trial, step in (("trial-0", 1), ("trial-3", 2), ("trial-6", 0)):
        plugin.events[trial, step] = stop
        with pytest.raises(KeyboardInterrupt):
            tuned(plugin_file, tiny, split, tmp_path / "broken", trials=8)
        assert len(history(tmp_path / "broken")) == int(trial[-1])
    again = tuned(plugin_file, tiny, split, tmp_path / "broken", trials=8)
    assert history(tmp_path / "broken") == history(tmp_path / "whole")
    assert again.params == whole.params
    assert not list((tmp_path / "broken" / "scratch").iterdir())


def test_a_half_written_line_and_a_lock_left_behind_do_no_harm(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    tuned(plugin_file, tiny, split, tmp_path / "whole", trials=4)

    def stop() -> None:
        plugin.events.clear()
        raise KeyboardInterrupt

    plugin.events["trial-3", 0] = stop
    with pytest.raises(KeyboardInterrupt):
        tuned(plugin_file, tiny, split, tmp_path / "broken", trials=4)
    journal = tmp_path / "broken" / JOURNAL
    with journal.open("a") as file:
        file.write('{"op_code":4,"worker_id"')
    journal.with_name(f"{JOURNAL}.lock").symlink_to(journal)
    tuned(plugin_file, tiny, split, tmp_path / "broken", trials=4)
    assert history(tmp_path / "broken") == history(tmp_path / "whole")


def test_a_killed_run_ends_with_the_study_and_predictions_of_an_unbroken_one(
    plugin_file: Path, tmp_path: Path
) -> None:
    asked = experiment(tmp_path / "whole", plugin_file, "tunable", split="internal", trials=5)
    assert run_experiment(asked, quiet=True, wanted=Format.json)
    command = [sys.executable, "-m", "bench", "run", "--method", "tunable", "--plugin", str(plugin_file)]
    command += ["--cohort", "phantom-tiny", "--split", "internal", "--device", "cpu", "--trials", "5"]
    reached = tmp_path / "reached"
    process = subprocess.Popen(
        [*command, "--store", str(tmp_path / "broken"), "--quiet"],
        env={**os.environ, "WAIT_AT": "trial-3:2", "WAIT_FILE": str(reached)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not reached.exists() and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.communicate()[1] == b""
    (journal,) = (tmp_path / "broken").rglob(JOURNAL)
    assert len(load_trials(journal)) == 3
    again = replace(asked, store=str(tmp_path / "broken"))
    assert run_experiment(again, quiet=True, wanted=Format.json)
    studies = [history(next((tmp_path / name).rglob(JOURNAL)).parent) for name in ("whole", "broken")]
    assert studies[0] == studies[1] and len(studies[0]) == 5
    tables = [
        pd.concat([pd.read_parquet(path) for path in sorted((tmp_path / name).rglob(PREDICTIONS))])
        for name in ("whole", "broken")
    ]
    assert_frame_equal(*tables)


# What a trial sees.


@pytest.mark.parametrize("inner_folds", [0, 2])
def test_test_cases_are_out_of_reach(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path, inner_folds: int
) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path, trials=2, inner_folds=inner_folds)
    fold = split.folds[0]
    fits = [(train, val) for folder, train, val in plugin.seen if folder is not None]
    predicted = [(ids, blind) for folder, ids, blind in plugin.seen if folder is None]
    touched = {its for train, val in fits for its in (*train, *val)} | {
        its for ids, _ in predicted for its in ids
    }
    assert all(blind for _, blind in predicted)
    if inner_folds:
        assert touched == set(fold.train) and found.record["inner_folds"] == 2
        judged = [its for ids, _ in predicted for its in ids]
        assert sorted(judged) == sorted([*fold.train, *fold.train])
        pairs = zip(fits, predicted, strict=True)
        assert not any(set(ids) & {*train, *val} for (train, val), (ids, _) in pairs)
    else:
        assert touched == {*fold.train, *fold.val}
        assert fits[0] == (fold.train, fold.val) and predicted[0][0] == fold.val


def test_a_trial_that_falls_behind_is_pruned_and_stops(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path, trials=12)
    trials = load_trials(tmp_path / JOURNAL)
    pruned = [its for its in trials if its.state.name == "PRUNED"]
    assert pruned and found.record["pruned"] == len(pruned)
    assert all(len(its.intermediate_values) < 4 for its in pruned)
    assert all(len(its.intermediate_values) == 4 for its in trials if its.state.name == "COMPLETE")


def test_a_trial_that_raises_is_a_failed_one_and_the_study_goes_on(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("no convergence")

    plugin.events["trial-0", 0] = plugin.events["trial-2", 1] = fail
    found = tuned(plugin_file, tiny, split, tmp_path, trials=5)
    trials = load_trials(tmp_path / JOURNAL)
    assert [its.state.name == "FAIL" for its in trials] == [True, False, True, False, False]
    assert trials[2].user_attrs["reason"] == "ValueError: no convergence"
    assert found.record["failed"] == 2 and found.record["inner_default"] is None


def test_where_no_trial_completes_the_cell_fails_with_the_reason(
    plugin: Any, plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("no convergence")

    plugin.events.update({(f"trial-{number}", 0): fail for number in range(40)})
    with pytest.raises(PluginError, match="none of 10 trials completed; the first: ValueError: no converg"):
        tuned(plugin_file, tiny, split, tmp_path, trials=40)


def test_judged_cases_that_score_no_task_are_refused(
    plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    fold = split.folds[0]
    lone = replace(split, folds=(replace(fold, val=fold.val[:0]), *split.folds[1:]))
    with pytest.raises(SplitError, match="no ranked task can be scored on the 0 cases"):
        tuned(plugin_file, tiny, lone, tmp_path)


# What comes of it.


def test_a_tuned_cell_predicts_as_one_with_these_parameters_fixed(plugin_file: Path, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", trials=6)
    assert run_experiment(asked, quiet=True, wanted=Format.json)
    planned = make_plan(asked)
    assert {its.method for its in planned.cells} == {"tunable", "tunable[trials=6]"}
    pairs = [(cell, planned.store.record(cell) or {}) for cell in planned.cells[5:]]
    cell, record = next(pair for pair in pairs if pair[1]["tuning"]["best_trial"] > 0)
    fixed = replace(asked, trials=0, set=record["tuning"]["params"])
    assert run_experiment(fixed, quiet=True, wanted=Format.json)
    again = make_plan(fixed)
    assert_frame_equal(planned.store.predictions(cell), again.store.predictions(again.cells[cell.fold]))
    assert record["fit_seconds"] >= record["tuning"]["seconds"] > 0


def test_the_objective_is_the_mean_skill_of_the_ranked_tasks() -> None:
    rng = np.random.default_rng(0)
    ids, fold = [f"c{i}" for i in range(40)], np.arange(40) % 2
    er, ki67 = (rng.random(40) < 0.5).astype(float), rng.uniform(0, 100, 40)
    er[3], ki67[5] = np.nan, np.nan
    truth = pd.DataFrame({"er": er, "ki67": ki67, "lone": 1.0, "aside": ki67}, index=ids)
    tasks = [
        Task("er", "binary"),
        Task("ki67", "continuous"),
        Task("lone", "binary"),
        Task("aside", "continuous", ranked=False),
    ]
    said = {name: rng.random(40) * (1 if name in ("er", "lone") else 100) for name in truth}
    table = pd.concat(
        pd.DataFrame({"case_id": ids, "task": name, "fold": fold, "prediction": values})
        for name, values in said.items()
    )
    constants = {0: {"ki67": 40.0, "aside": 1.0}, 1: {"ki67": 60.0, "aside": 1.0}}
    known = ~np.isnan(er)
    areas, pairs = [], []
    for its in (0, 1):
        mine = known & (fold == its)
        areas.append(roc_auc_score(er[mine], said["er"][mine]))
        pairs.append((er[mine] == 1).sum() * (er[mine] == 0).sum())
    constant = np.where(fold == 0, 40.0, 60.0)
    skills = [
        (np.average(areas, weights=pairs) - 0.5) / 0.5,
        1 - np.nanmean(abs(said["ki67"] - ki67)) / np.nanmean(abs(constant - ki67)),
    ]
    assert mean_skill(tasks, truth, table, constants) == pytest.approx(np.mean(skills))
    assert np.isnan(mean_skill(tasks[2:3], truth, table, constants))
    perfect = table.assign(prediction=[truth.loc[row.case_id, row.task] for row in table.itertuples()])
    assert mean_skill(tasks, truth, perfect.fillna(0.0), constants) == pytest.approx(1.0)


# What may be searched, and whose cells these are.


def test_defaults_outside_the_space_are_refused_with_both_values(plugin_file: Path) -> None:
    spec = spec_of(plugin_file, "narrow")
    with pytest.raises(PluginError) as error:
        search_space(spec, parameters(spec))
    assert "method 'narrow': shift = 2.0 lies outside its search space Float(low=0.0, high=1.0" in str(
        error.value
    )


def test_what_a_variant_or_the_user_fixes_is_not_searched(plugin_file: Path) -> None:
    variant = spec_of(plugin_file, "tunable_b")
    assert set(search_space(variant, parameters(variant))) == {"shift", "power"}
    asked = Experiment(methods=("tunable",), plugins=(str(plugin_file),), trials=4, set={"power": 2})
    default, best = choose_methods(load_registry([plugin_file]), asked)
    assert default.label == "tunable[power=2]" and best.label == "tunable[power=2,trials=4]"
    assert best.tuning is not None and set(best.tuning.space) == {"shift", "kind"}


def test_every_shipped_space_holds_the_defaults() -> None:
    specs = load_registry().specs
    spaces = {name: search_space(spec, parameters(spec)) for name, spec in specs.items()}
    tunable = {name for name, space in spaces.items() if space}
    assert tunable >= {
        "radiomics_lr",
        "radiomics_lasso",
        "radiomics_elastic_net",
        "radiomics_xgb",
        "single_task_cnn",
        "multi_task_cnn",
        "spatial_mtl",
    }
    assert "constant" not in tunable
    assert spaces["spatial_mtl_no_surround"] == spaces["spatial_mtl"]


def test_a_space_goes_through_json_and_back() -> None:
    space = {"a": Float(0.1, 1.0, log=True), "b": Int(1, 4), "c": Categorical(("x", 2, True))}
    for tuning in (Tuning(space, trials=20), Tuning(space, seconds=1200, inner_folds=3)):
        assert Tuning.from_json(json.loads(json.dumps(tuning.as_json()))) == tuning


def test_an_untuned_cell_keeps_its_identity(plugin_file: Path, tiny: Cohort, split: Split) -> None:
    tuned_choice = chosen(plugin_file)
    untuned = choose(tuned_choice.spec, {})
    first, second = (plan(tiny, split, [its], [0])[0] for its in (untuned, tuned_choice))
    keys = {"cohort", "split", "preprocessing", "method", "params", "code", "fold", "seed"}
    assert set(first.identity) == keys and set(second.identity) == {*keys, "tuning"}
    assert first.id != second.id


def test_a_search_space_does_not_change_the_code_of_a_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    bare = "from dataclasses import dataclass\n\n@dataclass\nclass Mine:\n    size: int = 1\n"
    searched = (
        f"from bench.search import Int\n{bare}"
        "    @classmethod\n    def search_space(cls):\n        return {'size': Int(1, 9)}\n"
    )
    module, prints = tmp_path / "searched_or_not.py", []
    for text in (bare, searched, searched.replace("9", "8"), bare.replace("= 1", "= 2")):
        module.write_text(text)
        prints.append(code_fingerprint(MethodSpec("mine", "searched_or_not:Mine", "")))
    assert prints[0] == prints[1] == prints[2] != prints[3]


def test_a_tuning_has_one_budget() -> None:
    with pytest.raises(UsageError, match="give --trials or --tune-time, not both"):
        read_experiment(None, {"trials": 3, "tune_time": "20m"})
    with pytest.raises(UsageError, match="expected a time, such as 90s, 20m or 8h, got '20 min'"):
        read_experiment(None, {"tune_time": "20 min"})
    assert read_experiment(None, {"tune_time": "20m"}).tune_time == "20m"


# What users see.


@pytest.fixture(scope="module")
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


def bench(*words: str, store: Path) -> str:
    command = [sys.executable, "-m", "bench", *words, "--cohort", "phantom-tiny", "--store", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_board_names_budgets_and_over_tuning(
    store: Path, tiny: Cohort, split: Split, plugin_file: Path, tmp_path: Path
) -> None:
    asked = experiment(store, plugin_file, "constant", "tunable")
    assert not make_plan(asked).missing()
    results = results_of_store(tiny, split, make_plan(asked).store)
    files = board_files(leaderboard(results))
    rows = {row["method"]: row["budget"] for row in csv.DictReader(files["board.csv"].splitlines())}
    assert rows == {"constant": "untuned", "tunable": "default", "tunable[trials=3]": "3 trials"}
    assert "| Fit s | Budget" in files["board.md"] and "Untuned: constant." in files["board.md"]
    (row,) = tuned_methods(results)
    gap, without = tuned_gap(row, results), default_gap(row, results)
    records = [its["tuning"] for its in row.records]
    assert gap.inner == pytest.approx(np.mean([its["inner_best"] for its in records]))
    assert without is not None and without.inner == pytest.approx(
        np.mean([its["inner_default"] for its in records])
    )
    assert f"gap {gap.value:+.3f} (its defaults: " in files["board.md"]
    place = freeze(results, tmp_path)
    assert board_files(leaderboard(thaw(place))) == {
        name: (place / name).read_text(encoding="utf-8") for name in files
    }


def test_a_board_without_tuned_rows_says_nothing_of_budgets(store: Path, tiny: Cohort, split: Split) -> None:
    from bench.store import Store

    results = results_of_store(tiny, split, Store(store))
    untuned = replace(results, methods=tuple(its for its in results.methods if "trials" not in its.label))
    files = board_files(leaderboard(untuned))
    assert "udget" not in files["board.md"] + files["board.csv"]


def test_tuning_shows_history_parameters_importances_and_figures(store: Path, tmp_path: Path) -> None:
    words = ("tuning", "--method", "tunable", "--split", "internal_cv", "--out", str(tmp_path / "figures"))
    found = json.loads(bench(*words, "--format", "json", store=store))
    assert [row["fold"] for row in found["history"]] == [0, 1, 2, 3, 4]
    assert {"trials", "best_trial", "inner_default", "inner_best", "outer_default", "outer_tuned", "gap"} <= (
        found["history"][0].keys()
    )
    assert len(found["parameters"]) == 6 and found["synthetic"] is True
    pictures = sorted((tmp_path / "figures").iterdir())
    assert [path.name for path in pictures] == ["history.png", "importances.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_time_budget_is_marked_as_not_reproducible(plugin_file: Path, tiny: Cohort, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", split="internal", trials=0, tune_time="1s")
    assert run_experiment(asked, quiet=True, wanted=Format.json)
    planned = make_plan(asked)
    record = planned.store.record(planned.cells[1])
    assert record is not None and record["method"] == "tunable[tune_time=1s]"
    assert record["tuning"]["reproducible"] is False and record["tuning"]["trials"] > 1
    board = board_files(leaderboard(results_of_store(tiny, planned.split, planned.store)))["board.md"]
    assert "1s a cell" in board
    assert "Not reproducible, as time set the number of trials: tunable[tune_time=1s]." in board


def test_a_dry_run_counts_the_trials(plugin_file: Path, tmp_path: Path) -> None:
    asked = experiment(tmp_path, plugin_file, "tunable", trials=400)
    default, best, _ = dry_run_rows(asked, quiet=True)
    assert default["cells"] == best["cells"] == 5
    assert best["estimated_from"] == f"{default['estimated_from']}, for 400 trials"
    assert best["seconds"] == pytest.approx(401 * default["seconds"], abs=401)
    assert not list(tmp_path.rglob(RECORD))
