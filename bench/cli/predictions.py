"""Predictions out of a store, and others' predictions into it."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import open_protocol, require_cells
from bench.cli.options import CohortOption, SkipOption, SplitOption, StoreOption
from bench.errors import UsageError


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
    from bench.cohorts.catalogue import open_cohort
    from bench.results import export_predictions
    from bench.store import Store

    require_cells(cohort, store)
    table = export_predictions(open_cohort(cohort, skip_broken=skip_broken), split, Store(store))
    if table.empty:
        raise UsageError(f"no finished cell of {cohort} in {store}; see `bench run`")
    table.to_csv(csv, index=False)
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
    from bench.submission import submit as submit_file
    from bench.submission import submitted_before

    protocol = open_protocol(cohort, split, store, skip_broken, to_fill=True)
    found, cut, where = protocol.cohort, protocol.split, protocol.store
    instead = " in the place of those submitted before" if submitted_before(method, found, cut, where) else ""
    cells = submit_file(csv, method, found, cut, where)
    options = f"--cohort {cohort} --split {split} --store {store}"
    print(f"{len(cells)} cells of {cells[0].method} stored{instead}; next: bench leaderboard {options}")
