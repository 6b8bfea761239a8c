"""The program: its commands in the order of the help, and what becomes of errors."""

import errno
import sys
from typing import Annotated, Any

import typer

from bench.cli import (
    audit,
    boards,
    case,
    cohort,
    curve,
    deploy,
    describe,
    explain,
    export,
    factors,
    fairness,
    importing,
    lists,
    machine,
    new,
    page,
    paper,
    predict,
    predictions,
    run,
    stores,
    verify,
    view,
)
from bench.cli.completion import OF_COHORT, OF_REGISTRY, OF_STORE, completing
from bench.cli.remedies import with_options
from bench.cli.terminal import drop_output, flush_output, open_streams
from bench.errors import BenchError
from bench.files import reason

# What the parser raises; typer may carry a copy of click of its own.
WrongCall: type[Exception] = typer.BadParameter.__mro__[2]

# What the parser returns where it has caught a Ctrl-C.
INTERRUPTED = 130

# Plain help: to import what would colour it takes longer than all the rest of `bench --help`.
app = typer.Typer(
    name="bench",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "An honest benchmark of methods that predict ER, PR, HER2 and Ki-67 from single-phase breast DCE-MRI."
    ),
)
cohort_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Make, import, check or propose a cohort."
)
new_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Write a plugin or package from a template."
)
import_app = typer.Typer(
    cls=importing.ImporterGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Import a collection, an export or a table.",
)
app.add_typer(cohort_app, name="cohort")
cohort_app.add_typer(import_app, name="import")
app.add_typer(new_app, name="new")

for command in (
    *(lists.methods, lists.splits, lists.cohorts),
    *(run.run, curve.curve, run.status, run.worker),
    *(boards.leaderboard, boards.metrics, boards.compare, boards.thresholds),
    *(boards.sites, boards.subtypes, boards.tuning, factors.factors, fairness.subgroups, fairness.claim),
    *(page.report, view.view, page.figures, page.cases, case.case),
    *(predictions.predictions, export.export, predictions.submit, predictions.combine, stores.merge),
    *(deploy.bundle, predict.predict, explain.explain, explain.pointing),
    *(paper.methods_text, paper.checklist),
    *(audit.audit, verify.verify, new.check),
    *(machine.info, machine.clean),
):
    runs = command in (run.run, curve.curve, new.check)
    app.command()(completing(command, OF_REGISTRY if runs else OF_STORE))
cohort_app.command("make")(completing(cohort.make, OF_COHORT))
cohort_app.command("check")(completing(cohort.check_cohort, OF_COHORT))
cohort_app.command("init")(cohort.init_cohort)
cohort_app.command("describe")(completing(describe.describe_cohort, OF_COHORT))
cohort_app.command("scan")(completing(importing.scan_cohort, OF_COHORT))
new_app.command("method")(new.new_method)
new_app.command("metric")(new.new_metric)
new_app.command("split")(new.new_split)
new_app.command("package")(new.new_package)


def main() -> None:
    """Run the command line; errors a user can act on become one line and an exit code."""
    open_streams()
    try:
        code = _run_and_flush()
    except (typer.Abort, KeyboardInterrupt):
        print("bench: stopped", file=sys.stderr)
        code = 1
    except BenchError as error:
        print(f"bench: {with_options(error)}", file=sys.stderr)
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
    except WrongCall as error:
        returned = _say_how_it_is_called(error)
    finally:
        flush_output()
    if returned == INTERRUPTED:
        raise KeyboardInterrupt
    return returned if isinstance(returned, int) else 0


def _say_how_it_is_called(error: Any) -> int:
    """One line for a call that the parser refuses; the help where nothing was asked for."""
    message = error.format_message()
    if "\n" in message:
        print(message)
    elif message:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "bench"
        print(f"bench: {message.rstrip('.')}; see `{command} --help`", file=sys.stderr)
    return int(error.exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        from bench import __version__

        print(f"dcebench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program as a whole."""
