"""Options of the command line that several commands have, or that a command has many of."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.errors import UsageError
from bench.predictions.treatment import Missing
from bench.report.formats.format import BoardFormat, Format
from bench.report.select import COLUMNS_HELP


class RankBy(StrEnum):
    """Which value orders the methods of a board."""

    all_cases = "all_cases"
    worst_site = "worst_site"


PluginOption = Annotated[
    list[Path] | None, typer.Option("--plugin", help="Local plugin file; may be given several times.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]
StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the run store.")]
CohortOption = Annotated[
    str, typer.Option("--cohort", help="Phantom scenario (phantom, phantom-rim@3) or folder.")
]
CohortsOption = Annotated[
    list[str] | None,
    typer.Option("--cohort", help="Phantom scenario or folder; several are joined. Not given: phantom."),
]
DropOption = Annotated[
    list[str] | None,
    typer.Option(
        "--drop", help="COHORT:CASE to leave out of joined cohorts; * is any text; may be repeated."
    ),
]
IdMapOption = Annotated[
    Path | None,
    typer.Option("--id-map", help="Table with a column a joined cohort and a row a person: patient ids."),
]
SkipOption = Annotated[
    bool, typer.Option("--skip-broken", help="Leave out invalid cases, see `bench cohort check`.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="File instead of printing: .md, .tex, .csv, .json or .html.")
]
BoardFormatOption = Annotated[
    BoardFormat | None,
    typer.Option("--format", help="How to write the table; where not given, by the ending of --out."),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option("--metric", help="What ranks: task=metric, or a metric; see `bench metrics --list`."),
]
RuleOption = Annotated[
    str, typer.Option("--rule", help="Rule of the thresholds of decisions: youden or sensitivity_90.")
]
SplitOption = Annotated[
    str, typer.Option("--split", help="Name of a split, path of its TOML, or a table of folds.")
]
EnsemblesOption = Annotated[
    bool, typer.Option("--ensembles", help="Add a row for the ensemble over seeds of each method.")
]
MethodOption = Annotated[
    list[str] | None, typer.Option("--method", "-m", help="Methods: A,B or several times.")
]
RowsOption = Annotated[
    list[str] | None, typer.Option("--method", "-m", help="Rows of the store: A,B or several times; all.")
]
RankSeedsOption = Annotated[
    str | None,
    typer.Option("--seeds", help="Rank by these training seeds (0,1,2); without it by those of all rows."),
]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="Training seeds: 0,1,2.")]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", help="parameter=value or method.parameter=value.")
]
PresetOption = Annotated[str | None, typer.Option("--preset", help="Parameters of a shipped preset.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Experiment as a TOML file.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads a cell; its numbers depend on them.")
]
RepeatsOption = Annotated[
    int | None,
    typer.Option("--repeats", min=1, help="Cut a cross-validation so often, with the seeds that follow."),
]
InnerFoldsOption = Annotated[
    int | None, typer.Option("--inner-folds", help="Inner folds where validation is too small; 0: none.")
]
JobsOption = Annotated[
    str | None,
    typer.Option("--jobs", help="How many cells run at a time; auto: as there is room."),
]
TimeoutOption = Annotated[
    str | None, typer.Option("--cell-timeout", help="Longest time of a cell: 90s, 20m, 8h.")
]
MemoryOption = Annotated[
    str | None, typer.Option("--memory-limit", help="Most memory of a cell's processes: 8g.")
]
RetryOption = Annotated[
    str | None, typer.Option("--retry", help="Run again what ended so: failed,timeout,crashed.")
]
ExecutorOption = Annotated[
    str | None,
    typer.Option("--executor", help="Where cells run: workers, slurm, dask, or here for a debugger."),
]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Address or scheduler file of Dask, for --executor dask.")
]
TrialsOption = Annotated[
    int | None, typer.Option("--trials", min=0, help="Tune each method that can be, with so many trials.")
]
TuneTimeOption = Annotated[
    str | None, typer.Option("--tune-time", help="Tune for so long a cell (20m); not reproducible.")
]
ContractOption = Annotated[
    bool, typer.Option("--contract/--no-contract", help="Check methods from outside first, once a code.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the plan and a time estimate only.")]
PlanOnlyOption = Annotated[
    bool, typer.Option("--plan", help="Write the plan only; `bench worker` runs its cells.")
]
PlanOption = Annotated[str, typer.Option("--plan", help="Beginning of a plan's name; the last one.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
ColumnsOption = Annotated[str | None, typer.Option("--columns", help=COLUMNS_HELP)]
MissingOption = Annotated[
    Missing, typer.Option("--missing", help="List methods with missing cells apart, or rank them at chance.")
]
SensitivityOption = Annotated[
    bool, typer.Option("--sensitivity", help="Show how the order changes with other choices instead.")
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="While a run goes on: rank on the folds that all have finished.")
]
RecalibrateOption = Annotated[
    float | None,
    typer.Option(
        "--recalibrate",
        help="Share of each tested site's patients that recalibrates, and leaves the test cases of all rows.",
    ),
]
RankByOption = Annotated[
    RankBy,
    typer.Option("--rank-by", help="Order by the value over all cases, or at each method's worst site."),
]
FreezeOption = Annotated[
    Path | None, typer.Option("--freeze", help="Folder of boards to keep this one in, with its source.")
]
ExtendOption = Annotated[
    bool, typer.Option("--extend", help="Add the store's rows to the board that --freeze has kept before.")
]


def names(texts: Sequence[str] | None) -> list[str] | None:
    """The names of ``A,B`` given several times; None where there are none."""
    return [name for text in texts or () for name in text.split(",") if name] or None


def number_of_jobs(text: str | None) -> int | str | None:
    """``auto``, or a number from 1 on; None where there is no text; raises UsageError for anything else."""
    if text is None or text == "auto":
        return text
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(f"--jobs expects a number from 1 on or auto, got {text!r}")
    return int(text)


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """``name=value`` texts of an option as a dictionary; raises UsageError for anything else."""
    parts = [text.partition("=") for text in texts]
    odd = [text for text, (key, _, value) in zip(texts, parts, strict=True) if not key or not value]
    if odd:
        raise UsageError(f"{option} expects name=value, got {odd[0]!r}")
    return {key: value for key, _, value in parts}


def sizes_of(text: str | None) -> list[int] | None:
    """The numbers of ``100,200,all``, with 0 for all; None where there is no text."""
    if text is None:
        return None
    return integers("--sizes", ",".join("0" if part.strip() == "all" else part for part in text.split(",")))


def integers(option: str, text: str | None) -> list[int] | None:
    """The integers of ``0,1,2``; None where there is no text; raises UsageError for anything else."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} expects integers such as 0,1,2, got {text!r}") from None
