"""The report as a page, and its figures."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import open_finished
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    OutOption,
    PluginOption,
    RowsOption,
    SkipOption,
    StoreOption,
    names,
)
from bench.cli.output import output
from bench.errors import UsageError
from bench.files import refuse_folder, written
from bench.page.style import StyleName

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.imaging.planes import Plane
    from bench.page.html import Shots
    from bench.predictions.results import Results
    from bench.report.full_report import FullReport
    from bench.report.stored_report import Source

BoardOption = Annotated[
    Path | None,
    typer.Option("--board", help="Folder of a committed board instead: leaderboards/phantom/internal."),
]
SplitOrBoardOption = Annotated[
    str | None, typer.Option("--split", help="Name of a split or path of its TOML; not beside --board.")
]


def report(
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("report.html"),
    split: SplitOrBoardOption = None,
    cohort: CohortOption = "phantom",
    method: RowsOption = None,
    board: BoardOption = None,
    cases: Annotated[
        int, typer.Option("--cases", min=0, help="How many cases to show, the worst first.")
    ] = 0,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Number the cases, without pictures, ids and sites.")
    ] = False,
    explained: Annotated[
        list[Path] | None,
        typer.Option("--explained", help="Folder of `bench explain`, whose maps are laid over its cases."),
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
) -> None:
    """Write boards, figures and notes into one HTML file."""
    from bench.page.html import page

    refuse_folder(out, "the report", "--out")
    given = _given(split, cohort, method, board, store, skip_broken, plugin)
    values = given.report(cases, names(method), anonymous)
    shots = None if anonymous else given.shots([one.case_id for one in values.cases], explained or ())
    text = page(values, shots, anonymous)
    with written(out, "the report", "--out") as place:
        place.write_text(text, encoding="utf-8")
    print(f"{out} written ({len(text.encode()) / 1e6:.1f} MB)", file=sys.stderr)


def figures(
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    split: SplitOrBoardOption = None,
    cohort: CohortOption = "phantom",
    method: RowsOption = None,
    board: BoardOption = None,
    style: Annotated[StyleName, typer.Option("--style", help="Whose sizes and fonts.")] = StyleName.page,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
) -> None:
    """Write the figures of the report one by one.

    Of an imported cohort also the flow of its patients, from those found to those kept.
    """
    from bench.cohorts.importers.report import read_flow
    from bench.page.figures import write_figures
    from bench.page.flow import write_flow
    from bench.report.full_report import full_report
    from bench.report.stored_report import stored_learning

    given = _given(split, cohort, method, board, store, skip_broken, plugin)
    learning = None if given.source is None else stored_learning(given.results, given.source, names(method))
    values = replace(full_report(given.results), learning=learning)
    paths = write_figures(values, out, style)
    flow = None if given.cohort is None else read_flow(given.cohort.folder)
    if flow is not None:
        paths += write_flow(flow, given.results.synthetic, out, style)
    for path in paths:
        print(path)


def cases(
    task: Annotated[str, typer.Option("--task", help="Task of the cohort: er.")],
    method: Annotated[str, typer.Option("--method", "-m", help="Method whose predictions are compared.")],
    worst: Annotated[int, typer.Option("--worst", min=1, help="How many cases, the worst first.")] = 20,
    split: SplitOrBoardOption = None,
    cohort: CohortOption = "phantom",
    board: BoardOption = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="PNG file with three planes of each case.")
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """List and draw the cases on which a method is farthest off."""
    from bench.predictions.results import label_of
    from bench.report.cases import worst_cases

    place = output(wanted, out)
    if sheet is not None:
        refuse_folder(sheet, "the sheet", "--sheet")
    given = _given(split, cohort, None, board, store, skip_broken, plugin)
    label = label_of(given.results, method)
    table = worst_cases(given.results, task, label, worst, given.images())
    place.show(table)
    if sheet is not None:
        planes = given.planes([str(record["case"]) for record in table.records])
        if not planes:
            raise UsageError(
                "--sheet needs images: name a cohort that has them instead of a board or a table"
            )
        from bench.page.case_pictures import write_sheet

        write_sheet(table, planes, sheet)
        print(f"{sheet} written", file=sys.stderr)


@dataclass(frozen=True)
class Given:
    """What a page is made of: results, and where they come from unless from a board."""

    results: "Results"
    source: "Source | None" = None

    @property
    def cohort(self) -> "Cohort | None":
        """The cohort, where it is at hand."""
        return None if self.source is None else self.source.cohort

    def report(self, cases: int, rows: Sequence[str] | None, anonymous: bool) -> "FullReport":
        """The report, of a store with the audit and learning curves of these rows."""
        from bench.report.full_report import full_report
        from bench.report.stored_report import stored_report

        if self.source is None:
            return full_report(self.results, cases)
        return stored_report(self.results, self.source, cases, rows, anonymous)

    def images(self) -> dict[str, str]:
        """Path of each case's image; empty without images."""
        if self.cohort is None or not self.cohort.has_volumes:
            return {}
        source = self.cohort.crop_source()
        return {name: str(source.paths(name)[0]) for name in self.cohort.case_ids}

    def planes(self, case_ids: Sequence[str]) -> "dict[str, Sequence[Plane]]":
        """Three planes of each of these cases; empty without images."""
        if self.cohort is None or not self.cohort.has_volumes:
            return {}
        from bench.page.case_pictures import case_planes

        return {name: case_planes(self.cohort, name) for name in case_ids}

    def shots(self, case_ids: Sequence[str], explained: Sequence[Path]) -> "Shots":
        """Pictures and volumes of these cases with the heat maps of such folders; none without images."""
        from bench.explain.stored import stored_heats
        from bench.page.case_pictures import picture_png
        from bench.page.case_volumes import case_volumes, heat_planes
        from bench.page.html import Shots

        planes = self.planes(case_ids)
        if self.cohort is None or not planes:
            return Shots()
        heats = stored_heats(explained, self.cohort.name)
        pictures = {
            name: picture_png(shown, heat_planes(self.cohort, name, heats.get(name, {})))
            for name, shown in planes.items()
        }
        volumes = {name: case_volumes(self.cohort, name, heats.get(name)) for name in planes}
        return Shots(pictures, volumes, {name: tuple(heats.get(name, ())) for name in planes})


def _given(
    split: str | None,
    cohort: str,
    method: list[str] | None,
    board: Path | None,
    store: Path,
    skip_broken: bool,
    plugins: list[Path] | None,
) -> Given:
    """Results of a store, or those that a committed board was made from.

    Raises
    ------
    UsageError
        Neither a split nor a board is named, or both are.
    """
    from bench.boards.snapshot import thaw
    from bench.predictions.results import of_methods

    if (split is None) == (board is None):
        raise UsageError("name either a split of a store (--split) or a committed board (--board)")
    if board is not None:
        return Given(of_methods(thaw(board), names(method)))
    protocol = open_finished(cohort, str(split), store, skip_broken, plugins)
    from bench.methods.named_split import split_named
    from bench.report.stored_report import Source

    config = split_named(str(split), plugins or ())
    source = Source(protocol.cohort, protocol.split, config, protocol.store)
    return Given(protocol.results(names(method)), source)
