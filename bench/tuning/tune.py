"""One sequential study a cell: trials on the training and validation part of its fold, the best one out.

The study lies in the cell's folder as an Optuna journal and holds finished trials only. Trials are asked from
a copy of it in memory, each by a sampler of its own that is seeded from the cell's identity and the number of
trials before, so a study that was broken off in the middle of a trial goes on as if it had not been.
"""

import hashlib
import logging
import math
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, SplitError, parameter
from bench.methods.method import Progress, Run
from bench.methods.parameters import build
from bench.methods.search_space import OBJECTIVE, Dimension, Float, Int, SearchBudget
from bench.methods.seeding import seed_global_generators
from bench.methods.variant import Variant
from bench.predictions.table import checked_predictions
from bench.splits.inner import folds_in_need, inner_split, is_inner
from bench.splits.split import Split
from bench.store.cell import Cell
from bench.tuning.objective import Inner, Objective

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)

JOURNAL, STUDY = "study.journal", "tuning"
REPORTS = "reports.txt"
# A method whose first trials all fail is not searched any further, whatever the budget.
MAX_FAILURES = 10
# Progress of a tuning is reported in thousandths of its budget.
STEPS = 1000


@dataclass(frozen=True)
class StudyTask:
    """What a study is about.

    Parameters
    ----------
    cell, variant, tuning
        The cell, its method with the parameters that are tried first, and the budget with the space.
    parts
        See :func:`tuning_parts`.
    run
        Seed, device and threads of every fit; ``workdir`` holds the folders of trials.
    """

    cell: Cell
    variant: Variant
    tuning: SearchBudget
    parts: Sequence[Inner]
    run: Run

    @cached_property
    def _blinded(self) -> list[Cohort]:
        return [part.evaluated.blind() for part in self.parts]

    def blind(self, part: int) -> Cohort:
        """The evaluated cases of a part without labels, with a table that no trial before had."""
        cases = self._blinded[part]
        return replace(cases, table=cases.table.copy())


@dataclass(frozen=True)
class Tuned:
    """Hyperparameters that won, and the record of how."""

    params: Mapping[str, Any]
    record: Mapping[str, Any]


def tuning_parts(cohort: Cohort, split: Split, fold: int, inner_folds: int) -> list[Inner]:
    """What the trials of a fold are evaluated on; no part has a test case.

    The validation part; where it is too small and inner folds were asked for, each training case in turn, by
    cross-validation within the training part. An inner cell, whose fold is such a part already, has no folds
    of its own.
    """
    outer = split.folds[fold]
    if not inner_folds or is_inner(split.name) or fold not in folds_in_need(cohort, split):
        train, val = cohort.take(outer.train), cohort.take(outer.val)
        return [Inner(train, val, val)]
    inner = inner_split(cohort, split, fold, inner_folds)
    return [Inner(*(cohort.take(ids) for ids in (cut.train, cut.val, cut.test))) for cut in inner.folds]


def tuned_params(
    cell: Cell, variant: Variant, parts: Sequence[Inner], run: Run, folder: Path
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Hyperparameters that a cell is fitted with, and the record of its tuning, empty where it has none.

    Trials are evaluated on ``parts``. The study is kept in ``folder``, the cell's own.
    """
    if variant.tuning is None:
        return variant.params, {}
    tuned = tune(StudyTask(cell, variant, variant.tuning, parts, run), folder / JOURNAL)
    return tuned.params, tuned.record


def tune(search: StudyTask, journal: Path) -> Tuned:
    """Run the study of a cell, or what is missing of it.

    Trial 0 has the parameters of the variant, the others are proposed by a tree-structured Parzen estimator
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
        The evaluated cases allow no task to be scored.
    PluginError
        No trial completed, or the first ten all failed.
    """
    objective = Objective(search.parts)
    _require_objective(search, objective)
    study = open_study(journal)
    finished = study.trials
    asked = _copy_in_memory(finished)
    while not _is_spent(finished, search.tuning):
        closed = _run_trial(search, objective, asked, finished)
        study.add_trial(closed)
        finished.append(closed)
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
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    return max(complete, key=lambda trial: (_value(trial), -trial.number), default=None)


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


def _require_objective(search: StudyTask, objective: Objective) -> None:
    """Raise SplitError where even the baseline predictor cannot be evaluated."""
    if math.isnan(objective.baseline):
        cases = sum(len(part.evaluated) for part in search.parts)
        raise SplitError(
            f"{search.cell.method}: no ranked task can be scored on the {cases} cases that trials of fold "
            f"{search.cell.fold} are evaluated on: they lack labels, or a class; give "
            f"{parameter('inner_folds', '3')}, or use a split with larger validation parts"
        )


def _is_spent(trials: Sequence["FrozenTrial"], tuning: SearchBudget) -> bool:
    """Whether the budget is used up; the defaults are always tried."""
    if len(trials) >= MAX_FAILURES and all(trial.state.name == "FAIL" for trial in trials):
        return True
    if tuning.trials:
        return len(trials) >= tuning.trials
    return bool(trials) and _seconds(trials) >= tuning.seconds


def _copy_in_memory(finished: Sequence["FrozenTrial"]) -> "Study":
    import optuna

    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner())
    study.add_trials(finished)
    return study


def _run_trial(
    search: StudyTask, objective: Objective, study: "Study", finished: Sequence["FrozenTrial"]
) -> "FrozenTrial":
    """Ask for the next trial, run it, and give it back finished."""
    from optuna import TrialPruned
    from optuna.trial import TrialState

    trial = _ask(search, study, len(finished))
    value, noted = None, {}
    started = time.perf_counter()
    try:
        value, state = _score(search, objective, trial, finished), TrialState.COMPLETE
    except TrialPruned:
        state = TrialState.PRUNED
    except Exception as error:  # a method may raise anything; the study goes on without this trial
        log.warning("trial %d failed: %s", trial.number, traceback.format_exc())
        state, noted = TrialState.FAIL, {"reason": f"{type(error).__name__}: {error}"}
    shutil.rmtree(_folder(search, trial), ignore_errors=True)
    told = study.tell(trial, value, state)
    return _closed(told, {"seconds": round(time.perf_counter() - started, 3), **noted})


def _ask(search: StudyTask, study: "Study", finished: int) -> "Trial":
    """The next trial of a study in memory that knows the finished ones."""
    from optuna.samplers import TPESampler

    name = f"{search.cell.id}:{finished}"
    study.sampler = TPESampler(seed=int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]))
    if not finished:
        study.enqueue_trial({name: search.variant.params[name] for name in search.tuning.space})
    # The sampler draws in this order, and a space that was read back from a record is in another one.
    return study.ask({name: _distribution(value) for name, value in sorted(search.tuning.space.items())})


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, Int):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return CategoricalDistribution(dimension.choices)


def _score(
    search: StudyTask, objective: Objective, trial: "Trial", finished: Sequence["FrozenTrial"]
) -> float:
    """Fit and evaluate the trial on every part."""
    params = {**search.variant.params, **trial.params}
    predictions = []
    for index, part in enumerate(search.parts):
        folder = _folder(search, trial) / f"part-{index}"
        folder.mkdir(parents=True, exist_ok=True)
        report = _part_report(search, finished, index)
        if index == 0:
            report = _watched(trial, folder.with_suffix(".reports"), report)
        seed_global_generators(search.run.seed)
        method = build(search.variant.spec, params)
        method = method.fit(part.train, part.val, replace(search.run, workdir=folder, report=report))
        returned = method.predict(search.blind(index))
        predictions.append(checked_predictions(search.cell.method, returned, part.evaluated))
    return objective.value(predictions)


def _folder(search: StudyTask, trial: "Trial") -> Path:
    return search.run.workdir / f"trial-{trial.number}"


def _part_report(search: StudyTask, finished: Sequence["FrozenTrial"], index: int) -> Progress:
    """Progress of one part of a trial as progress of the cell, whose last fit is like one trial more."""
    tuning, parts = search.tuning, len(search.parts)

    def report(step: int, total: int, score: float | None) -> None:
        if tuning.trials:
            share = (len(finished) + (index + step / max(total, 1)) / parts) / (tuning.trials + 1)
        else:
            share = min(1.0, _seconds(finished) / tuning.seconds)
        search.run.report(round(STEPS * share), STEPS, score)

    return report


def _watched(trial: "Trial", path: Path, forward: Progress) -> Progress:
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
        for before in sorted(reached for reached in earlier if reached < step):
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


def _closed(told: "FrozenTrial", noted: Mapping[str, Any]) -> "FrozenTrial":
    """The trial as it goes into the journal; a pruned one has the last score that it reported."""
    from optuna.trial import create_trial

    closed = create_trial(
        state=told.state,
        value=told.value,
        params=told.params,
        distributions=told.distributions,
        intermediate_values=told.intermediate_values,
        user_attrs=dict(noted),
    )
    closed.datetime_start = told.datetime_start
    return closed


def _outcome(search: StudyTask, trials: Sequence["FrozenTrial"]) -> Tuned:
    best = best_trial(trials)
    if best is None:
        why = next(
            (trial.user_attrs["reason"] for trial in trials if "reason" in trial.user_attrs),
            "all were pruned",
        )
        raise PluginError(f"{search.cell.method}: none of {len(trials)} trials completed; the first: {why}")
    states = [trial.state.name for trial in trials]
    default = trials[0].value if states[0] == "COMPLETE" else None
    record = {
        "budget": search.tuning.budget,
        "reproducible": search.tuning.reproducible,
        "objective": OBJECTIVE,
        "judged_cases": sum(len(part.evaluated) for part in search.parts),
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
    return Tuned({**search.variant.params, **best.params}, record)


def _value(trial: "FrozenTrial") -> float:
    return -math.inf if trial.value is None else trial.value


def _seconds(trials: Sequence["FrozenTrial"]) -> float:
    return float(sum(trial.user_attrs["seconds"] for trial in trials))
