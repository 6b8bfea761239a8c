"""The program: its commands in the order of the help, and what becomes of errors."""

import errno
import sys
from typing import Annotated, Any

import typer

from bench import __version__
from bench.cli import boards, cohort, lists, new, predictions, run, verify
from bench.cli.terminal import drop_output, flush_output, open_streams
from bench.errors import BenchError
from bench.files import reason

# What the parser raises; typer may carry a copy of click of its own.
WrongCall: type[Exception] = typer.BadParameter.__mro__[2]

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
    """Run the command line; errors a user can act on become one line and an exit code."""
    open_streams()
    try:
        code = _run_and_flush()
    except WrongCall as error:
        code = _say_how_it_is_called(error)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        code = error.exit_code
    except OSError as error:
        drop_output()
        if error.errno != errno.EPIPE:  # a reader such as `head` may stop early
            where = error.filename or "cannot write to standard output"
            print(f"bench: {where}: {reason(error)}", file=sys.stderr)
        code = 1
    sys.exit(code)


def _run_and_flush() -> int:
    try:
        returned = app(standalone_mode=False, prog_name="bench")
    finally:
        flush_output()
    return returned if isinstance(returned, int) else 0


def _say_how_it_is_called(error: Any) -> int:
    """One line for a call that the parser refuses; where nothing was asked for, it has printed the help."""
    message = error.format_message()
    if message and "\n" not in message:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "bench"
        print(f"bench: {message.rstrip('.')}; see `{command} --help`", file=sys.stderr)
    return int(error.exit_code)


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
