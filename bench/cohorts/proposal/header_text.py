"""The text of the proposed cohort.toml."""

import json
import re
from collections.abc import Sequence

from bench.cohorts.columns import ROLES
from bench.cohorts.header import CATEGORICAL
from bench.cohorts.proposal.columns import Column
from bench.cohorts.proposal.recipes import said_by
from bench.cohorts.proposal.surrogate_mask import SPHERE_MM
from bench.cohorts.proposal.surrogates import Surrogate

TITLES = {"er": "ER", "pr": "PR", "her2": "HER2", "hr": "HR", "ki67": "Ki-67"}


def header_text(name: str, columns: Sequence[Column], surrogates: Sequence[Surrogate], cases: int) -> str:
    """Text of cohort.toml; ``cases`` is their number, of which ``surrogates`` have masks that nobody drew."""
    lines = [
        "# Proposed by `bench cohort init` from column names: read every line and correct it.",
        f"name = {_quoted(re.sub(r'[^A-Za-z0-9_-]+', '_', name))}",
        f"title = {_quoted(_title(name, surrogates, cases))}",
        "synthetic = false",
        'licence = ""  # who may use the cases',
        'citation = ""',
        _label_rule(columns),
    ]
    for column in columns:
        if column.use == "task":
            lines += ["", *_task_lines(column)]
    lines += ["", "[columns]"]
    for role in ROLES:
        chosen = [column for column in columns if column.use == role]
        names = [(column.name, column.why) for column in chosen]
        if role == "ignore" and surrogates:
            names.append(("mask_source", "mask, box or point: what the mask was made from"))
        if names:
            lines += [f"{role} = [", *(f"    {_quoted(name)},  # {why}" for name, why in names), "]"]
    codes = [column.name for column in columns if column.categorical]
    if codes:
        lines += [
            f"{CATEGORICAL} = [",
            *(f"    {_quoted(name)}," for name in codes),
            "]  # codes, not numbers",
        ]
    return "\n".join(lines) + "\n"


def _label_rule(columns: Sequence[Column]) -> str:
    rules = [said_by(column.recipe) for column in columns if column.recipe is not None]
    if not rules:
        return 'label_rule = ""  # how the labels were made, such as: ER positive from 1 % of nuclei on'
    return f"label_rule = {_quoted('; '.join(rules))}"


def _title(name: str, surrogates: Sequence[Surrogate], cases: int) -> str:
    if not surrogates:
        return name
    boxes = sum(mask.source == "box" for mask in surrogates)
    kinds = [
        *([f"{boxes} ellipsoid(s) in a box"] if boxes else []),
        *(
            [f"{len(surrogates) - boxes} sphere(s) of {SPHERE_MM:g} mm round a point"]
            if boxes < len(surrogates)
            else []
        ),
    ]
    return f"{name} ({len(surrogates)} of {cases} masks are surrogates of drawn ones: {', '.join(kinds)})"


def _task_lines(column: Column) -> list[str]:
    head = [f"[tasks.{_key(column.name)}]  # from {_quoted(column.source)}"]
    title = f"title = {_quoted(TITLES.get(column.name, column.name.upper()))}"
    if column.name == "ki67":
        return [*head, 'kind = "continuous"', title, 'unit = "percentage points"', "range = [0, 100]"]
    if column.recipe is not None and not column.recipe.binary:
        return [*head, 'kind = "continuous"', title]
    positive = _quoted(said_by(column.recipe) if column.recipe else f"{column.source} is positive")
    return [*head, 'kind = "binary"', title, f"positive = {positive}  # say what a 1 means"]


def _key(name: str) -> str:
    """A TOML key: bare where it can be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A TOML string; comments in one line need the same care."""
    return json.dumps(text, ensure_ascii=False)
