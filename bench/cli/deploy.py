"""Models out of a store."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.opened import named_cohort, open_finished
from bench.cli.options import (
    CohortsOption,
    DropOption,
    IdMapOption,
    PluginOption,
    QuietOption,
    SkipOption,
    SplitOption,
    StoreOption,
)


def bundle(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Row of the store.")],
    split: SplitOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty.")],
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write fitted models with their card, to be used elsewhere.

    The folder holds models, preprocessing, thresholds, what training covered and the test values, in the
    layout of MONAI bundles; no image and no label. `bench predict --bundle` reads it.
    """
    from bench.deploy.collect import bundle_of_store
    from bench.deploy.write import require_empty, write_bundle
    from bench.methods.registry import load_registry

    require_empty(out)
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    registry = load_registry(plugin or ())
    found = bundle_of_store(opened.cohort, opened.split, opened.store, method, registry, quiet=quiet)
    write_bundle(found, out)
    print(f"{len(found.models)} models written to {out}; its card is docs/README.md", file=sys.stderr)
