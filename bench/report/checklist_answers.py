"""What a run can say to the questions that reporting checklists ask."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.report.board import leaderboard
from bench.report.columns import task_title
from bench.report.findings import enumerate_names
from bench.report.methods_text import Section, counted_as
from bench.report.notes import FINGERPRINT_DIGITS
from bench.scoring.sample import metric_of
from bench.splits.split import Split

State = Literal["run", "part", "command", "authors"]
# Parameters of methods that say how images become their input.
INPUT_PARAMETERS = re.compile(r"(_mm|image_types|channels|bin_|normal|resampl|radiomics_file|harmonise)")
# Rows that use no image, or its size alone.
SIMPLE_ROWS = ("constant", "tumour_size", "clinical", "acquisition", "site_only")


class Answer(NamedTuple):
    """State of an item and what is said to it."""

    state: State
    text: str = ""


@dataclass(frozen=True)
class Evidence:
    """What answers are drawn from: results, split and the sections of the methods text by title."""

    results: Results
    split: Split
    sections: Mapping[str, Section]
    bootstrap: Bootstrap

    def section(self, title: str) -> str:
        """The paragraphs of a section as one text without citations; empty where there is none."""
        held = self.sections.get(title)
        return re.sub(r" \[@[^\]]+\]", "", " ".join(held.paragraphs)) if held else ""

    @cached_property
    def board(self) -> tuple[Mapping[str, Any], ...]:
        """The rows of the board with their numbers."""
        return tuple(leaderboard(self.results, self.bootstrap).records)

    @property
    def tested(self) -> Any:
        """Truth of the tested cases."""
        return self.results.truth.loc[list(self.results.tested) or self.results.truth.index]

    @property
    def sites(self) -> tuple[set[str], set[str]]:
        """Sites that some fold learns from, and sites that are tested."""
        sites = self.results.truth["site"]
        learnt = {case for fold in self.split.folds for case in (*fold.train, *fold.val)}
        return set(sites[sites.index.isin(learnt)]), set(self.tested["site"])


def _sources(evidence: Evidence) -> Answer:
    return Answer("part", evidence.section("Cases"))


def _flow(evidence: Evidence) -> Answer:
    return Answer("part", f"{_numbers(evidence).text} `bench cohort describe` draws the flow of an import.")


def _numbers(evidence: Evidence) -> Answer:
    return Answer("run", evidence.section("Cases"))


def _missing(evidence: Evidence) -> Answer:
    tested = evidence.tested
    lacking = [
        f"{task_title(task)} {int(np.isnan(tested[task.name].to_numpy(float)).sum())}"
        for task in evidence.results.tasks
    ]
    return Answer(
        "part",
        f"Labels missing of {len(tested)} tested cases: {', '.join(lacking)}; such a case does not count for "
        "that task and no label is imputed. Authors: missing covariates and images.",
    )


def _imbalance(evidence: Evidence) -> Answer:
    tested = evidence.tested
    shares = [
        f"{task_title(task)} {100 * np.nanmean(tested[task.name].to_numpy(float)):.0f} % positive"
        for task in evidence.results.tasks
        if task.kind == "binary" and tested[task.name].notna().any()
    ]
    return Answer("part", f"{', '.join(shares) or 'No binary task'}. Authors: what a method does about it.")


def _preprocessing(evidence: Evidence) -> Answer:
    said = []
    for method in evidence.results.methods:
        params = method.records[0]["identity"]["params"] if method.records else {}
        named = [f"{key} {value}" for key, value in params.items() if INPUT_PARAMETERS.search(key)]
        said += [f"{method.label}: {', '.join(named)}"] if named else []
    if not said:
        return Answer("authors", "No row has parameters that say how images become its input.")
    return Answer("part", f"{'; '.join(said)}. Authors: what was done before the cohort was made.")


def _acquisition(evidence: Evidence) -> Answer:
    return Answer("command", "`bench cohort describe` tables scanners, field strength and spacing by site.")


def _reference(evidence: Evidence) -> Answer:
    return Answer(
        "authors", "The label card of the cohort says what positive means; authors say how it was made."
    )


def _partition(evidence: Evidence) -> Answer:
    return Answer("run", evidence.section("Protocol"))


def _level(evidence: Evidence) -> Answer:
    patients = evidence.results.truth["patient_id"]
    for number, fold in enumerate(evidence.split.folds):
        parts = [set(patients.reindex(part).dropna()) for part in (fold.train, fold.val, fold.test)]
        if sum(map(len, parts)) != len(set.union(*parts)):
            return Answer("part", f"Fold {number}: a patient is in two parts.")
    return Answer("run", "Patients: none is in two parts of a fold, counted in every fold.")


def _size(evidence: Evidence) -> Answer:
    return Answer(
        "part",
        f"{_numbers(evidence).text} `bench compare` states the detectable difference of every pair. Authors: "
        "what was intended.",
    )


def _methods(evidence: Evidence) -> Answer:
    return Answer("part", f"{evidence.section('Methods compared')} Authors: details beyond these lines.")


def _software(evidence: Evidence) -> Answer:
    return Answer("run", evidence.section("Software"))


def _seeds(evidence: Evidence) -> Answer:
    seeds = sorted({seed for method in evidence.results.methods for seed in method.seeds})
    return Answer(
        "part", f"Training seeds {', '.join(map(str, seeds))}. Authors: weights trained beforehand, if any."
    )


def _training(evidence: Evidence) -> Answer:
    tuned = evidence.section("Tuning") or "No hyperparameter was searched."
    return Answer(
        "part", f"{tuned} Parameters of every row stand in its records. Authors: augmentation, loss."
    )


def _selection(evidence: Evidence) -> Answer:
    tuned = evidence.section("Tuning") or "No hyperparameter was searched."
    return Answer("part", f"{tuned} The board shows every row. Authors: how one was picked, if one was.")


def _ensemble(evidence: Evidence) -> Answer:
    named = [method.label for method in evidence.results.methods if method.is_ensemble]
    if named:
        return Answer("run", f"Means over the predictions of all seeds: {enumerate_names(named)}.")
    return Answer("run", "No row is an ensemble of seeds; each case is predicted by the model of its fold.")


def _metrics(evidence: Evidence) -> Answer:
    ranked = [
        f"{task_title(task)} by {metric_of(evidence.results, task).title}"
        for task in evidence.results.tasks
        if task.ranked
    ]
    return Answer("run", f"{', '.join(ranked) or 'No task'} ranked; `bench metrics` has all others.")


def _statistics(evidence: Evidence) -> Answer:
    return Answer("run", evidence.section("Statistics"))


def _thresholds(evidence: Evidence) -> Answer:
    said = [text for text in (evidence.section("Protocol").partition("Decisions on ")[2],) if text]
    if not said:
        return Answer("part", "No binary task, so no threshold. Authors: the form of the output.")
    return Answer("run", f"Probabilities; decisions on {said[0]} `bench thresholds` lists them.")


def _robustness(evidence: Evidence) -> Answer:
    return Answer(
        "command", "`bench audit --deep` moves masks and intensities and gives the ICC of predictions."
    )


def _explanation(evidence: Evidence) -> Answer:
    return Answer(
        "command",
        "`bench explain` writes where the models look, or what each feature adds, and how faithful that is.",
    )


def _internal(evidence: Evidence) -> Answer:
    learnt, tested = evidence.sites
    if learnt & tested:
        return Answer("run", evidence.split.title)
    return Answer("command", "No tested site was learnt from: `--split internal_cv` tests internally.")


def _external(evidence: Evidence) -> Answer:
    learnt, tested = evidence.sites
    if learnt and not learnt & tested:
        sites = f"{counted_as(len(tested), 'site')} that no method learnt from"
        return Answer("run", f"{evidence.split.title}: tested on {sites}.")
    return Answer(
        "command",
        "Not external: tested sites were learnt from. `--split external_frozen` tests on another centre.",
    )


def _sites(evidence: Evidence) -> Answer:
    return Answer("command", "`bench sites` shows each method at each site with intervals.")


def _fairness(evidence: Evidence) -> Answer:
    return Answer(
        "command", "`bench subgroups --by` shows groups of patients, their differences and disparity."
    )


def _confounders(evidence: Evidence) -> Answer:
    said = evidence.results.audit
    remedy = "`bench audit --deep` asks whether site, scanner or size explain the predictions."
    return Answer("part", f"{said} {remedy}") if said else Answer("command", remedy)


def _calibration(evidence: Evidence) -> Answer:
    return Answer(
        "command", "`bench metrics` has calibration intercept, slope and error; `bench figures` the curve."
    )


def _baselines(evidence: Evidence) -> Answer:
    present = [m.label for m in evidence.results.methods if m.label in SIMPLE_ROWS and m.status == "ok"]
    others = [name for name in present if name != "constant"]
    if not others:
        return Answer(
            "command", "`bench run --method tumour_size,clinical` adds rows that need no radiomics."
        )
    return Answer("run", f"On the same cases: {enumerate_names(present)}.")


def _values(evidence: Evidence) -> Answer:
    said = [_value(row) for row in evidence.board if row["value"] is not None]
    if not said:
        return Answer("command", "No row has a value yet.")
    return Answer("run", f"95 % intervals: {'; '.join(said)}.")


def _value(row: Mapping[str, Any]) -> str:
    shown = f"{row['method']} {row['task']} {row['metric']} {row['value']:.3f}"
    if row.get("ci_low") is None:
        return f"{shown} (no interval)"
    return f"{shown} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"


def _failures(evidence: Evidence) -> Answer:
    return Answer("command", "`bench cases --worst 20` lists and draws the cases farthest off.")


def _characteristics(evidence: Evidence) -> Answer:
    return Answer("command", "`bench cohort describe` writes Table 1 by group and site.")


def _limits(evidence: Evidence) -> Answer:
    synthetic = " The cases are synthetic." if evidence.results.synthetic else ""
    return Answer("part", f"{evidence.split.estimand}{synthetic} Authors: all other limits.")


def _protocol(evidence: Evidence) -> Answer:
    digits = FINGERPRINT_DIGITS
    return Answer(
        "part",
        f"Cohort {evidence.results.cohort_fingerprint[:digits]}, split "
        f"{evidence.split.fingerprint[:digits]}. "
        "Records hold every cell's parameters. Authors: where a protocol was published beforehand.",
    )


def _availability(evidence: Evidence) -> Answer:
    licence = evidence.results.licence or "not stated"
    return Answer(
        "part",
        f"Licence of the cohort: {licence}. A frozen board holds predictions and records. Authors: where "
        "data and code are.",
    )


def _model(evidence: Evidence) -> Answer:
    return Answer("command", "`bench bundle` writes the fitted models with their card.")


def _overlap(evidence: Evidence) -> Answer:
    return Answer("part", "Joined cohorts are searched for shared patients. Authors: earlier studies.")


ANSWERS: Mapping[str, Callable[[Evidence], Answer]] = {
    function.__name__.removeprefix("_"): function
    for function in (
        *(_sources, _flow, _numbers, _missing, _imbalance, _preprocessing, _acquisition, _reference),
        *(_partition, _level, _size, _methods, _software, _seeds, _training, _selection, _ensemble),
        *(_metrics, _statistics, _thresholds, _robustness, _explanation, _internal, _external, _sites),
        *(_fairness, _confounders, _calibration, _baselines, _values, _failures, _characteristics),
        *(_limits, _protocol, _availability, _model, _overlap),
    )
}
