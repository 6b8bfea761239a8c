"""Predictions of a bundle for exams: the mean over its models, decisions, and what lies outside training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.deploy.bundle import Bundle, Model
from bench.deploy.coverage import outside
from bench.deploy.embedding import far_from_training
from bench.deploy.facts import DIGEST, exam_facts
from bench.deploy.offers import embeddings
from bench.errors import BenchError, PluginError, UsageError
from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import Method, MethodSpec
from bench.methods.parameters import method_class
from bench.methods.variant import Variant
from bench.predictions.table import checked_predictions
from bench.predictions.thresholds import YOUDEN, reaches
from bench.running.run_cell import unmet_need
from bench.scoring.subtypes.rules import OUTSIDE, RECEPTORS, UNDETERMINED, classes_of, find_rule, role_tasks
from bench.task import Task

LEARNED = "every model has learned from this exam: these are no predictions of a new case"


@dataclass(frozen=True)
class TaskPrediction:
    """What the models say of one task of one exam.

    Parameters
    ----------
    value, low, high, sd
        Mean, lowest, highest and standard deviation over the models: a probability of the task's positive
        class, or a value in the task's unit. The spread is that between models, no interval for the truth.
    models
        How many models that is.
    positive
        Whether more than half of the models reach their own thresholds; None for a continuous task, at a tie,
        or where a model has no threshold.
    thresholds
        Lowest and highest threshold of the models; None where there is none.
    reason
        Why there is no decision; empty where there is one.
    """

    task: str
    value: float
    low: float
    high: float
    sd: float
    models: int
    positive: bool | None = None
    thresholds: tuple[float, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class ExamPrediction:
    """What the models say of one exam.

    Parameters
    ----------
    subtype
        By the named rule; ``undetermined`` where an input has no decision, or why there is none.
    warnings
        What of the exam the training cases did not cover, and whether models have learned from it.
    """

    case_id: str
    tasks: tuple[TaskPrediction, ...]
    subtype: str
    warnings: tuple[str, ...]


def loaded_models(bundle: Bundle, spec: MethodSpec, exams: Cohort) -> list[Method]:
    """The fitted models, read from their folders.

    Raises
    ------
    UsageError
        The installed code of the method is not what fitted the models, or the exams lack what it needs.
    PluginError
        The method cannot read them.
    """
    load = model_loader(spec, bundle.label, bundle.params, bundle.code, bundle.versions, exams)
    return [load(model.folder) for model in bundle.models]


def model_loader(
    spec: MethodSpec,
    label: str,
    params: Mapping[str, Any],
    code: str,
    versions: Mapping[str, str],
    exams: Cohort,
) -> Callable[[Path], Method]:
    """What reads fitted models of a row from their folders; raises as :func:`loaded_models`.

    Parameters
    ----------
    params, code, versions
        Hyperparameters, fingerprint of the code and versions of the packages that fitted them.
    exams
        What they are for.
    """
    if code_fingerprint(spec) != code:
        raise UsageError(
            f"the models were fitted by another version of {spec.name}: its code here differs; install "
            f"the version that fitted them ({_versions(versions)}), or fit it again"
        )
    if (why := unmet_need(Variant(spec, dict(params), code, label), exams)) is not None:
        raise UsageError(f"{label} {why}")
    load: Callable[..., Method] | None = getattr(method_class(spec), "load", None)
    if load is None:
        raise PluginError(f"{spec.target} has no load; see the plugin guide")
    return lambda folder: _loaded(load, folder)


def predict_exams(
    bundle: Bundle,
    methods: Sequence[Method],
    exams: Cohort,
    rule: str = YOUDEN,
    subtypes: str = "receptor_only",
) -> tuple[ExamPrediction, ...]:
    """Predictions of the models for each exam.

    A model that has learned from an exam does not count for it, so that the exams a model was tested on get
    the prediction that was scored; where all have, all count, and a warning says so.

    Parameters
    ----------
    methods
        As of :func:`loaded_models`.
    rule
        Of the thresholds, see :data:`bench.predictions.thresholds.RULES`.
    subtypes
        Name of the subtype rule.

    Raises
    ------
    CohortError
        An exam cannot be read, or lacks what the method needs.
    PluginError
        A model returns something else than predictions.
    """
    blind = exams.blind()
    facts = exam_facts(blind)
    digests = [str(digest) for digest in facts.get(DIGEST, pd.Series("", index=facts.index))]
    counts = np.array([[digest not in model.learned_from for digest in digests] for model in bundle.models])
    all_learned: np.ndarray = np.logical_not(counts.any(axis=0))
    counts[:, all_learned] = True
    values = [
        checked_predictions(
            f"{bundle.label}, seed {model.seed}, fold {model.fold}", method.predict(blind), blind
        )
        for model, method in zip(bundle.models, methods, strict=True)
    ]
    rows = [{str(name): value for name, value in row.items()} for row in facts.to_dict("records")]
    embedded = _embedded(bundle, methods, blind)
    found = []
    for place, case_id in enumerate(blind.case_ids):
        said = tuple(
            _task_prediction(bundle, task, [one[task.name][place] for one in values], counts[:, place], rule)
            for task in bundle.tasks
        )
        warnings = ([LEARNED] if all_learned[place] else []) + outside(bundle.coverage, rows[place])
        warnings += _far(bundle, embedded, counts[:, place], place)
        found.append(ExamPrediction(case_id, said, _subtype(bundle.tasks, said, subtypes), tuple(warnings)))
    return tuple(found)


def _embedded(bundle: Bundle, methods: Sequence[Method], exams: Cohort) -> dict[str, np.ndarray]:
    """Each model's embedding of the exams, shape (case, feature), by its name, where a range is known."""
    found = {
        model.name: embeddings(method, exams)
        for model, method in zip(bundle.models, methods, strict=True)
        if model.name in bundle.embeddings
    }
    return {name: seen for name, seen in found.items() if seen is not None}


def _far(bundle: Bundle, embedded: Mapping[str, np.ndarray], counts: np.ndarray, place: int) -> list[str]:
    """What the embeddings of the models that count for an exam say of it."""
    named = [model.name for model, counted in zip(bundle.models, counts, strict=True) if counted]
    known = [name for name in named if name in embedded]
    said = far_from_training(
        [bundle.embeddings[name] for name in known], [embedded[name][place] for name in known]
    )
    return [said] if said else []


def _versions(versions: Mapping[str, str]) -> str:
    named = [f"{name} {version}" for name, version in versions.items() if "bench" in name]
    return ", ".join(named) or "its version is not recorded"


def _loaded(load: Callable[..., Method], folder: Path) -> Method:
    try:
        return load(folder)
    except BenchError:
        raise
    except Exception as error:  # a stranger's method may raise anything
        raise PluginError(f"cannot load {folder}: {type(error).__name__}: {error}") from error


def _task_prediction(
    bundle: Bundle, task: Task, values: Sequence[float], counts: np.ndarray, rule: str
) -> TaskPrediction:
    used = np.array(values, float)[counts]
    spread = float(used.std(ddof=1)) if len(used) > 1 else float("nan")
    found = TaskPrediction(
        task.name, float(used.mean()), float(used.min()), float(used.max()), spread, len(used)
    )
    if task.kind != "binary":
        return found
    models = [model for model, counted in zip(bundle.models, counts, strict=True) if counted]
    positive, thresholds, reason = _decision(bundle, task, models, used, rule)
    return TaskPrediction(**vars(found) | {"positive": positive, "thresholds": thresholds, "reason": reason})


def _decision(
    bundle: Bundle, task: Task, models: Sequence[Model], used: np.ndarray, rule: str
) -> tuple[bool | None, tuple[float, float] | None, str]:
    """Whether most models reach their own thresholds, the lowest and highest of these, or why not."""
    by_cell = {
        (one.seed, one.fold): one for one in bundle.thresholds if (one.task, one.rule) == (task.name, rule)
    }
    chosen = [by_cell.get((model.seed, model.fold)) for model in models]
    without = [one for one in chosen if one is None or np.isnan(one.value)]
    if without:
        why = without[0].reason if without[0] is not None else f"no threshold by the rule {rule}"
        return None, None, f"{len(without)} of {len(models)} models have no threshold: {why}"
    cuts = np.array([one.value for one in chosen if one is not None])
    share = float(reaches(used, cuts).mean())
    between = (float(cuts.min()), float(cuts.max()))
    return (None, between, "half of the models say positive") if share == 0.5 else (share > 0.5, between, "")


def _subtype(tasks: Sequence[Task], said: Sequence[TaskPrediction], name: str) -> str:
    rule = find_rule(name)
    try:
        roles = role_tasks(rule, tasks)
    except UsageError as error:
        return f"none: {error}"
    by_task = {one.task: one for one in said}
    statuses: Mapping[str, np.ndarray] = {
        role: np.array([_status(by_task[task.name], role)]) for role, task in roles.items()
    }
    code = int(classes_of(rule, statuses)[0])
    return {UNDETERMINED: "undetermined", OUTSIDE: "no class of the rule"}.get(code) or rule.classes[code]


def _status(said: TaskPrediction, role: str) -> float:
    if role not in RECEPTORS:
        return said.value
    return float("nan") if said.positive is None else float(said.positive)
