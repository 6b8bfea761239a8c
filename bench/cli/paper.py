"""What a paper needs of a run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import named_cohort, open_finished
from bench.cli.options import (
    CohortsOption,
    DropOption,
    IdMapOption,
    PluginOption,
    RowsOption,
    SkipOption,
    SplitOption,
    StoreOption,
    names,
)
from bench.errors import UsageError
from bench.files import written


def methods_text(
    split: SplitOption,
    cohort: CohortsOption = None,
    method: RowsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    plugin: PluginOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File instead of printing: .md, or .tex with its .bib beside it."),
    ] = None,
    skip_broken: SkipOption = False,
) -> None:
    """Write a paper's methods section from what a run bears.

    Cases, protocol, methods, tuning, statistics and software with references; then what authors must state.
    """
    from bench.methods.registry import load_registry
    from bench.report.methods_text import methods_sections, to_bibtex, to_latex, to_markdown

    if out is not None and out.suffix not in (".md", ".tex"):
        raise UsageError(f"--out expects a name that ends in .md or .tex, got {out}")
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    summaries = {name: spec.summary for name, spec in load_registry(plugin or ()).specs.items()}
    sections = methods_sections(opened.results(names(method)), opened.split, summaries)
    if out is None:
        print(to_markdown(sections), end="")
        return
    texts = {out: to_markdown(sections) if out.suffix == ".md" else to_latex(sections)}
    for path, text in (texts | {out.with_suffix(".bib"): to_bibtex(sections)}).items():
        with written(path, "the text", "--out") as place:
            place.write_text(text, encoding="utf-8")
        print(f"{path} written", file=sys.stderr)
