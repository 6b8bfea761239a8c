"""Boards as LaTeX: what a paper needs, and that they compile and fit the page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.report.formats.latex import escape_latex, to_latex
from bench.report.select import select_columns
from tests.report.example_board import HOSTILE, TASKS, board, failed, random_names, score, table


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
        r"n (pos.) 74 (53), patients (pos.) 74 (53), baseline 0.500, oracle 0.900} \\",
        r"\textit{Ki-67, MAE $\downarrow$ (pp)}} \\",
        r"n (pos.) 74, patients (pos.) 74, baseline 11.90, oracle 6.40} \\",
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
