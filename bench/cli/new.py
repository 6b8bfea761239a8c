"""Write a new plugin or package, and check that a method keeps the contract."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import DeviceOption, FormatOption, PluginOption
from bench.errors import UsageError
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.methods.contract.clause import Check

Name = Annotated[str, typer.Argument(help="Lower-case Python name, such as mean_rim.")]
Folder = Annotated[Path, typer.Option("--folder", help="Where to write.")]


def new_method(name: Name, folder: Folder = Path()) -> None:
    """Write a complete one-file plugin with a method, and its test."""
    from bench.methods.template import write_plugin

    plugin, test = write_plugin("method", name, folder)
    print(f"{plugin}\n{test}\ntry: bench run --method {name} --plugin {plugin} --cohort phantom-tiny")


def new_metric(name: Name, folder: Folder = Path()) -> None:
    """Write a complete one-file plugin with a metric, and its test."""
    from bench.methods.template import write_plugin

    plugin, test = write_plugin("metric", name, folder)
    print(f"{plugin}\n{test}\ntry: pytest {test}; bench metrics --list --plugin {plugin}")


def new_split(name: Name, folder: Folder = Path()) -> None:
    """Write a complete one-file plugin with a split, and its test."""
    from bench.methods.template import write_plugin

    plugin, test = write_plugin("split", name, folder)
    options = f"--split {name} --plugin {plugin} --cohort phantom-tiny"
    print(f"{plugin}\n{test}\ntry: pytest {test}; bench run --method constant,tumour_size {options}")


def new_package(name: Name, folder: Folder = Path()) -> None:
    """Write a package with a method, its test and a workflow."""
    from bench.methods.template import write_package

    for path in write_package(name, folder):
        print(path)
    print(f'try: pip install -e "{folder / name}[test]"; bench check {name}')


def check(
    name: Annotated[str, typer.Argument(help="Name of the method.")] = "",
    settings: Annotated[list[str] | None, typer.Option("--set", help="parameter=value.")] = None,
    plugin: PluginOption = None,
    device: DeviceOption = None,
    cohort: Annotated[
        str,
        typer.Option("--cohort", help="Check on 36 cases of this phantom or folder, not on synthetic ones."),
    ] = "",
    quick: Annotated[
        list[str] | None,
        typer.Option(
            "--quick", help="parameter=value for a quick check; epochs are 1 where nothing is said."
        ),
    ] = None,
    explain: Annotated[str | None, typer.Option("--explain", help="Explain a clause, such as BC07.")] = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Check that a method keeps the contract.

    It is fitted and predicts on a small synthetic cohort.
    """
    from bench.methods.contract.catalogue import clause_named

    if explain is not None:
        print(clause_named(explain).explanation())
    elif not name:
        raise UsageError("name a method to check (see `bench methods`), or a clause with --explain BC01")
    else:
        params = [*(quick or ()), *(settings or ())]
        checks = _checks(name, params, plugin or (), device or "cpu", cohort)
        _print_checks(name, checks, wanted)
        if not all(check.kept for check in checks):
            raise typer.Exit(1)


def _checks(
    name: str, settings: Iterable[str], plugins: Sequence[Path], device: str, cohort: str
) -> "list[Check]":
    """Each clause and whether it is kept; a bar shows how far the check is."""
    from bench.methods.contract.catalogue import CLAUSES
    from bench.methods.contract.suite import contract_checks
    from bench.methods.named_cohort import cohort_named
    from bench.methods.registry import load_registry
    from bench.progress import progress_bar
    from bench.running.experiment import parse_settings
    from bench.running.run_cell import device_named

    spec = load_registry(plugins).spec(name)
    folder = cohort_named(cohort, plugins).folder if cohort else None
    asked = contract_checks(
        spec, parse_settings(settings), plugins=plugins, device=device_named(device), cohort=folder
    )
    checks = []
    with progress_bar(f"contract of {name}") as advance:
        for check in asked:
            checks.append(check)
            advance(len(checks), len(CLAUSES))
    return checks


def _print_checks(name: str, checks: "Sequence[Check]", wanted: Format) -> None:
    """A row a clause, and on a terminal or in a file of text a line a distinct fault with file and line."""
    from bench.methods.contract.suite import distinct_faults

    told = distinct_faults(checks)
    if wanted is Format.json:
        print_rows([one.as_json() for one in told], wanted, "")
        return
    words = {True: "yes", False: "NO"}
    rows = [
        {"code": one.code, "clause": one.clause, "kept": words[one.kept], "note": one.detail * one.kept}
        for one in told
    ]
    print_rows(rows, wanted, f"Contract of {name}")
    faults: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        if not check.kept:
            faults.setdefault((check.place, check.detail), []).append(check.code)
    for (place, detail), codes in faults.items():
        print(f"{place or name}: {', '.join(codes)}: {detail}")
