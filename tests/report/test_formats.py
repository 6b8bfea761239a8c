"""One table as Markdown, LaTeX, CSV and JSON: the same text in each, whatever the names hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import UsageError
from bench.report.formats.format import BoardFormat, board_format
from bench.report.formats.latex import to_latex
from bench.report.formats.text import to_csv, to_markdown
from tests.report.example_board import TASKS, board, read_markdown, score, table


def test_markdown_sets_the_methods_of_a_task_under_its_name():
    text = to_markdown(board())
    assert (
        "\n## ER, AUC ↑\n\nn (pos.) 74 (53), patients (pos.) 74 (53), baseline 0.500, oracle 0.900\n\n"
        in text
    )
    assert (
        "\n## Ki-67, MAE ↓ (pp)\n\nn (pos.) 74, patients (pos.) 74, baseline 11.90, oracle 6.40\n\n" in text
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
    for path in ("board.docx", "board", "board.table"):
        with pytest.raises(
            UsageError, match=r"use one of \.md, \.csv, \.json, \.latex, \.tex, \.html, or give `format`"
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
    text = bench("leaderboard", *where, "--format", "csv", "--columns", "rank, method,value,n,oracle_skill")
    assert text.splitlines()[0] == "rank,method,value,n,oracle_skill"
    assert len(text.splitlines()) == 5
    with pytest.raises(UsageError, match="did you mean method"):
        bench("leaderboard", *where, "--columns", "methd")
