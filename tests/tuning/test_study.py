"""A study: its trials, its journal, and that an interrupted one goes on as if it had not been."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bench.cohorts.cohort import Cohort
from bench.running.run import run_experiment
from bench.splits.split import Split
from bench.store.cell import cells_of
from bench.store.store import PREDICTIONS
from bench.tuning.tune import JOURNAL, load_trials
from tests.tuning.tunable import chosen, experiment, tuned


def history(folder: Path) -> list[tuple[Any, ...]]:
    """All that must be the same of two studies."""
    return [
        (load_trial.state.name, load_trial.params, load_trial.value, load_trial.intermediate_values)
        for load_trial in load_trials(folder / JOURNAL)
    ]


def test_the_defaults_are_trial_0(plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path) -> None:
    found = tuned(plugin_file, tiny, split, tmp_path)
    trials = load_trials(tmp_path / JOURNAL)
    assert len(trials) == 6
    assert trials[0].params == {"shift": 0.9, "power": 1, "kind": "a"}
    complete = {trial.number: trial.value for trial in trials if trial.state.name == "COMPLETE"}
    assert found.record["inner_default"] == trials[0].value
    assert found.record["inner_best"] == max(complete.values())
    assert found.params == {**found.params, **trials[found.record["best_trial"]].params}
    assert len({json.dumps(trial.params) for trial in trials}) > 3


def test_each_trial_is_that_of_a_study_made_anew_of_those_before(
    plugin_file: Path, tiny: Cohort, split: Split, tmp_path: Path
) -> None:
    import optuna

    tuned(plugin_file, tiny, split, tmp_path, trials=14)
    trials = load_trials(tmp_path / JOURNAL)
    cell = cells_of(tiny, split, [chosen(plugin_file, 14)], [0])[0]
    for trial in trials[1:]:
        digest = hashlib.sha256(f"{cell.id}:{trial.number}".encode()).digest()
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4]))
        )
        study.add_trials(trials[: trial.number])
        assert study.ask(trial.distributions).params == trial.params
    assert {trial.state.name for trial in trials} == {"COMPLETE", "PRUNED"}


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


@pytest.mark.slow
def test_a_killed_run_ends_with_the_study_and_predictions_of_an_unbroken_one(
    plugin_file: Path, tmp_path: Path
) -> None:
    asked = experiment(tmp_path / "whole", plugin_file, "tunable", split="internal", trials=5)
    assert run_experiment(asked, quiet=True).complete
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
    assert run_experiment(again, quiet=True).complete
    studies = [history(next((tmp_path / name).rglob(JOURNAL)).parent) for name in ("whole", "broken")]
    assert studies[0] == studies[1] and len(studies[0]) == 5
    tables = [
        pd.concat([pd.read_parquet(path) for path in sorted((tmp_path / name).rglob(PREDICTIONS))])
        for name in ("whole", "broken")
    ]
    assert_frame_equal(*tables)
