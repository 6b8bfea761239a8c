"""Table 1 of a cohort."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import named_cohort
from bench.cli.options import (
    BoardFormatOption,
    DropOption,
    IdMapOption,
    OutOption,
    PluginOption,
    QuietOption,
    SkipOption,
)
from bench.cli.output import output

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort


class Division(StrEnum):
    """What Table 1 is divided by."""

    site = "site"
    group = "group"


def describe_cohort(
    cohort: Annotated[
        list[str], typer.Argument(help="Scenario, or folder with cohort.toml; several are joined.")
    ],
    drop: DropOption = None,
    id_map: IdMapOption = None,
    by: Annotated[Division, typer.Option("--by", help="A column a site or a group.")] = Division.site,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Leave out what masks and headers tell, which takes time.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Folder for figures of the cohort: PDF, SVG and PNG.")
    ] = None,
    croissant: Annotated[
        Path | None, typer.Option("--croissant", help="File for the cohort's Croissant metadata (.json).")
    ] = None,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Print or write Table 1 of a cohort.

    Patients, labels, covariates and lesion volumes, in all and by site; --figures draws them too, and
    --croissant describes files and columns for programs: put it beside cases.csv.
    """
    from bench.cohorts.characteristics import characteristics
    from bench.methods.named_cohort import cohort_named
    from bench.report.characteristics import characteristics_table

    place = output(wanted, out)
    named = named_cohort(cohort, drop, id_map)
    opened = cohort_named(named, plugin or (), quiet=quiet, skip_broken=skip_broken)
    cases = characteristics(opened, not no_images, quiet)
    place.show(characteristics_table(cases, opened.name, opened.synthetic, by.value))
    if croissant is not None:
        _write_croissant(opened, croissant)
    if figures is not None:
        from bench.cohorts.importers.report import read_flow
        from bench.page.cohort_figures import write_cohort_figures

        for path in write_cohort_figures(opened, cases, read_flow(opened.folder), figures):
            print(f"{path} written", file=sys.stderr)


def _write_croissant(cohort: "Cohort", path: Path) -> None:
    import json

    from bench.cohorts.croissant import croissant
    from bench.files import written

    text = json.dumps(croissant(cohort), indent=1, ensure_ascii=False) + "\n"
    with written(path, "the metadata", "--croissant") as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{path} written", file=sys.stderr)
