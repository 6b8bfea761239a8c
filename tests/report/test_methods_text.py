"""The methods section says what a run bears, in markdown and in LaTeX that compiles."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.predictions.results import Results
from bench.report.methods_text import Section, cited, methods_sections, to_bibtex, to_latex, to_markdown
from bench.running.plan import Plan
from bench.store.collect import results_of_store
from tests.command import bench


@pytest.fixture(scope="module")
def results(planned: Plan) -> Results:
    return results_of_store(planned.cohort, planned.split, planned.store)


def text(results: Results, planned: Plan) -> str:
    return to_markdown(
        methods_sections(results, planned.split, {"tumour_size": "Logistic regression on size."})
    )


def test_numbers_are_those_of_cohort_and_split(results: Results, planned: Plan) -> None:
    said = text(results, planned)
    tested = [case_id for fold in planned.split.folds for case_id in fold.test]
    labels = planned.cohort.take(tested).labels("er")
    assert f"{len(tested)} synthetic phantoms of" in said
    assert (
        f"ER was known in {len(labels)} ({int(labels.sum())} positive, {100 * labels.mean():.0f} %)" in said
    )
    sizes = {len(fold.train) for fold in planned.split.folds}
    assert f"cases: {min(sizes)}" in said and "5 folds" in said
    size = next(method for method in results.methods if method.label == "tumour_size")
    about = f"Logistic regression on size; {size.parameters} trained parameters; training seed 0."
    assert f"tumour_size: {about}" in said
    assert f"multiplied by {results.variance_factor:.3g} [@nadeau2003]" in said


def test_what_a_run_does_not_bear_is_not_said(results: Results, planned: Plan) -> None:
    records = [[{**record, "sealed": "no"} for record in method.records] for method in results.methods]
    open_methods = tuple(
        replace(method, records=tuple(held)) for method, held in zip(results.methods, records, strict=True)
    )
    claim = "no method was handed a label of a test case"
    sealed = [[{**record, "sealed": "kernel"} for record in method.records] for method in results.methods]
    fenced = tuple(
        replace(method, records=tuple(held)) for method, held in zip(results.methods, sealed, strict=True)
    )
    assert claim in text(replace(results, methods=fenced), planned)
    assert claim not in text(replace(results, methods=open_methods), planned)
    assert "Hyperparameters" not in text(results, planned)
    assert "are multiplied by" not in text(replace(results, variance_factor=1.0), planned)
    failed = replace(results.methods[0], status="failed: out of memory")
    assert "constant: no result (failed: out of memory)." in text(
        replace(results, methods=(failed,)), planned
    )
    assert "synthetic" not in text(replace(results, synthetic=False, cohort_title="Real"), planned)


def test_every_citation_has_an_entry(results: Results, planned: Plan) -> None:
    sections = methods_sections(results, planned.split, {})
    entries = re.findall(r"^@\w+\{([^,]+),", to_bibtex(sections), flags=re.MULTILINE)
    assert entries == cited(sections) and {"delong1988", "westfall1993", "torch"} <= set(entries)


def test_latex_cites_and_escapes() -> None:
    said = to_latex([Section("A & B", ("50 % of x_y [@one; @two], then [@three].",))])
    assert said == "\\subsection{A \\& B}\n50~\\% of x\\_y~\\cite{one,two}, then~\\cite{three}.\n"


def test_the_latex_compiles_with_its_references(finished_store: Path, tmp_path: Path) -> None:
    words = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(finished_store))
    ended = bench("methods-text", *words, "--out", "methods.tex", cwd=tmp_path)
    assert ended.returncode == 0 and "methods.bib written" in ended.stderr
    if not (shutil.which("pdflatex") and shutil.which("bibtex")):
        pytest.skip("LaTeX is not installed")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\begin{document}\\input{methods}"
        "\\bibliographystyle{plain}\\bibliography{methods}\\end{document}"
    )
    for command in (["pdflatex", "-interaction=batchmode", "paper"], ["bibtex", "paper"]) * 2:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    last = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "paper"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "undefined" not in last.stdout


def test_another_ending_is_refused(finished_store: Path, tmp_path: Path) -> None:
    words = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(finished_store))
    ended = bench("methods-text", *words, "--out", "methods.docx", cwd=tmp_path)
    assert ended.stderr == "bench: --out expects a name that ends in .md or .tex, got methods.docx\n"
