"""Import a cohort: a command for each importer, made of its options; and the proof that no name got out."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from bench.cli.options import QuietOption
from bench.errors import UsageError

OutOption = Annotated[Path, typer.Option("--out", help="Folder to write.")]
IdsOption = Annotated[
    str,
    typer.Option("--ids", help="How ids are written: hash, keep, or a table with columns id and new_id."),
]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Studies read at a time.")]
COMMON = {
    "out": (OutOption, inspect.Parameter.empty),
    "ids": (IdsOption, ""),
    "jobs": (JobsOption, 1),
    "quiet": (QuietOption, False),
}
# The terminal names so many single problems.
NAMED = 10


class ImporterGroup(TyperGroup):
    """The importers on offer as commands; an importer's module is imported when its command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the importers."""
        return list(_importers())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of one importer, or None where there is none of that name."""
        spec = _importers().get(cmd_name)
        if spec is None:
            return None
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(cmd_name, help=f"{spec.summary}.")(import_command(spec.importer_class()))
        return typer.main.get_command(app)


def _importers() -> Any:
    from bench.methods.registry import load_registry

    return load_registry().importers


def import_command(importer_class: type[Any]) -> Callable[..., None]:
    """A command whose parameters are the importer's fields and those that all imports have."""
    own = [_parameter(field, get_type_hints(importer_class)[field.name]) for field in fields(importer_class)]
    taken = {parameter.name for parameter in own} & set(COMMON)
    if taken:
        raise UsageError(f"the importer has an option --{min(taken)}, which every import has; rename it")

    whole = {field.name for field in fields(importer_class) if field.metadata.get("whole")}

    def command(**values: Any) -> None:
        common = {name: values.pop(name) for name in COMMON}
        lists = {
            name: tuple(value) if name in whole else _names(value)
            for name, value in values.items()
            if isinstance(value, list)
        }
        _import(importer_class(**{**values, **lists}), **common)

    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in COMMON.items()
    ]
    command.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    return command


def _parameter(field: Any, kind: Any) -> inspect.Parameter:
    """The parameter that an importer's field is on the command line."""
    text = field.metadata.get("help", "")
    default: Any = inspect.Parameter.empty if field.default is MISSING else field.default
    declared: Any = typer.Option(f"--{field.name.replace('_', '-')}", help=text)
    if field.metadata.get("argument"):
        declared = typer.Argument(help=text)
    if kind == tuple[str, ...]:
        kind = list[str]
        default = default if field.default is MISSING else list(field.default)
    annotation = Annotated[kind, declared]
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _names(texts: list[str]) -> tuple[str, ...]:
    r"""The names of ``A,B`` given several times; a name with a comma is given as ``A\,B``."""
    split = [part for text in texts for part in text.replace("\\,", "\0").split(",")]
    return tuple(part.replace("\0", ",") for part in split if part)


def _import(importer: Any, out: Path, ids: str, jobs: int, quiet: bool) -> None:
    from bench.cohorts.importers.run_import import import_cohort
    from bench.progress import warn

    report = import_cohort(importer, out, jobs, quiet, ids)
    for problem in report.problems[:NAMED]:
        warn(problem)
    if len(report.problems) > NAMED:
        warn(f"{len(report.problems) - NAMED} more; {out / 'import_report.json'} has the reasons of all")
    print(report.as_markdown())
    print(f"written to {out}; next: bench cohort check {out}")


def scan_cohort(
    folder: Annotated[Path, typer.Argument(help="Folder of an imported cohort.")],
    against: Annotated[Path, typer.Option("--against", help="The source: a table, or a folder of DICOM.")],
) -> None:
    """Search a cohort folder for identifying strings of its source."""
    from bench.cohorts.importers.scan import identifying_strings, scan

    if not folder.is_dir() or not against.exists():
        raise UsageError(f"there is no {against if folder.is_dir() else folder}; correct its name")
    strings = identifying_strings(against)
    leaks = scan(folder, strings)
    for leak in leaks:
        print(f"{leak.file}: holds the source's {leak.kind}")
    print(f"{len(strings)} identifying strings searched for: {len(leaks) or 'none'} found")
    if leaks:
        raise typer.Exit(1)
