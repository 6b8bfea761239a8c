"""One case looked at."""

import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import named_cohort
from bench.cli.options import CohortsOption, DropOption, IdMapOption, PluginOption, QuietOption, SkipOption
from bench.errors import UsageError
from bench.files import refuse_folder, written


def case(
    case_id: Annotated[str, typer.Argument(metavar="ID", help="Case of the cohort.")],
    cohort: CohortsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File instead of the browser: .png or .html.")
    ] = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
) -> None:
    """Show one case: outline, regions and header.

    Three planes, and what table and headers say: a wrong phase or a flipped mask is seen before a night
    is spent on it.
    """
    if out is not None:
        refuse_folder(out, "the case", "--out")
        if out.suffix not in (".png", ".html"):
            raise UsageError(f"--out expects a name that ends in .png or .html, got {out}")
    from bench.methods.named_cohort import cohort_named
    from bench.page.case_view import case_page, case_png, case_view

    named = named_cohort(cohort, drop, id_map)
    opened = cohort_named(named, plugin or (), quiet=quiet, skip_broken=skip_broken)
    view = case_view(opened, case_id)
    if out is None:
        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False, encoding="utf-8") as page:
            page.write(case_page(view))
        shown = webbrowser.open(Path(page.name).as_uri())
        print(page.name if shown else f"no browser was found; open {page.name}")
        return
    with written(out, "the case", "--out") as place:
        place.write_bytes(case_png(view) if out.suffix == ".png" else case_page(view).encode())
    print(f"{out} written", file=sys.stderr)
