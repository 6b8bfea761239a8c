"""Predictions out of a store, and others' predictions into it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import named_cohort, open_protocol
from bench.cli.options import (
    CohortOption,
    CohortsOption,
    DropOption,
    IdMapOption,
    PluginOption,
    QuietOption,
    SkipOption,
    SplitOption,
    StoreOption,
)
from bench.errors import UsageError
from bench.files import refuse_folder, written


def predictions(
    csv: Annotated[Path, typer.Option("--csv", help="File to write.")],
    cohort: CohortOption = "phantom",
    split: Annotated[
        str | None, typer.Option("--split", help="One split; all of the store where not given.")
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
) -> None:
    """Write every stored prediction of a cohort beside its truth.

    One row per case, task, fold and seed.
    """
    refuse_folder(csv, "the predictions", "--csv")
    from bench.methods.named_cohort import cohort_named
    from bench.store.export import export_predictions
    from bench.store.holdings import no_cells, refuse_unknown_cohort
    from bench.store.store import Store

    refuse_unknown_cohort(Store(store), cohort, split)
    opened = cohort_named(cohort, plugin or (), skip_broken=skip_broken)
    table = export_predictions(opened, split, Store(store))
    if table.empty:
        raise no_cells(Store(store), opened.name, split)
    with written(csv, "the predictions", "--csv") as temporary:
        table.to_csv(temporary, index=False)
    print(f"{len(table)} predictions written to {csv}")


def export(
    split: SplitOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty.")],
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
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
    """Write a split and its crops for people who work elsewhere.

    Folds, training labels, crops, and test crops without labels.
    """
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


def submit(
    csv: Annotated[Path, typer.Argument(help="CSV with case_id, task, prediction; seed and fold if known.")],
    method: Annotated[str, typer.Option("--method", "-m", help="Name of the row, marked as submitted.")],
    split: SplitOption,
    cohort: CohortOption = "phantom",
    validation: Annotated[
        Path | None,
        typer.Option("--validation", help="The same of the validation cases, so that thresholds exist."),
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
) -> None:
    """Put test predictions made elsewhere on the board.

    They are checked as strictly as those of the methods that run here.
    """
    import pandas as pd

    from bench.store.doubts import doubts
    from bench.store.submission import submit as submit_file
    from bench.store.submission import submitted_before
    from bench.store.submission_file import cut_short

    protocol = open_protocol(cohort, split, store, skip_broken, plugin)
    found, cut, where = protocol.cohort, protocol.split, protocol.store
    instead = " in the place of those submitted before" if submitted_before(method, found, cut, where) else ""
    cells = submit_file(csv, method, found, cut, where, validation)
    told = doubts(pd.concat([where.predictions(cell) for cell in cells]), found)
    for doubt in filter(None, (*told, cut_short(csv))):
        print(f"warning: {csv}: {doubt}", file=sys.stderr)
    options = f"--cohort {cohort} --split {split} --store {store}"
    print(f"{len(cells)} cells of {cells[0].method} stored{instead}; next: bench leaderboard {options}")
