"""Boards with ordinary and with hostile names."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from markdown_it import MarkdownIt

from bench.inference import Bootstrap, Difference, Interval
from bench.metrics import METRICS
from bench.predictions.results import Results
from bench.report.board import BOARD_CSV
from bench.report.columns import COLUMNS, cells, record
from bench.report.findings import finding
from bench.report.notes import brief_notes, column_notes, facts, file_notes
from bench.report.table import Table
from bench.scoring.scores import Score
from bench.task import Task

TASKS = (
    Task("er", "binary", "ER", positive="positive by ASCO/CAP"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)


HOSTILE = (
    r"a_b%c&d#e$f{g}~h^i\j|k<l>",
    "spatial_mtl[surround=False]",
    "[first]",
    "[text](link)",
    "[text][link]",
    "![image](link)",
    "*star",
    "_private_",
    "__init__",
    "`code`",
    "=SUM(A1:A9)",
    "+1",
    "-1",
    "--mdash---",
    "@cmd",
    "'quoted'",
    "''twice''",
    'say "no"',
    "a,b;c\td",
    "&amp; &lt;b&gt;",
    "# heading #",
    "1. item",
    "~~gone~~",
    r"\textbf{x}\\",
    "AUC ↑ ≥ 0.8 ± β²",
    "é ñ ü ç š ő å Ø ł ß œ ï",
    "x\\",
)


OTHERS = "".join(map(chr, range(33, 127))) + "aeiouéñüß↑↓≥≤µ\u03b1Ω\u2013…"


def random_names(count: int) -> tuple[str, ...]:
    """Names of 1 to 12 characters, of which most are punctuation."""
    rng = np.random.default_rng(0)
    return tuple("".join(rng.choice(list(OTHERS), size=rng.integers(1, 13))) for _ in range(count))


def score(method: str, task: Task = TASKS[0], **changes: Any) -> Score:
    metric = METRICS["auc" if task.kind == "binary" else "mae"]
    value = 0.712 if task.kind == "binary" else 9.87
    made = Score(
        task=task,
        metric=metric,
        method=method,
        status="ok",
        n=74,
        positives=53 if task.kind == "binary" else None,
        fit_seconds=12.5,
        parameters=123456,
        rank=1,
        value=value,
        interval=Interval(value * 0.9, value * 1.1),
        constant=0.5 if task.kind == "binary" else 11.9,
        gain=Difference(0.0312, Interval(-0.21, 0.14), 0.2),
        constant_p=0.01,
        patients=74,
        positive_patients=53 if task.kind == "binary" else None,
        ceiling=0.9 if task.kind == "binary" else 6.4,
        oracle_skill=-0.4,
        oracle_skill_interval=Interval(-1.2, 0.35),
        pooled=0.7 if task.kind == "binary" else float("nan"),
        seeds=1,
    )
    return replace(made, **changes)


def failed(method: str, task: Task = TASKS[0], status: str = "failed: out of memory (5 of 5 cells)") -> Score:
    return Score(task, METRICS["auc"], method, status, 74, 53, None, None)


def table(*scores: Score, **changes: Any) -> Table:
    """A ranked board of these scores."""
    results = Results(
        tasks=TASKS,
        cohort="phantom_x",
        cohort_title="Embedded phantom",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="CC0",
        split="external_cv",
        split_title="Five external folds",
        estimand="This is site-adapted cross-validation.",
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=pd.DataFrame(),
        methods=(),
        versions={"Python": "3.11", "dcebench": "0.1"},
        hardware="CPU with 2 CPU threads",
    )
    made = Table(
        title="Leaderboard: phantom_x, external_cv",
        synthetic=True,
        columns=COLUMNS,
        rows=tuple(cells(score) for score in scores),
        brief=brief_notes(results, scores),
        notes=(finding(results, scores), *file_notes(results, scores, Bootstrap(), ranked=True)),
        records=tuple(record(score) for score in scores),
        csv_columns=BOARD_CSV,
        facts=facts(results, Bootstrap()),
        column_notes=column_notes(results),
    )
    return replace(made, **changes)


def board() -> Table:
    """Two tasks with three methods each, one of which failed."""
    return table(
        *(score(name, task, rank=rank) for task in TASKS for name, rank in (("good_one", 1), ("poor", 2))),
        failed("broken"),
    )


def read_markdown(text: str) -> list[list[str]]:
    """The text of the table cells, as an independent parser shows it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows: list[list[str]] = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline" and tokens[index - 1].type in ("td_open", "th_open"):
            assert {child.type for child in token.children or []} <= {"text", "text_special"}
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows
