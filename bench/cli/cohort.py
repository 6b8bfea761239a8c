"""Make, check or propose a cohort."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import FormatOption, QuietOption
from bench.errors import UsageError
from bench.listing import Format


class PointUnit(StrEnum):
    """In what a lesion's point is given."""

    mm = "mm"
    voxel = "voxel"


def make(
    scenario: Annotated[str, typer.Argument(help="Phantom scenario, see `bench cohorts`.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the phantom.")] = 0,
) -> None:
    """Make a synthetic cohort in the cache and print its folder."""
    from bench.cohorts.catalogue import make_cohort

    print(make_cohort(scenario, seed))


def check_cohort(
    folder: Annotated[Path, typer.Argument(help="Folder with cohort.toml and cases.csv.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the whole list of faults: .csv or .json.")
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave the broken cases out of every run: writes skipped.csv."),
    ] = False,
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Name the faults of a cohort folder with their remedies, kind by kind; count cases and labels."""
    from bench.cohorts.check import check_folder
    from bench.cohorts.fault_list import print_checked, require_ending, write_faults

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; `bench cohort check` takes one with a cohort.toml")
    if out is not None:
        require_ending(out)
    checked = check_folder(folder, quiet, skip_broken)
    print_checked(checked, folder, wanted)
    if out is not None:
        write_faults(checked, folder, out)
    if not checked.would_run:
        raise typer.Exit(1)


def init_cohort(
    folder: Annotated[Path, typer.Argument(help="Folder with the images.")],
    csv: Annotated[
        Path,
        typer.Option("--csv", help="Your table, a line a case: .csv, .tsv, .xlsx, with names of your own."),
    ],
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="How a label is made: 'er = Allred >= 3', 'her2 = ihc + fish'."),
    ] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="Sheet of an Excel workbook.")] = "",
    point: Annotated[
        PointUnit | None, typer.Option("--point", help="Unit of a lesion's x, y, z: mm (LPS) or voxel.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write what is proposed.")] = False,
) -> None:
    """Propose cohort.toml and cases.csv from a table with names of your own; --write writes them."""
    from bench.cohorts.proposal import print_proposal, propose, require_labels, write_proposal

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; `bench cohort init` takes the one with the images")
    proposal = propose(folder, csv, point or "", label or (), sheet)
    print_proposal(proposal)
    require_labels(proposal)
    if not write:
        print("nothing was written: the same command with --write does it; correct the two files afterwards")
        return
    write_proposal(proposal)
    print(f"written to {folder}; next: bench cohort check {folder}")
