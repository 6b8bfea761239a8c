"""Predictions for exams as text and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Any

import numpy as np

from bench.deploy.bundle import Bundle
from bench.deploy.card import RESEARCH
from bench.deploy.predict import ExamPrediction, TaskPrediction
from bench.task import Task

SYNTHETIC = "The models were fitted to synthetic phantoms: what they say of a patient means nothing."


def predictions_text(
    bundle: Bundle,
    found: Sequence[ExamPrediction],
    read: Mapping[str, object] | None = None,
    width: int = 80,
) -> str:
    """What the models say of each exam, for somebody who reads it.

    ``read`` says how an exam in DICOM files was read: which phase, which mask, what was left out.
    """
    lines = [RESEARCH, *([SYNTHETIC] if bundle.synthetic else [])]
    lines.append(f"{bundle.label}, {len(bundle.models)} models of {bundle.cohort}, {bundle.split}.")
    blocks = ["\n".join(fill(line, width) for line in lines)]
    blocks += ["\n".join(_exam(bundle, exam, width)) for exam in found]
    if read:
        told = (f"{name.replace('_', ' ')}: {_listed(value)}" for name, value in read.items())
        blocks.append("\n".join(fill(line, width, subsequent_indent="  ") for line in told))
    return "\n\n".join(blocks)


def predictions_json(
    bundle: Bundle, found: Sequence[ExamPrediction], read: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The same for programs; null where a number is not known."""
    return {
        "use": RESEARCH,
        "synthetic": bundle.synthetic,
        "method": bundle.label,
        "cohort": bundle.cohort,
        "split": bundle.split,
        "models": len(bundle.models),
        "exams": [{**asdict(exam), "tasks": [_plain(asdict(said)) for said in exam.tasks]} for exam in found],
        **({"read": dict(read)} if read else {}),
    }


def _exam(bundle: Bundle, exam: ExamPrediction, width: int) -> Iterator[str]:
    yield exam.case_id
    for task, said in zip(bundle.tasks, exam.tasks, strict=True):
        yield fill(f"  {_said(task, said)}", width, subsequent_indent="    ")
    yield fill(f"  subtype: {exam.subtype}", width, subsequent_indent="    ")
    for warning in exam.warnings:
        yield fill(f"  warning: {warning}", width, subsequent_indent="    ")


def _said(task: Task, said: TaskPrediction) -> str:
    digits = 3 if task.kind == "binary" else 1
    unit = f" {task.unit}" if task.unit else ""
    spread = (
        f" ({said.models} models, {said.low:.{digits}f} to {said.high:.{digits}f})" if said.models > 1 else ""
    )
    return f"{task.title or task.name}: {said.value:.{digits}f}{unit}{spread}{_decision(task, said)}"


def _decision(task: Task, said: TaskPrediction) -> str:
    if task.kind != "binary":
        return ""
    if said.positive is None or said.thresholds is None:
        return f"; no decision: {said.reason}"
    low, high = said.thresholds
    cuts = f"threshold {low:.3f}" if low == high else f"thresholds {low:.3f} to {high:.3f}"
    return f"; {'positive' if said.positive else 'negative'} ({cuts})"


def _listed(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in content.items()
    }
