"""Predictions out of a store, and others' predictions into it."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import open_protocol
from bench.cli.options import (
    CohortOption,
    PluginOption,
    SkipOption,
    SplitOption,
    StoreOption,
    names,
)
from bench.files import refuse_folder, written


class Combination(StrEnum):
    """How the members of a row are combined."""

    mean = "mean"
    stack = "stack"
    best = "best"


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


def combine(
    members: Annotated[list[str], typer.Option("--members", help="Rows to combine: A,B or several times.")],
    split: SplitOption,
    kind: Annotated[
        Combination,
        typer.Option("--kind", help="Mean; stack: weights; best: the best member, by validation cases."),
    ] = Combination.mean,
    name: Annotated[
        str, typer.Option("--name", help="Of the row; ensemble, stack or best_by_validation if not given.")
    ] = "",
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
) -> None:
    """Combine rows of a store into one, without training.

    It is done inside each fold. Weights and choices come from validation labels alone.
    """
    from bench.cli.opened import open_finished
    from bench.store.combination import combine_rows

    found = open_finished(cohort, split, store, skip_broken, plugin)
    rows = names(members) or []
    cells = combine_rows(kind.value, rows, found.cohort, found.split, found.store, name)
    lacking = [record for record in map(found.store.record, cells) if record and record.status != "ok"]
    for record in lacking:
        print(f"warning: seed {record.seed}, fold {record.fold}: {record.reason}", file=sys.stderr)
    options = f"--cohort {cohort} --split {split} --store {store}"
    made = len(cells) - len(lacking)
    print(f"{made} cells of {cells[0].method} stored; next: bench leaderboard {options}")
