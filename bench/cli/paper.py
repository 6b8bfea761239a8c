"""What a paper needs of a run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from bench.errors import UsageError, unknown_name
from bench.files import written

if TYPE_CHECKING:
    from bench.predictions.results import Results


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
    from bench.report.methods_text import methods_sections, to_bibtex, to_latex, to_markdown

    _require_ending(out, ".md", ".tex")
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    results = opened.results(names(method))
    sections = methods_sections(results, opened.split, _summaries(plugin, results))
    if out is None:
        print(to_markdown(sections), end="")
        return
    texts = {out: to_markdown(sections) if out.suffix == ".md" else to_latex(sections)}
    _write(texts | {out.with_suffix(".bib"): to_bibtex(sections)})


def checklist(
    kind: Annotated[str, typer.Option("--kind", help="claim, tripod-ai, metrics or clear.")],
    split: SplitOption,
    cohort: CohortsOption = None,
    method: RowsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    plugin: PluginOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="File ending in .md instead of printing.")] = None,
    skip_broken: SkipOption = False,
) -> None:
    """Fill in a reporting checklist by what a run bears.

    Every item says whether the run answers it, a command would, or authors alone can.
    """
    from bench.report.checklist import KINDS, filled_checklist, to_markdown

    _require_ending(out, ".md")
    if kind not in KINDS:
        raise unknown_name("checklist", kind, KINDS)
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    results = opened.results(names(method))
    filled = filled_checklist(kind, results, opened.split, _summaries(plugin, results))
    if out is None:
        print(to_markdown(filled), end="")
        return
    _write({out: to_markdown(filled)})


def _require_ending(out: Path | None, *endings: str) -> None:
    if out is not None and out.suffix not in endings:
        raise UsageError(f"--out expects a name that ends in {' or '.join(endings)}, got {out}")


def _summaries(plugins: Sequence[Path] | None, results: "Results") -> dict[str, str]:
    from bench.methods.registry import load_registry

    found = load_registry(plugins or ()).found(results.method_names)
    return {name: spec.summary for name, spec in found.items()}


def _write(texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        with written(path, "the text", "--out") as place:
            place.write_text(text, encoding="utf-8")
        print(f"{path} written", file=sys.stderr)
