"""Predictions out of a store, and others' predictions into it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import open_protocol
from bench.cli.options import CohortOption, SkipOption, SplitOption, StoreOption
from bench.files import refuse_folder, written


def predictions(
    csv: Annotated[Path, typer.Option("--csv", help="File to write.")],
    cohort: CohortOption = "phantom",
    split: Annotated[
        str | None, typer.Option("--split", help="One split; all of the store where not given.")
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
) -> None:
    """Write every stored prediction of a cohort beside its truth, one row a case, task, fold and seed."""
    refuse_folder(csv, "the predictions", "--csv")
    from bench.cohorts.catalogue import open_cohort
    from bench.holdings import no_cells, refuse_unknown_cohort
    from bench.results import export_predictions
    from bench.store import Store

    refuse_unknown_cohort(Store(store), cohort, split)
    opened = open_cohort(cohort, skip_broken=skip_broken)
    table = export_predictions(opened, split, Store(store))
    if table.empty:
        raise no_cells(Store(store), opened.name, split)
    with written(csv, "the predictions", "--csv") as aside:
        table.to_csv(aside, index=False)
    print(f"{len(table)} predictions written to {csv}")


def submit(
    csv: Annotated[Path, typer.Argument(help="CSV with case_id, task, prediction; seed and fold if known.")],
    method: Annotated[str, typer.Option("--method", "-m", help="Name of the row, marked as submitted.")],
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
) -> None:
    """Put test predictions made elsewhere on the board, checked as strictly as our own."""
    import pandas as pd

    from bench.doubts import doubts
    from bench.submission import submit as submit_file
    from bench.submission import submitted_before
    from bench.submission_file import cut_short

    protocol = open_protocol(cohort, split, store, skip_broken)
    found, cut, where = protocol.cohort, protocol.split, protocol.store
    instead = " in the place of those submitted before" if submitted_before(method, found, cut, where) else ""
    cells = submit_file(csv, method, found, cut, where)
    told = doubts(pd.concat([where.predictions(cell) for cell in cells]), found)
    for doubt in filter(None, (*told, cut_short(csv))):
        print(f"warning: {csv}: {doubt}", file=sys.stderr)
    options = f"--cohort {cohort} --split {split} --store {store}"
    print(f"{len(cells)} cells of {cells[0].method} stored{instead}; next: bench leaderboard {options}")
