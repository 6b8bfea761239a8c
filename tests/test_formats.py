"""One table as Markdown, LaTeX, CSV and JSON: the same text in each, whatever the names hold."""

import csv
import io
import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Task
from bench.errors import UsageError
from bench.inference import Difference, Interval
from bench.leaderboard import BOARD_CSV, Results, Score
from bench.listing import BoardFormat, board_format
from bench.metrics import METRICS
from bench.report import select_columns, to_csv, to_json, to_latex, to_markdown
from bench.report.cells import COLUMNS, cells, record
from bench.report.findings import finding
from bench.report.latex import escape_latex
from bench.report.notes import brief_notes, column_notes, facts, file_notes
from bench.report.select import COLUMN_NAMES, COLUMNS_HELP, RECORD_NAMES
from bench.report.table import Table
from bench.report.terminal import to_rich

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
        share=-0.4,
        share_interval=Interval(-1.2, 0.35),
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
        rows=tuple(cells(its) for its in scores),
        brief=brief_notes(results, scores),
        notes=(finding(results, scores), *file_notes(results, scores, 2000, 0, ranked=True)),
        records=tuple(record(its) for its in scores),
        csv_columns=BOARD_CSV,
        facts=facts(results, 2000, 0),
        column_notes=column_notes(results),
    )
    return replace(made, **changes)


def board() -> Table:
    """Two tasks with three methods each, one of which failed."""
    return table(
        *(score(name, task, rank=rank) for task in TASKS for name, rank in (("good_one", 1), ("poor", 2))),
        failed("broken"),
    )


def visible(text: str) -> str:
    """What a reader can tell apart: no control characters, composed letters."""
    return unicodedata.normalize("NFC", re.sub(r"[\x00-\x20]+", " ", text))


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


def read_latex(text: str) -> str:
    """The text that LaTeX prints for an escaped one, by the meaning of its commands."""
    signs = {
        **{r"\textbackslash": "\\", r"\textasciitilde": "~", r"\textasciicircum": "^", r"\textbar": "|"},
        **{r"\textless": "<", r"\textgreater": ">", r"\`": "`", r"\ss": "ß", r"\o": "ø", r"\O": "Ø"},
        **{r"\l": "ł", r"\oe": "œ", r"\dots": "…"},
    }
    maths = {
        **{"uparrow": "↑", "downarrow": "↓", "ge": "≥", "le": "≤", "pm": "±", "mu": "μ", "alpha": "\u03b1"},
        **{"beta": "β", "Omega": "Ω"},
    }
    accents = {"'": "\u0301", "~": "\u0303", '"': "\u0308", "c": "\u0327", "v": "\u030c", "H": "\u030b"}
    accents["r"] = "\u030a"
    pattern = re.compile(
        r"(?P<quote>\{\\ttfamily\\char34\})|\$\^2\$|\$\\(?P<maths>\w+)\$|(?P<sign>\\(?:[a-zA-Z]+|`))\{\}"
        r"|\\(?P<accent>['~\"cvHr])\{(?P<letter>\w)\}|\\(?P<mark>[#$%&_{}])|(?P<nothing>\{\})"
        r"|(?P<dash>--)|(?P<tie>~)|(?P<plain>[^\\{}$~#%&_^])"
    )

    def meaning(found: re.Match[str]) -> str:
        its = found.groupdict()
        if its["accent"]:
            return unicodedata.normalize("NFC", its["letter"] + accents[its["accent"]])
        if found[0] == "$^2$":
            return "²"
        named = {"quote": '"', "nothing": "", "dash": "\u2013", "tie": " "}
        named |= {"maths": maths.get(its["maths"] or ""), "sign": signs.get(its["sign"] or "")}
        return next(named.get(kind, part) for kind, part in its.items() if part is not None)

    assert pattern.sub("", text) == "", "nothing is left that LaTeX would read in another way"
    return pattern.sub(meaning, text)


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_markdown_as_it_was(names):
    text = to_markdown(select_columns(table(*map(score, names)), ["task", "metric", "method", "value"]))
    rows = read_markdown(text)
    assert [row[2] for row in rows[1:]] == [visible(name) for name in names]
    assert all(row[1] == "AUC ↑" for row in rows[1:])


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_csv_as_it_was_and_never_as_a_formula(names):
    rows = list(csv.DictReader(io.StringIO(to_csv(table(*map(score, names))), newline="")))
    assert [row["method"].removeprefix("'") for row in rows] == list(names)
    for row, name in zip(rows, names, strict=True):
        assert row["method"] == (f"'{name}" if name[0] in "=+-@\t\r'" else name)


def test_a_negative_number_is_no_formula_and_stays_as_it_is_in_csv():
    text = to_csv(select_columns(table(score("one")), ["recoverable_share", "better_low", "method"]))
    assert text == "recoverable_share,better_low,method\n-0.4,-0.21,one\n"


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_json_as_it_was(names):
    rows = json.loads(to_json(table(*map(score, names))))["rows"]
    assert [row["method"] for row in rows] == list(names)


@pytest.mark.parametrize("name", [*HOSTILE, *random_names(300)])
def test_a_name_is_read_back_from_latex_as_it_was(name):
    assert read_latex(escape_latex(name)) == visible(name).replace("µ", "μ")


def test_what_the_fonts_of_latex_lack_is_named_by_its_code_point():
    assert escape_latex("中 ą 🎀") == "U+4E2D U+0105 U+1F380"


def test_the_latex_of_a_board_has_what_a_papers_table_needs():
    text = to_latex(board())
    for needed in (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\caption{Leaderboard: phantom\_x, external\_cv. SYNTHETIC cohort, no number is about real",
        r"\label{tab:leaderboard-phantom-x-external-cv}",
        r"\textit{ER, AUC $\uparrow$}} \\",
        r"n (pos.) 74 (53), patients (pos.) 74 (53), constant 0.500, ceiling 0.900} \\",
        r"\textit{Ki-67, MAE $\downarrow$ (pp)}} \\",
        r"n (pos.) 74, patients (pos.) 74, constant 11.90, ceiling 6.40} \\",
        r"\textbf{1} & \textbf{good\_one} & 0.712 & 0.641 & 0.783 & $-$40 & $-$120 & 35 & 12 & 123,456 \\",
        r"2 & poor & 0.712",
        r"No value of broken for ER: failed: out of memory (5 of 5 cells).",
        "site-adapted cross-validation",
        "abababababab",
        "cdcdcdcdcdcd",
        r"72~\% positive",
        r"\texttt{external\_cv}",
        "Python 3.11, dcebench 0.1",
        "on CPU with 2 CPU threads",
    ):
        assert needed in text
    assert r"\multirow" not in text
    assert re.findall(r"\\usepackage(\S+)", text) == ["{booktabs}"]


def test_every_latex_row_fills_all_columns():
    text = to_latex(table(*map(score, HOSTILE), failed("broken"), score("alone", TASKS[1])))
    spec = re.search(r"\\begin\{tabular\}\{(.*)\}", text)[1]
    width = len(re.findall(r"[rlc]", re.sub(r"@\{(?:[^{}]|\{[^{}]*\})*\}", "", spec)))
    lines = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(lines) == 1 + 2 * 2 + len(HOSTILE) + 2
    for line in lines:
        merged = sum(int(count) - 1 for count in re.findall(r"\\multicolumn\{(\d+)\}", line))
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + merged == width


def test_a_long_board_becomes_several_latex_tables_with_the_notes_after_the_last():
    names = [f"method{index}" for index in range(60)]
    text = to_latex(table(*(score(name, task) for task in TASKS for name in names)))
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 5
    assert "Part 1 of 4, the notes follow the last." in text
    assert "ER, AUC $\\uparrow$ (continued)" in text
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(set(labels)) == 4
    assert text.index("What it shows") > text.rindex(r"\bottomrule")
    assert all(text.count(f"& \\textbf{{{name}}} &") == 2 for name in names)


def test_the_notes_have_a_page_of_their_own_where_the_last_is_full():
    text = to_latex(table(*(score(f"method{index}") for index in range(40))))
    assert text.count(r"\begin{table}") == 2
    assert text.count(r"\caption") == 1
    assert text.index("What it shows") > text.rindex(r"\begin{table}")


def compiled(body: str, folder: Path) -> str:
    """The log of pdflatex on an article with booktabs and nothing else; the page is ``page.pdf``."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended)")
    source = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
    (folder / "page.tex").write_text(source % body, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "page.log").read_text(errors="replace")


def test_a_board_compiles_with_booktabs_and_fits_the_page(tmp_path):
    log = compiled(to_latex(board()), tmp_path)
    assert not re.findall(r"Overfull|Missing character|Float too large", log)


def test_a_long_board_compiles_and_every_part_fits_its_page(tmp_path):
    names = [f"method{index}" for index in range(60)]
    log = compiled(to_latex(table(*(score(name, task) for task in TASKS for name in names))), tmp_path)
    assert not re.findall(r"Overfull|Missing character|Float too large", log)


def test_long_names_break_where_a_page_has_no_room(tmp_path):
    names = [f"spatial_mtl[surround_mm={index},regions=core+rim,width=32]" for index in range(3)]
    log = compiled(to_latex(table(*(score(name, task) for task in TASKS for name in names))), tmp_path)
    assert not re.findall(r"Overfull|Missing character|Float too large", log)


def test_hostile_names_compile_and_stand_on_the_page(tmp_path):
    names = [*HOSTILE, *random_names(12), "中 ą"]
    chosen = select_columns(table(*map(score, names)), ["method", "rank"])
    log = compiled(to_latex(chosen), tmp_path)
    assert "Missing character" not in log
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    command = ["pdftotext", "-layout", "page.pdf", "-"]
    page = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    # An underscore is a rule, which is seen and not extracted.
    letters = re.sub(r"\s", "", page).translate({0x2DC: "~", 0x2C6: "^", 0x2019: "'"})
    for name in HOSTILE[:9] + HOSTILE[10:15]:
        assert name.replace("_", "") in letters


def test_markdown_sets_the_methods_of_a_task_under_its_name():
    text = to_markdown(board())
    assert (
        "\n## ER, AUC ↑\n\nn (pos.) 74 (53), patients (pos.) 74 (53), constant 0.500, ceiling 0.900\n\n"
        in text
    )
    assert (
        "\n## Ki-67, MAE ↓ (pp)\n\nn (pos.) 74, patients (pos.) 74, constant 11.90, ceiling 6.40\n\n" in text
    )
    assert "- No value of broken for ER: failed: out of memory (5 of 5 cells)." in text
    assert [row[1] for row in read_markdown(text)] == [
        *("Method", "good_one", "poor"),
        *("Method", "good_one", "poor"),
        *("Method", "broken"),
    ]


def test_one_method_stands_in_one_markdown_table_with_a_row_a_task():
    rows = read_markdown(to_markdown(table(*(score("one", task) for task in TASKS))))
    assert [row[:3] for row in rows] == [
        ["Task", "Metric", "Rank"],
        ["ER", "AUC ↑", "1"],
        ["Ki-67", "MAE ↓ (pp)", "1"],
    ]


def test_a_split_in_backticks_is_code_and_any_other_backtick_is_itself():
    noted = replace(table(score("one")), notes=("Split `a_b|c` of `x y` by o`ne_.",))
    assert r"- Split `a_b|c` of \`x y\` by o\`ne\_." in to_markdown(noted)
    assert r"Split \texttt{a\_b\textbar{}c} of \`{}x y\`{} by o\`{}ne\_." in to_latex(noted)


CHOSEN = ["rank", "method", "value", "n", "share"]


def test_columns_stand_as_chosen_in_every_format():
    chosen = select_columns(board(), CHOSEN)
    assert read_markdown(to_markdown(chosen))[0] == [
        *("Rank", "Method", "Value [95 %]", "n (pos.)", "Recoverable %"),
    ]
    assert "## ER, AUC ↑\n\n|" in to_markdown(chosen)
    assert to_csv(chosen).splitlines()[:2] == [
        "rank,method,value,n,recoverable_share",
        "1,good_one,0.712,74,-0.4",
    ]
    assert list(json.loads(to_json(chosen))["rows"][0]) == [*CHOSEN[:4], "recoverable_share"]
    assert r"\textbf{1} & \textbf{good\_one} & 0.712 & 0.641 & 0.783 & 74 (53) & $-$40" in to_latex(chosen)
    rows = [" ".join(line.split()) for line in printed(chosen, 100).splitlines()]
    assert "1 good_one 0.712 [0.641, 0.783] 74 (53) -40 [-120, 35]" in rows


def printed(shown: Table, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(to_rich(shown, width))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_task_and_its_direction_are_seen_whatever_the_columns(width):
    for names in (CHOSEN, ["method"], ["task", "value"], ["value", "metric", "task"], ["better_p", "method"]):
        chosen = select_columns(board(), names)
        for text in (printed(chosen, width), to_markdown(chosen)):
            for needed in ("SYNTHETIC", "ER", "AUC ↑", "Ki-67", "MAE ↓ (pp)"):
                assert needed in text
        assert max(map(len, printed(chosen, width).splitlines())) <= width


def test_a_value_of_the_records_can_be_a_column_of_any_format():
    chosen = select_columns(board(), ["method", "better_p", "status", "higher_is_better", "ci_low"])
    assert read_markdown(to_markdown(chosen))[:2] == [
        ["Method", "better p", "status", "higher is better", "ci low"],
        ["good_one", "0.200", "ok", "yes", "0.641"],
    ]
    tiny = table(score("one", gain=Difference(0.3, Interval(0.2, 0.4), 0.0001)))
    assert "<0.001" in read_markdown(to_markdown(select_columns(tiny, ["better_p"])))[1]


def test_a_column_is_shown_once_and_a_chosen_one_even_where_it_says_nothing():
    chosen = select_columns(board(), ["method", "within_site", "method", "share", "recoverable_share"])
    assert read_markdown(to_markdown(chosen))[0] == ["Method", "Within-site AUC", "Recoverable %"]
    assert to_csv(chosen).splitlines()[0] == "method,within_site_auc,recoverable_share"
    assert "Within-site" not in to_markdown(board())


def test_a_note_is_said_only_where_its_column_is_shown():
    assert "Rank: 1 +" in to_markdown(board())
    assert "Fit s: seconds of fitting" in to_markdown(board())
    short = to_markdown(select_columns(board(), ["method", "value"]))
    assert not re.findall("Rank: 1|Fit s:|Ceiling:|Better than|Seeds:|Pooled AUC:", short)
    assert "Ceiling: a reader" in to_markdown(select_columns(board(), ["method", "share"]))
    assert "Pooled AUC" not in to_latex(board())


def test_an_unknown_column_is_answered_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"unknown column 'shar': did you mean share"):
        select_columns(board(), ["method", "shar"])
    with pytest.raises(UsageError, match=r"unknown column 'cilow': did you mean ci_low"):
        select_columns(board(), ["cilow"])


def test_every_column_can_be_chosen_and_is_named_in_the_help():
    known = {*COLUMN_NAMES, *RECORD_NAMES}
    assert known == {*(its.name for its in board().columns), *(key for its in board().records for key in its)}
    chosen = select_columns(board(), sorted(known))
    assert len(chosen.records[0]) == len(board().records[0])
    assert all(re.search(rf"\b{name}\b", COLUMNS_HELP) for name in known)


def test_the_default_csv_is_long_and_has_the_declared_columns():
    lines = to_csv(board()).splitlines()
    declared = "rank,method,task,metric,value,ci_low,ci_high,n,status,fit_seconds,parameters"
    assert lines[0] == f"{declared},rank_low,rank_high,best_share,patients,against_constant"
    assert lines[-1] == ",broken,er,auc,,,,74,failed: out of memory (5 of 5 cells),,,,,,0,"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (None, BoardFormat.table),
        ("board.md", BoardFormat.md),
        ("a/board.TEX", BoardFormat.tex),
        ("board.x.csv", BoardFormat.csv),
        ("board.json", BoardFormat.json),
    ],
)
def test_the_format_is_that_of_the_files_ending(path, wanted):
    assert board_format(path and Path(path)) is wanted


def test_an_ending_of_no_format_is_refused_with_a_remedy():
    for path in ("board.html", "board", "board.table"):
        with pytest.raises(
            UsageError, match=r"use one of \.md, \.csv, \.json, \.latex, \.tex, or give --format"
        ):
            board_format(Path(path))


def test_boards_are_written_by_ending_and_columns_from_the_command_line(tiny, tmp_path):
    def bench(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    where = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path / "runs"))
    bench("run", "--method", "constant", "--quiet", *where)
    out = tmp_path / "board.tex"
    bench("leaderboard", *where, "--out", str(out))
    assert r"\toprule" in out.read_text(encoding="utf-8")
    assert bench("leaderboard", *where, "--format", "latex") == out.read_text(encoding="utf-8")
    text = bench("leaderboard", *where, "--format", "csv", "--columns", "rank, method,value,n,share")
    assert text.splitlines()[0] == "rank,method,value,n,recoverable_share"
    assert len(text.splitlines()) == 5
    with pytest.raises(UsageError, match="did you mean method"):
        bench("leaderboard", *where, "--columns", "methd")
