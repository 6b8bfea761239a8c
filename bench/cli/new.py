"""Write a new method, and check that a method keeps the contract."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import FormatOption, PluginOption
from bench.listing import Format, print_rows


def new_method(
    name: Annotated[str, typer.Argument(help="Lower-case Python name, such as mean_rim.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where to write.")] = Path(),
) -> None:
    """Write a complete one-file plugin and its test."""
    from bench.template import write_method

    plugin, test = write_method(name, folder)
    print(f"{plugin}\n{test}\ntry: bench run --method {name} --plugin {plugin} --cohort phantom-tiny")


def check(
    name: Annotated[str, typer.Argument(help="Name of the method.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="parameter=value.")] = None,
    plugin: PluginOption = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Check that a method keeps the contract, on a tiny synthetic cohort."""
    from bench.config import parse_settings
    from bench.registry import load_registry
    from bench.testing import contract_checks

    spec = load_registry(plugin or ()).spec(name)
    checks = contract_checks(spec, parse_settings(settings or ()))
    rows = [
        {"clause": its.clause, "kept": "yes" if its.kept else "NO", "detail": its.detail} for its in checks
    ]
    print_rows(rows, wanted, f"Contract of {name}")
    if not all(its.kept for its in checks):
        raise typer.Exit(1)
