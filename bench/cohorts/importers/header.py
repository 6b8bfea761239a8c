"""The text files of an imported cohort that its card alone decides: cohort.toml and the label card."""

import json
from collections.abc import Iterable

import numpy as np

from bench.cohorts.importers.importer import Card
from bench.task import Task


def cohort_toml(card: Card, features: str, images: bool = True) -> str:
    """``cohort.toml`` of a card.

    Parameters
    ----------
    features
        Name of the feature table, empty for none.
    images
        Whether cases have images.
    """
    texts: dict[str, str | bool] = {
        "name": card.name,
        "title": card.title or card.name,
        "synthetic": card.synthetic,
        "licence": card.licence,
        "citation": card.citation,
        "label_rule": card.label_rule,
        "features": features,
    }
    lines = [f"{key} = {_toml(value)}" for key, value in texts.items() if value != ""]
    if card.images and images:
        lines.append(f"images = [{', '.join(map(_toml, card.images))}]")
    for task in card.tasks:
        lines += ["", f"[tasks.{_toml(task.name)}]", *_task_lines(task)]
    roles = {
        role: [name for name, given in card.roles.items() if given == role] for role in card.roles.values()
    }
    if card.categorical:
        roles["categorical"] = list(card.categorical)
    if roles:
        lines += ["", "[columns]"]
        lines += [f"{role} = [{', '.join(map(_toml, names))}]" for role, names in roles.items()]
    return "\n".join(lines) + "\n"


def _task_lines(task: Task) -> Iterable[str]:
    yield f"kind = {_toml(task.kind)}"
    if task.title:
        yield f"title = {_toml(task.title)}"
    if task.kind == "binary":
        yield f"positive = {_toml(task.positive)}"
    else:
        yield f"unit = {_toml(task.unit)}"
        if np.isfinite(task.range).all():
            yield f"range = [{float(task.range[0])!r}, {float(task.range[1])!r}]"
    if not task.ranked:
        yield "ranked = false"


def _toml(value: str | bool) -> str:
    """A TOML value; JSON's strings are TOML's basic strings but for the DEL character."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def label_card(card: Card) -> str:
    """The label card: what each label means, what the source lacks, what others have reached on it."""
    lines = [f"# Labels of {card.title or card.name}", "", card.label_rule or "No rule is stated.", ""]
    for task in card.tasks:
        meaning = (
            f"1 = {task.positive}, 0 = not" if task.kind == "binary" else f"in {task.unit or 'its unit'}"
        )
        lines.append(f"- {task.name}: {meaning}; an empty cell is unknown")
    for heading, text in (("Not in the source", card.lacks), ("Subtypes", card.subtype_rule)):
        if text:
            lines += ["", f"{heading}: {text}"]
    if card.published:
        lines += ["", "| published | metric | score | interval | source |", "|---|---|---|---|---|"]
    for row in card.published:
        interval = "not published" if row.low is None else f"{row.low} to {row.high}"
        lines.append(f"| {row.task} | {row.metric} | {row.value} | {interval} | {row.source} |")
    for heading, text in (("Licence", card.licence), ("Cite", card.citation)):
        if text:
            lines += ["", f"{heading}: {text}"]
    return "\n".join(lines) + "\n"
