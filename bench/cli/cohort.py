"""Make, check or propose a cohort."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import FormatOption, PluginOption, QuietOption
from bench.errors import UsageError
from bench.report.formats.format import Format


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
    folder: Annotated[Path, typer.Argument(help="Folder of a cohort, or a plugin's cohort.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the whole list of violations: .csv or .json.")
    ] = None,
    skip_broken: Annotated[
        bool,
        typer.Option("--skip-broken", help="Leave the invalid cases out of every run: writes skipped.csv."),
    ] = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Name the violations of a cohort folder with their remedies.

    They stand kind by kind, and cases and labels are counted.
    """
    from bench.cli.violations import print_checked
    from bench.cohorts.checking.check import check_folder
    from bench.cohorts.checking.violation_list import require_ending, write_violations
    from bench.cohorts.joining.recipe import JOINED

    if not folder.is_dir():
        folder = _folder_of_plugin(str(folder), plugin or (), quiet)
    if (folder / JOINED).is_file():
        raise UsageError(f"{folder} joins several cohorts, which joined.json names; check each of them")
    if out is not None:
        require_ending(out)
    checked = check_folder(folder, quiet, skip_broken)
    print_checked(checked, folder, wanted)
    if out is not None:
        write_violations(checked, folder, out)
    if not checked.would_run:
        raise typer.Exit(1)


def _folder_of_plugin(name: str, plugins: Sequence[Path], quiet: bool) -> Path:
    """The copy of a plugin's cohort; raises UsageError where no plugin offers one of that name."""
    from bench.methods.named_cohort import cohort_folder
    from bench.methods.registry import load_registry

    registry = load_registry(plugins)
    if name not in registry.cohorts:
        raise UsageError(
            f"{name} is not a folder; `bench cohort check` takes one with a cohort.toml, or the name of a "
            f"plugin's cohort. {registry.told_broken}".rstrip()
        )
    return cohort_folder(registry.cohorts[name], quiet)


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
    """Propose cohort.toml and cases.csv from a table of your own.

    --write writes them.
    """
    from bench.cli.proposal import print_proposal
    from bench.cohorts.proposal.propose import propose, require_labels, write_proposal

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
