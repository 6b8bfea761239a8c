"""One sequential study a cell: trials on the training and validation part of its fold, the best one out.

The study lies in the cell's folder as an Optuna journal and holds finished trials only. Each trial is asked
from a copy of them in memory whose sampler is seeded from the cell's identity and their number, so a study
that was broken off in the middle of a trial goes on as if it had not been.
"""

import hashlib
import logging
import math
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.cells import Cell, Choice
from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, SplitError
from bench.inner import folds_in_need, is_inner
from bench.method import Report, Run
from bench.objective import mean_skill
from bench.predictions import constant_values, long_predictions
from bench.registry import build
from bench.search import OBJECTIVE, Dimension, Float, Int, Tuning
from bench.seeding import seed_global_generators
from bench.split import Split, inner_split

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

log = logging.getLogger(__name__)

JOURNAL, STUDY = "study.journal", "tuning"
REPORTS = "reports.txt"
# A method whose first trials all fail is not searched any further, whatever the budget.
MOST_FAILURES = 10
# Progress of a tuning is reported in thousandths of its budget.
STEPS = 1000


@dataclass(frozen=True)
class Part:
    """Cases that a trial learns from, that stop it early, and that it is judged on."""

    train: Cohort
    val: Cohort
    judged: Cohort


@dataclass(frozen=True)
class Search:
    """What a study is about.

    Parameters
    ----------
    cell, choice, tuning
        The cell, its method with the parameters that are tried first, and the budget with the space.
    parts
        See :func:`tuning_parts`.
    run
        Seed, device and threads of every fit; ``workdir`` holds the folders of trials.
    """

    cell: Cell
    choice: Choice
    tuning: Tuning
    parts: Sequence[Part]
    run: Run


@dataclass(frozen=True)
class Tuned:
    """Hyperparameters that won, and the record of how."""

    params: Mapping[str, Any]
    record: Mapping[str, Any]


def tuning_parts(cohort: Cohort, split: Split, fold: int, inner_folds: int) -> list[Part]:
    """What the trials of a fold are judged on; no part has a test case.

    The validation part; where it is too small and inner folds were asked for, each training case in turn, by
    cross-validation within the training part. An inner cell, whose fold is such a part already, has no folds
    of its own.
    """
    its = split.folds[fold]
    if not inner_folds or is_inner(split.name) or fold not in folds_in_need(cohort, split):
        train, val = cohort.take(its.train), cohort.take(its.val)
        return [Part(train, val, val)]
    inner = inner_split(cohort, split, fold, inner_folds)
    return [Part(*(cohort.take(ids) for ids in (cut.train, cut.val, cut.test))) for cut in inner.folds]


def tuned_params(
    cell: Cell, choice: Choice, cohort: Cohort, split: Split, run: Run, folder: Path
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Hyperparameters that a cell is fitted with, and the record of its tuning, empty where it has none.

    The study is kept in ``folder``, the cell's own.
    """
    if choice.tuning is None:
        return choice.params, {}
    parts = tuning_parts(cohort, split, cell.fold, choice.tuning.inner_folds)
    tuned = tune(Search(cell, choice, choice.tuning, parts, run), folder / JOURNAL)
    return tuned.params, tuned.record


def tune(search: Search, journal: Path) -> Tuned:
    """Run the study of a cell, or what is missing of it.

    Trial 0 has the parameters of the choice, the others are proposed by a tree-structured Parzen estimator
    (Bergstra et al. 2011). A method that reports scores is stopped where it falls behind the median of the
    trials before, on the first part alone, as steps of several parts do not compare. A trial that raises
    counts as failed and the study goes on. Of equally good trials the earliest wins.

    Parameters
    ----------
    search
        What is searched, and on which cases.
    journal
        File of the study; trials that it holds are not run again.

    Raises
    ------
    SplitError
        The judged cases allow no task to be scored.
    PluginError
        No trial completed, or the first ten all failed.
    """
    _require_judgement(search)
    study = open_study(journal)
    while not _is_spent(study.trials, search.tuning):
        study.add_trial(_run_trial(search, study.trials))
    return _outcome(search, study.trials)


def open_study(journal: Path) -> "Study":
    """The study of a journal file, which is made where there is none."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _mend(journal)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.create_study(storage=storage, study_name=STUDY, direction="maximize", load_if_exists=True)


def load_trials(journal: Path) -> list["FrozenTrial"]:
    """The trials of a finished study, in their order."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.load_study(study_name=STUDY, storage=storage).trials


def best_trial(trials: Sequence["FrozenTrial"]) -> "FrozenTrial | None":
    """The completed trial of the highest value, the earliest of equals; None where none completed."""
    complete = [its for its in trials if its.state.name == "COMPLETE"]
    return max(complete, key=lambda its: (_value(its), -its.number), default=None)


def _mend(journal: Path) -> None:
    """Take away what a killed run left of a line, and its lock: a cell runs once at a time."""
    if not journal.is_file():
        return
    content = journal.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        journal.write_bytes(whole)
    for left in journal.parent.glob(f"{journal.name}.lock*"):
        left.unlink()


def _require_judgement(search: Search) -> None:
    """Raise SplitError where even the constant predictor cannot be judged."""
    tables = [_constant_table(part, index) for index, part in enumerate(search.parts)]
    if math.isnan(_judge(search.parts, tables)):
        cases = sum(len(part.judged) for part in search.parts)
        raise SplitError(
            f"{search.cell.method}: no ranked task can be scored on the {cases} cases that trials of fold "
            f"{search.cell.fold} are judged on: they lack labels, or a class; give --inner-folds 3, or use a "
            "split with larger validation parts"
        )


def _constant_table(part: Part, index: int) -> pd.DataFrame:
    said = constant_values(part.train)
    rows = [(case_id, task, index, said[task]) for task in said for case_id in part.judged.case_ids]
    return pd.DataFrame(rows, columns=["case_id", "task", "fold", "prediction"])


def _judge(parts: Sequence[Part], tables: Sequence[pd.DataFrame]) -> float:
    truth = pd.concat([part.judged.table for part in parts])
    constants = {index: constant_values(part.train) for index, part in enumerate(parts)}
    return mean_skill(parts[0].train.tasks, truth, pd.concat(tables, ignore_index=True), constants)


def _is_spent(trials: Sequence["FrozenTrial"], tuning: Tuning) -> bool:
    """Whether the budget is used up; the defaults are always tried."""
    if len(trials) >= MOST_FAILURES and all(its.state.name == "FAIL" for its in trials):
        return True
    if tuning.trials:
        return len(trials) >= tuning.trials
    return bool(trials) and _seconds(trials) >= tuning.seconds


def _run_trial(search: Search, finished: Sequence["FrozenTrial"]) -> "FrozenTrial":
    """Ask for the next trial, run it, and give it back finished."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    trial = _ask(search, finished)
    value, said = None, {}
    started = time.perf_counter()
    try:
        value, state = _score(search, trial, finished), TrialState.COMPLETE
    except TrialPruned:
        state = TrialState.PRUNED
    except Exception as error:  # a method may raise anything; the study goes on without this trial
        log.warning("trial %d failed: %s", trial.number, traceback.format_exc())
        state, said = TrialState.FAIL, {"reason": f"{type(error).__name__}: {error}"}
    shutil.rmtree(_folder(search, trial), ignore_errors=True)
    return _closed(trial, state, value, {"seconds": round(time.perf_counter() - started, 3), **said})


def _ask(search: Search, finished: Sequence["FrozenTrial"]) -> "Trial":
    """The next trial, of a study in memory that knows the finished ones."""
    import optuna

    name = f"{search.cell.id}:{len(finished)}"
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
    )
    study.add_trials(finished)
    if not finished:
        study.enqueue_trial({name: search.choice.params[name] for name in search.tuning.space})
    # The sampler draws in this order, and a space that was read back from a record is in another one.
    return study.ask({name: _distribution(its) for name, its in sorted(search.tuning.space.items())})


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return CategoricalDistribution(dimension.choices)


def _score(search: Search, trial: "Trial", finished: Sequence["FrozenTrial"]) -> float:
    """Fit and judge the trial on every part."""
    params = {**search.choice.params, **trial.params}
    tables = []
    for index, part in enumerate(search.parts):
        folder = _folder(search, trial) / f"part-{index}"
        folder.mkdir(parents=True, exist_ok=True)
        report = _part_report(search, finished, index)
        if index == 0:
            report = _watched(trial, folder.with_suffix(".reports"), report)
        seed_global_generators(search.run.seed)
        method = build(search.choice.spec, params)
        method = method.fit(part.train, part.val, replace(search.run, workdir=folder, report=report))
        returned = method.predict(part.judged.blind())
        tables.append(long_predictions(search.cell.method, returned, part.judged, index, search.run.seed))
    return _judge(search.parts, tables)


def _folder(search: Search, trial: "Trial") -> Path:
    return search.run.workdir / f"trial-{trial.number}"


def _part_report(search: Search, finished: Sequence["FrozenTrial"], index: int) -> Report:
    """Progress of one part of a trial as progress of the cell, whose last fit is like one trial more."""
    tuning, parts = search.tuning, len(search.parts)

    def report(step: int, total: int, score: float | None) -> None:
        if tuning.trials:
            share = (len(finished) + (index + step / max(total, 1)) / parts) / (tuning.trials + 1)
        else:
            share = min(1.0, _seconds(finished) / tuning.seconds)
        search.run.report(round(STEPS * share), STEPS, score)

    return report


def _watched(trial: "Trial", path: Path, forward: Report) -> Report:
    """Hand scores to the pruner, and keep them in a file for a trial that goes on from a checkpoint.

    Such a trial repeats no step before its checkpoint, yet its scores must stand in the study.
    """
    from optuna import TrialPruned

    earlier = _read_reports(path)
    told: set[int] = set()

    def tell(step: int, score: float) -> None:
        if step not in told:
            told.add(step)
            trial.report(score, step)

    def report(step: int, total: int, score: float | None) -> None:
        forward(step, total, score)
        if score is None or math.isnan(score):
            return
        for before in sorted(its for its in earlier if its < step):
            tell(before, earlier[before])
        tell(step, score)
        with path.open("a") as file:
            file.write(f"{step} {score!r}\n")
        if trial.should_prune():
            raise TrialPruned

    return report


def _read_reports(path: Path) -> dict[int, float]:
    """Scores by step; a line that a kill cut short is taken away."""
    if not path.is_file():
        return {}
    whole = path.read_text().rpartition("\n")[0]
    path.write_text(f"{whole}\n" if whole else "")
    pairs = [line.split() for line in whole.splitlines()]
    return {int(step): float(score) for step, score in pairs}


def _closed(
    trial: "Trial", state: "TrialState", value: float | None, said: Mapping[str, Any]
) -> "FrozenTrial":
    """The trial as it goes into the journal; a pruned one has the last score that it reported."""
    from optuna.trial import create_trial

    asked = trial.study.trials[trial.number]
    scores = asked.intermediate_values
    closed = create_trial(
        state=state,
        value=scores[max(scores)] if state.name == "PRUNED" else value,
        params=asked.params,
        distributions=asked.distributions,
        intermediate_values=scores,
        user_attrs=dict(said),
    )
    closed.datetime_start = asked.datetime_start
    return closed


def _outcome(search: Search, trials: Sequence["FrozenTrial"]) -> Tuned:
    best = best_trial(trials)
    if best is None:
        why = next(
            (its.user_attrs["reason"] for its in trials if "reason" in its.user_attrs), "all were pruned"
        )
        raise PluginError(f"{search.cell.method}: none of {len(trials)} trials completed; the first: {why}")
    states = [its.state.name for its in trials]
    default = trials[0].value if states[0] == "COMPLETE" else None
    record = {
        "budget": search.tuning.budget,
        "reproducible": search.tuning.reproducible,
        "objective": OBJECTIVE,
        "judged_cases": sum(len(part.judged) for part in search.parts),
        "inner_folds": len(search.parts) if len(search.parts) > 1 else 0,
        "trials": len(trials),
        "finished": states.count("COMPLETE"),
        "pruned": states.count("PRUNED"),
        "failed": states.count("FAIL"),
        "best_trial": best.number,
        "params": dict(best.params),
        "inner_default": default,
        "inner_best": best.value,
        "seconds": round(_seconds(trials), 3),
    }
    return Tuned({**search.choice.params, **best.params}, record)


def _value(trial: "FrozenTrial") -> float:
    return -math.inf if trial.value is None else trial.value


def _seconds(trials: Sequence["FrozenTrial"]) -> float:
    return float(sum(its.user_attrs["seconds"] for its in trials))
