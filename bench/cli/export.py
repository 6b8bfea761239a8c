"""What a store or a split holds, written for people and programs elsewhere."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import named_cohort
from bench.cli.options import (
    CohortsOption,
    DropOption,
    IdMapOption,
    PluginOption,
    QuietOption,
    SkipOption,
    StoreOption,
)
from bench.errors import UsageError
from bench.files import refuse_folder, writing, written

if TYPE_CHECKING:
    from bench.report.tracking.runs import TrackedRun


class Kind(StrEnum):
    """What is exported: a split with its crops, or the records of a store in a tracker's files."""

    folds = "folds"
    mlflow = "mlflow"
    wandb = "wandb"
    csv = "csv"


def export(
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty; of csv the file.")],
    kind: Annotated[
        Kind, typer.Argument(help="folds with crops, or records of the store: mlflow, wandb or csv.")
    ] = Kind.folds,
    split: Annotated[
        str | None, typer.Option("--split", help="Split; of records all where not given.")
    ] = None,
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    size_mm: Annotated[float, typer.Option("--size", help="Edge of the crops in mm.")] = 48.0,
    spacing_mm: Annotated[float, typer.Option("--spacing", help="Edge of a voxel in mm.")] = 1.5,
    channels: Annotated[
        str,
        typer.Option("--channels", help="Channels of the crops; of several images also pre or post1-pre."),
    ] = "image,mask",
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write a split with its crops, or a store's records.

    Folds, training labels, crops, and test crops without labels for people; records of cells as the files of
    MLflow or Weights & Biases, or one table, for programs. With --cohort records have test values.
    """
    if kind is not Kind.folds:
        _export_records(
            kind, out, store, named_cohort(cohort, drop, id_map) if cohort else None, split, plugin
        )
        return
    if split is None:
        raise UsageError("name the split with --split, or what to export instead: mlflow, wandb or csv")
    from bench.imaging.crop import Crop
    from bench.methods.named_cohort import cohort_named
    from bench.methods.named_split import split_named
    from bench.splits.export import export_split
    from bench.splits.make import make_split

    try:
        crop = Crop(size_mm, spacing_mm, tuple(channel.strip() for channel in channels.split(",")))
    except ValueError as error:
        raise UsageError(f"--size, --spacing, --channels: {error}") from error
    config = split_named(split, plugin or ())
    named = named_cohort(cohort, drop, id_map)
    opened = cohort_named(named, plugin or (), quiet=quiet, skip_broken=skip_broken)
    export_split(opened, make_split(opened, config), out, crop, quiet)
    print(f"written to {out}; its README.md says how predictions come back")


def _export_records(
    kind: Kind, out: Path, store: Path, cohort: str | None, split: str | None, plugins: list[Path] | None
) -> None:
    """Write the records of a store; raises UsageError where it holds none of these."""
    from bench.methods.named_cohort import cohort_named
    from bench.methods.ranking_metric import ranking_metrics
    from bench.report.tracking.runs import tracked_runs
    from bench.store.holdings import no_cells, refuse_unknown_cohort
    from bench.store.store import Store

    if cohort is not None:
        refuse_unknown_cohort(Store(store), cohort, split)
    opened = None if cohort is None else cohort_named(cohort, plugins or ())
    metrics = {} if opened is None else ranking_metrics(opened.tasks, (), plugins or ())
    runs = tracked_runs(Store(store), opened, split, metrics)
    if not runs:
        raise no_cells(Store(store), cohort or "any cohort", split)
    _written(kind, out, runs)
    print(f"{len(runs)} records written to {out}{HOW[kind].format(out=out)}")


HOW = {
    Kind.mlflow: "; open it with: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {out}",
    Kind.wandb: "; send it with: wandb sync {out}/wandb/offline-run-*",
    Kind.csv: "",
}


def _written(kind: Kind, out: Path, runs: "Sequence[TrackedRun]") -> None:
    from bench.deploy.write import require_empty
    from bench.report.tracking.csv import write_csv
    from bench.report.tracking.mlflow import write_mlflow
    from bench.report.tracking.wandb import write_wandb

    if kind is Kind.csv:
        refuse_folder(out, "the records", "--out")
        with written(out, "the records", "--out") as place:
            write_csv(runs, place)
        return
    require_empty(out)
    write: Callable[[Sequence[TrackedRun], Path], None] = write_mlflow if kind is Kind.mlflow else write_wandb
    with writing(out, "the records", "--out"):
        write(runs, out)
