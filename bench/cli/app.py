"""The program: its commands in the order of the help, and what becomes of errors."""

import sys
from typing import Annotated

import typer

from bench import __version__
from bench.cli import boards, cohort, lists, new, predictions, run, verify
from bench.errors import BenchError, UsageError

app = typer.Typer(
    name="bench",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An honest benchmark of methods that read ER, PR, HER2 and Ki-67 from single-phase breast DCE-MRI.",
)
cohort_app = typer.Typer(no_args_is_help=True, help="Make, check or propose a cohort.")
new_app = typer.Typer(no_args_is_help=True, help="Write a new method from a template.")
app.add_typer(cohort_app, name="cohort")
app.add_typer(new_app, name="new")

for command in (
    *(lists.methods, lists.splits, lists.cohorts),
    *(run.run, run.status, run.worker),
    *(boards.leaderboard, boards.metrics, boards.compare, boards.thresholds),
    *(boards.sites, boards.subtypes, boards.tuning),
    *(predictions.predictions, predictions.submit),
    *(verify.verify, new.check),
):
    app.command()(command)
cohort_app.command("make")(cohort.make)
cohort_app.command("check")(cohort.check_cohort)
cohort_app.command("init")(cohort.init_cohort)
new_app.command("method")(new.new_method)


def main() -> None:
    """Run the command line; errors a user can act on become one message and an exit code."""
    try:
        app()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dcebench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program as a whole."""
