"""The audit of a cohort, a split and stored results."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import open_finished, open_protocol
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    PluginOption,
    RowsOption,
    SkipOption,
    names,
    pairs,
)
from bench.cli.output import Output, output
from bench.errors import UsageError

if TYPE_CHECKING:
    from bench.audit.check import Verdict
    from bench.audit.subject import Subject


class FailOn(StrEnum):
    """From which verdict on the exit code is 1."""

    warn = "warn"
    fail = "fail"


MuteOption = Annotated[
    list[str] | None,
    typer.Option("--mute", help="CODE=reason: show the check and why it may be overlooked."),
]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", help="Exit code 1 from this verdict on, muted checks left out.")
]
ExplainOption = Annotated[
    str | None, typer.Option("--explain", help="Say what the check of a code means, and nothing else.")
]
PlausibleOption = Annotated[
    list[str] | None,
    typer.Option("--plausible", help="er=0.55-0.75: values of a task beyond are named."),
]
PrevalenceOption = Annotated[
    list[str] | None,
    typer.Option("--prevalence", help="er=0.70-0.80: what the source states of positive patients."),
]


def audit(
    split: Annotated[
        str | None, typer.Option("--split", help="Name of a split, path of its TOML, or a table of folds.")
    ] = None,
    cohort: CohortOption = "phantom",
    store: Annotated[
        Path | None, typer.Option("--store", help="Run store whose results are audited too.")
    ] = None,
    method: RowsOption = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read images, fit methods again: takes minutes.")
    ] = False,
    mute: MuteOption = None,
    fail_on: FailOnOption = FailOn.fail,
    explain: ExplainOption = None,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    plausible: PlausibleOption = None,
    prevalence: PrevalenceOption = None,
    wanted: BoardFormatOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File instead of printing: .html, .md, .tex, .csv or .json.")
    ] = None,
) -> None:
    """Name leaks and confounders of cohort, split and results.

    Each check has a code, a verdict, its evidence and a remedy.
    """
    from bench.audit.audit import ORDER, worst
    from bench.audit.audit import audit as audited

    if explain is not None:
        _explain(explain)
        return
    if split is None:
        raise UsageError("bench audit needs --split, or --explain with the code of a check")
    page = wanted is None and out is not None and out.suffix.lower() == ".html"
    place, muted = (None if page else output(wanted, out)), pairs("--mute", mute or ())
    subject = _subject(cohort, split, store, names(method), skip_broken, deep, plugin)
    subject = replace(
        subject,
        plausible=_ranges(subject, "--plausible", plausible or ()),
        stated=_ranges(subject, "--prevalence", prevalence or ()),
    )
    verdicts = audited(subject, muted)
    if place is None:
        _write_page(subject, verdicts, out or Path())
    else:
        _show(subject, verdicts, place)
    if ORDER.index(worst(verdicts)) >= ORDER.index(fail_on.value):
        raise typer.Exit(1)


def _subject(
    cohort: str,
    split: str,
    store: Path | None,
    methods: list[str] | None,
    skip_broken: bool,
    deep: bool,
    plugins: list[Path] | None,
) -> "Subject":
    """What is audited; results where a store or a method is named."""
    from bench.audit.subject import Subject
    from bench.methods.registry import load_registry

    if store is None and methods is None:
        opened = open_protocol(cohort, split, Path(), skip_broken, plugins)
        return Subject(opened.cohort, opened.split, deep=deep)
    opened = open_finished(cohort, split, store or Path("runs"), skip_broken, plugins)
    results = opened.results(methods)
    specs = load_registry(plugins or ()).found(results.method_names) if deep else {}
    return Subject(opened.cohort, opened.split, results, deep, specs)


def _ranges(subject: "Subject", option: str, given: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The range of each named task; raises UsageError for another form or task."""
    found = {}
    for task, text in pairs(option, given).items():
        low, _, high = text.partition("-")
        try:
            found[subject.cohort.task(task).name] = (float(low), float(high))
        except ValueError:
            raise UsageError(f"{option} {task}={text}, expected two numbers: {task}=0.55-0.75") from None
    return found


def _show(subject: "Subject", verdicts: "Sequence[Verdict]", place: Output) -> None:
    from bench.report.audit import audit_table

    place.show(audit_table(verdicts, subject.cohort.name, subject.split.name, subject.cohort.synthetic))


def _write_page(subject: "Subject", verdicts: "Sequence[Verdict]", out: Path) -> None:
    from bench.files import refuse_folder, written
    from bench.page.audit_page import audit_page

    refuse_folder(out, "the audit", "--out")
    text = audit_page(subject.cohort, subject.split.name, verdicts)
    with written(out, "the audit", "--out") as place:
        place.write_text(text, encoding="utf-8")
    print(f"{out} written", file=sys.stderr)


def _explain(code: str) -> None:
    from bench.audit.audit import check_named

    check = check_named(code)
    print(f"{check.code}: {check.title} ({check.severity})", check.means, check.why, check.remedy, sep="\n")
