"""The command line. Commands import what they need when they run, so that help and lists stay quick."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench import __version__
from bench.errors import BenchError, UsageError
from bench.listing import BoardFormat, Format, Missing, board_format, print_rows
from bench.options import (
    BoardFormatOption,
    CohortOption,
    ColumnsOption,
    ConfigOption,
    DeviceOption,
    DryRunOption,
    EnsemblesOption,
    ExecutorOption,
    FormatOption,
    FreezeOption,
    InnerFoldsOption,
    JobsOption,
    MemoryOption,
    MethodOption,
    MetricOption,
    MissingOption,
    OutOption,
    PartialOption,
    PlanOnlyOption,
    PlanOption,
    PluginOption,
    PresetOption,
    QuietOption,
    RetryOption,
    RowsOption,
    RuleOption,
    SeedsOption,
    SensitivityOption,
    SettingsOption,
    SkipOption,
    SplitOption,
    StoreOption,
    ThreadsOption,
    TimeoutOption,
    TrialsOption,
    TuneTimeOption,
)

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.config import Experiment
    from bench.report.table import Table
    from bench.scores import Results

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


class PointUnit(StrEnum):
    """In what a lesion's point is given."""

    mm = "mm"
    voxel = "voxel"


class FamilyName(StrEnum):
    """Which comparisons of a task are corrected for together."""

    reference = "reference"
    all = "all"


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


@app.command()
def methods(plugin: PluginOption = None, wanted: FormatOption = Format.table) -> None:
    """List the methods, whether each can run here, and plugins that failed to load."""
    from bench.registry import load_registry, unavailable_reason

    registry = load_registry(plugin or ())
    rows: list[dict[str, Any]] = []
    for name, spec in registry.specs.items():
        reason = unavailable_reason(spec)
        status = "ready" if reason is None else f"unavailable: {reason}"
        rows.append(
            {"method": name, "status": status, "plugin": registry.plugins[name], "summary": spec.summary}
        )
    rows += [
        {"method": "", "status": f"broken: {its.error}", "plugin": its.plugin, "summary": ""}
        for its in registry.broken
    ]
    print_rows(rows, wanted, "Methods")


@app.command()
def splits(wanted: FormatOption = Format.table) -> None:
    """List the splits."""
    from bench.split import load_split_config, split_names

    configs = [load_split_config(name) for name in split_names()]
    rows = [{"split": its.name, "estimand": its.estimand, "summary": its.title} for its in configs]
    print_rows(rows, wanted, "Splits")


@app.command()
def cohorts(wanted: FormatOption = Format.table) -> None:
    """List the phantom scenarios; a folder with a cohort.toml is a cohort too."""
    from bench.cohorts.catalogue import phantom_folder
    from bench.cohorts.phantom import SCENARIOS

    rows = [
        {
            "cohort": name,
            "kind": "synthetic",
            "status": "made" if (phantom_folder(name) / "cohort.toml").is_file() else "made at first use",
            "summary": its.summary,
        }
        for name, its in SCENARIOS.items()
    ]
    print_rows(rows, wanted, "Cohorts (or the path of a cohort folder)")


@cohort_app.command("make")
def make(
    scenario: Annotated[str, typer.Argument(help="Phantom scenario, see `bench cohorts`.")],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the phantom.")] = 0,
) -> None:
    """Make a synthetic cohort in the cache and print its folder."""
    from bench.cohorts.catalogue import make_cohort

    print(make_cohort(scenario, seed))


@cohort_app.command("check")
def check_cohort(
    folder: Annotated[Path, typer.Argument(help="Folder with cohort.toml and cases.csv.")],
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Name every fault of a cohort folder with its remedy, a line each; count cases and labels."""
    from bench.cohorts.check import check_folder, print_checked

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; `bench cohort check` takes one with a cohort.toml")
    checked = check_folder(folder, quiet)
    print_checked(checked, folder, wanted)
    if not checked.would_run:
        raise typer.Exit(1)


@cohort_app.command("init")
def init_cohort(
    folder: Annotated[Path, typer.Argument(help="Folder with the images.")],
    csv: Annotated[Path, typer.Option("--csv", help="Your table, a line a case, with names of your own.")],
    point: Annotated[
        PointUnit | None, typer.Option("--point", help="Unit of a lesion's x, y, z: mm (LPS) or voxel.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write what is proposed.")] = False,
) -> None:
    """Propose cohort.toml and cases.csv from a table with names of your own; --write writes them."""
    from bench.cohorts.init import print_proposal, propose, write_proposal

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; `bench cohort init` takes the one with the images")
    proposal = propose(folder, csv, point or "")
    print_proposal(proposal)
    if not write:
        print("nothing was written: the same command with --write does it; correct the two files afterwards")
        return
    write_proposal(proposal)
    print(f"written to {folder}; next: bench cohort check {folder}")


@app.command()
def run(
    method: MethodOption = None,
    split: Annotated[str | None, typer.Option("--split", "-s", help="Split, see `bench splits`.")] = None,
    cohort: Annotated[str | None, typer.Option("--cohort", "-c", help="Phantom scenario or folder.")] = None,
    seeds: SeedsOption = None,
    settings: SettingsOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    store: Annotated[str | None, typer.Option("--store", help="Folder of the run store.")] = None,
    metric: MetricOption = None,
    inner_folds: InnerFoldsOption = None,
    jobs: JobsOption = None,
    cell_timeout: TimeoutOption = None,
    memory_limit: MemoryOption = None,
    retry: RetryOption = None,
    executor: ExecutorOption = None,
    trials: TrialsOption = None,
    tune_time: TuneTimeOption = None,
    plugin: PluginOption = None,
    skip_broken: SkipOption = False,
    dry_run: DryRunOption = False,
    plan: PlanOnlyOption = False,
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Fit, predict and score: runs what is missing of the plan, then prints the result table."""
    from bench.config import parse_settings, read_experiment
    from bench.experiment import dry_run_rows, make_plan, write_plan
    from bench.status import statuses

    given: dict[str, Any] = {
        "methods": _names(method),
        "split": split,
        "cohort": cohort,
        "seeds": _integers("--seeds", seeds),
        "set": parse_settings(settings) if settings else None,
        "preset": preset,
        "device": device,
        "threads": threads,
        "store": store,
        "skip_broken": skip_broken or None,
        "metric": _names(metric),
        "inner_folds": inner_folds,
        "jobs": jobs,
        "cell_timeout": cell_timeout,
        "memory_limit": memory_limit,
        "executor": executor,
        "trials": trials,
        "tune_time": tune_time,
        "plugins": [str(path) for path in plugin] if plugin else None,
    }
    experiment = read_experiment(config, {key: value for key, value in given.items() if value is not None})
    again = statuses(retry)
    if dry_run:
        print_rows(dry_run_rows(experiment, quiet, again), wanted, "Plan")
    elif plan:
        stored = write_plan(make_plan(experiment, quiet))
        print(f"plan {stored.id} of {len(stored.cells)} cells; next: bench worker --store {experiment.store}")
    else:
        _run_to_the_end(experiment, quiet, wanted, again)


def _run_to_the_end(experiment: "Experiment", quiet: bool, wanted: Format, retry: Sequence[str]) -> None:
    from bench.experiment import run_experiment

    try:
        went_well = run_experiment(experiment, quiet, wanted, retry)
    except KeyboardInterrupt:
        raise BenchError("stopped; what is finished is kept, the same command goes on from here") from None
    if not went_well:
        raise typer.Exit(1)


@app.command()
def status(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    cells: Annotated[bool, typer.Option("--cells", help="A row a cell instead of one a method.")] = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Show how every planned cell of a store stands, also while it runs elsewhere."""
    from bench.executors.slurm import job_states, jobs_of
    from bench.plans import stored_plan
    from bench.status import cell_rows, status_rows
    from bench.store import Store

    found = stored_plan(Store(store), plan)
    title = f"Plan {found.id} of {found.created}: {found.experiment.cohort}, {found.experiment.split}"
    print_rows((cell_rows if cells else status_rows)(Store(store), found), wanted, title)
    jobs = job_states(jobs_of(Store(store), found.id))
    if jobs and wanted is Format.table:
        print("Slurm jobs: " + ", ".join(f"{job} {state.lower()}" for job, state in jobs.items()))


@app.command()
def worker(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="How many cells run at a time.")] = 1,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="Rows of the plan: A,B or several times; all.")
    ] = None,
    retry: RetryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run cells of a planned store until none is left; start as many as a cluster has room for."""
    from bench.status import statuses
    from bench.worker import work_on

    try:
        bad = work_on(store, plan, jobs, _names(method) or (), statuses(retry), quiet)
    except KeyboardInterrupt:
        raise BenchError("stopped; other workers take over what it held") from None
    if bad:
        raise typer.Exit(1)


@app.command()
def leaderboard(
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
    columns: ColumnsOption = None,
    metric: MetricOption = None,
    rule: RuleOption = "youden",
    ensembles: EnsemblesOption = False,
    missing: MissingOption = Missing.apart,
    sensitivity: SensitivityOption = False,
    partial: PartialOption = False,
    plugin: PluginOption = None,
    freeze: FreezeOption = None,
) -> None:
    """Rank every method of a store on one cohort and split."""
    from dataclasses import replace

    from bench.cohorts.catalogue import open_cohort
    from bench.ensemble import with_ensembles
    from bench.frozen import freeze as freeze_board
    from bench.partial import on_finished_folds
    from bench.ranking_metric import ranking_metrics
    from bench.report import select_columns
    from bench.thresholds import rule_named

    if freeze is not None:
        apart = {"--missing": missing is not Missing.apart, "--sensitivity": sensitivity}
        shown = {"--partial": partial, "--columns": columns is not None, "--out": out is not None}
        _refuse_beside_freeze(apart | shown)
    by_rule = rule_named(rule)
    found = open_cohort(cohort, skip_broken=skip_broken)
    chosen = ranking_metrics(found.tasks, _names(metric) or (), plugin or ())
    results = _results_of(found, split, store)
    results = on_finished_folds(results) if partial else results
    results = replace(results, metrics=chosen, rule=by_rule)
    results = with_ensembles(results) if ensembles else results
    if freeze is not None:
        print(freeze_board(results, freeze))
        return
    board = _board(results, missing, sensitivity)
    if columns is not None:
        board = select_columns(board, [name.strip() for name in columns.split(",")])
    _show(board, wanted, out)


def _board(results: "Results", missing: Missing, sensitivity: bool) -> "Table":
    """The ranked board, or how its order depends on choices."""
    from bench.leaderboard import leaderboard as rank
    from bench.leaderboard import sensitivity_board
    from bench.missing import at_chance

    if sensitivity:
        return sensitivity_board(results, missing)
    return rank(at_chance(results) if missing is Missing.chance else results)


def _refuse_beside_freeze(given: Mapping[str, bool]) -> None:
    """Raise UsageError where an option is given that would change or move a board that is kept."""
    named = [option for option, its in given.items() if its]
    if named:
        raise UsageError(
            f"--freeze keeps the standard board, in its own folder, and does not go with {', '.join(named)}; "
            f"leave out {', '.join(named)}, or leave out --freeze for a board of your own"
        )


@app.command()
def metrics(
    split: Annotated[str | None, typer.Option("--split", help="Name of a split or path of its TOML.")] = None,
    cohort: CohortOption = "phantom",
    method: RowsOption = None,
    rule: RuleOption = "youden",
    listed: Annotated[bool, typer.Option("--list", help="List the metrics instead.")] = False,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Every metric of every method and task of a store, with intervals; --list names the metrics."""
    from dataclasses import replace

    from bench.cohorts.catalogue import open_cohort
    from bench.metric_table import metric_list, metric_table
    from bench.registry import load_registry
    from bench.scores import of_methods
    from bench.thresholds import rule_named

    registry = load_registry(plugin or ())
    if listed:
        listing = Format.json if wanted is BoardFormat.json else Format.table
        print_rows(metric_list(registry), listing, "Metrics")
        return
    if split is None:
        raise UsageError("name a split: --split NAME (see `bench splits`), or --list for the metrics")
    by_rule = rule_named(rule)
    results = of_methods(
        _results_of(open_cohort(cohort, skip_broken=skip_broken), split, store), _names(method)
    )
    table = metric_table(replace(results, rule=by_rule), tuple(registry.metrics.values()))
    _show(table, wanted, out)


@app.command()
def compare(
    methods: Annotated[list[str], typer.Argument(help="Two or more methods, by the names of their rows.")],
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    reference: Annotated[
        str | None, typer.Option("--reference", help="Set every other method against this one.")
    ] = None,
    family: Annotated[
        FamilyName | None,
        typer.Option("--family", help="Correct for those against the reference, or for all pairs."),
    ] = None,
    metric: MetricOption = None,
    rule: RuleOption = "youden",
    ensembles: EnsemblesOption = False,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Compare methods pairwise on the same cases: difference, interval, corrected p, power and a verdict."""
    from dataclasses import replace

    from bench.cohorts.catalogue import open_cohort
    from bench.comparison import compare as compare_methods
    from bench.comparison import restricted
    from bench.ensemble import with_ensembles
    from bench.ranking_metric import ranking_metrics
    from bench.report.compared import comparison_table
    from bench.thresholds import rule_named

    by_rule = rule_named(rule)
    names = methods if reference is None or reference in methods else [*methods, reference]
    opened = open_cohort(cohort, skip_broken=skip_broken)
    chosen = ranking_metrics(opened.tasks, _names(metric) or (), plugin or ())
    results = restricted(_results_of(opened, split, store), names)
    results = replace(results, metrics=chosen, rule=by_rule)
    results = with_ensembles(results) if ensembles else results
    labels = [its.label for its in results.methods]
    found = compare_methods(results, labels, reference, None if family is None else family.value)
    table = comparison_table(results, found)
    _show(table, wanted, out)


@app.command()
def thresholds(
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    rule: Annotated[
        str | None, typer.Option("--rule", help="Rule of the thresholds; all where not given.")
    ] = None,
    skip_broken: SkipOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """List the thresholds that turn predictions into decisions: a row a method, task, seed, fold and rule."""
    from bench.cohorts.catalogue import open_cohort
    from bench.metric_table import threshold_rows
    from bench.thresholds import rule_named

    by_rule = rule_named(rule) if rule else None
    results = _results_of(open_cohort(cohort, skip_broken=skip_broken), split, store)
    rows = threshold_rows(results, by_rule)
    if wanted is Format.table:
        rows = [row | {"threshold": "-" if row["reason"] else f"{row['threshold']:.4f}"} for row in rows]
    print_rows(rows, wanted, "Thresholds")


@app.command()
def sites(
    split: SplitOption,
    method: Annotated[list[str], typer.Option("--method", "-m", help="Methods: A,B or several times.")],
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    ensembles: EnsemblesOption = False,
    skip_broken: SkipOption = False,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Value of each method at each site, within sites and over all, the worst site and the spread between."""
    from bench.cohorts.catalogue import open_cohort
    from bench.ensemble import with_ensembles
    from bench.report.by_site import site_table
    from bench.scores import of_methods
    from bench.sites import site_scores

    results = of_methods(
        _results_of(open_cohort(cohort, skip_broken=skip_broken), split, store), _names(method)
    )
    results = with_ensembles(results) if ensembles else results
    table = site_table(results, site_scores(results))
    _show(table, wanted, out)


@app.command()
def tuning(
    method: Annotated[str, typer.Option("--method", "-m", help="A tuned row, or its method.")],
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for history.png and importances.png.")
    ] = None,
    wanted: FormatOption = Format.table,
) -> None:
    """How a method was tuned: history, best parameters and their importances, a row a fold; and figures."""
    from bench.cohorts.catalogue import open_cohort
    from bench.report.tuned import print_studies
    from bench.store import Store
    from bench.studies import fold_studies, tuned_row

    results = _results_of(open_cohort(cohort, skip_broken=skip_broken), split, store)
    row = tuned_row(results, method)
    studies = fold_studies(row, results, Store(store))
    print_studies(studies, row, results, wanted)
    if out is not None:
        from bench.report.figures import write_figures

        for path in write_figures(studies, row, results, out):
            print(f"{path} written", file=sys.stderr)


@app.command()
def predictions(
    csv: Annotated[Path, typer.Option("--csv", help="File to write.")],
    cohort: CohortOption = "phantom",
    split: Annotated[
        str | None, typer.Option("--split", help="One split; all of the store where not given.")
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
) -> None:
    """Write every stored prediction of a cohort beside its truth, one row a case, task, fold and seed."""
    from bench.cohorts.catalogue import open_cohort
    from bench.results import export_predictions
    from bench.store import Store

    table = export_predictions(open_cohort(cohort, skip_broken=skip_broken), split, Store(store))
    if table.empty:
        raise UsageError(f"no finished cell of {cohort} in {store}; see `bench run`")
    table.to_csv(csv, index=False)
    print(f"{len(table)} predictions written to {csv}")


@app.command()
def submit(
    csv: Annotated[Path, typer.Argument(help="CSV with case_id, task, prediction; seed and fold if known.")],
    method: Annotated[str, typer.Option("--method", "-m", help="Name of the row, marked as submitted.")],
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
) -> None:
    """Put test predictions made elsewhere on the board, checked as strictly as our own."""
    from bench.cohorts.catalogue import open_cohort
    from bench.split import load_split_config, make_split
    from bench.store import Store
    from bench.submission import submit as submit_file
    from bench.submission import submitted_before

    config = load_split_config(split)
    found = open_cohort(cohort, skip_broken=skip_broken)
    cut, where = make_split(found, config), Store(store)
    instead = " in the place of those submitted before" if submitted_before(method, found, cut, where) else ""
    cells = submit_file(csv, method, found, cut, where)
    options = f"--cohort {cohort} --split {split} --store {store}"
    print(f"{len(cells)} cells of {cells[0].method} stored{instead}; next: bench leaderboard {options}")


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(help="Folder of boards, or of one: leaderboards/phantom/internal.")
    ] = Path("leaderboards"),
    rerun: Annotated[
        str | None, typer.Option("--rerun", help="Run one cell of one board again: METHOD:SEED:FOLD.")
    ] = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Recompute every figure of committed boards from their predictions, and name each that differs."""
    from bench.frozen import frozen_boards
    from bench.verify import rerun as run_again
    from bench.verify import verify_board

    places = frozen_boards(folder)
    if not places:
        raise UsageError(f"no board below {folder}: a board is a folder with a board.md")
    if rerun is not None:
        if len(places) > 1:
            raise UsageError(f"--rerun takes the folder of one board, {folder} holds {len(places)}")
        found = run_again(places[0], rerun)
        print_rows([found], wanted, "Run again")
        if found["verdict"] == "different":
            raise typer.Exit(1)
        return
    checked = [verify_board(place) for place in places]
    rows = [
        {
            "board": its.board,
            "figures": its.figures,
            "differ": len(its.differences),
            "verdict": its.note or ("differs" if its.differences else "as its source says"),
        }
        for its in checked
    ]
    print_rows(rows, wanted, "Boards")
    for its in checked:
        for difference in its.differences:
            print(f"{its.board}: {difference}", file=sys.stderr)
    if any(its.differences for its in checked):
        raise typer.Exit(1)


@new_app.command("method")
def new_method(
    name: Annotated[str, typer.Argument(help="Lower-case Python name, such as mean_rim.")],
    folder: Annotated[Path, typer.Option("--folder", help="Where to write.")] = Path(),
) -> None:
    """Write a complete one-file plugin and its test."""
    from bench.template import write_method

    plugin, test = write_method(name, folder)
    print(f"{plugin}\n{test}\ntry: bench run --method {name} --plugin {plugin} --cohort phantom-tiny")


@app.command()
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


def _names(texts: list[str] | None) -> list[str] | None:
    """The names of ``A,B`` given several times; None where there are none."""
    return [name for text in texts or () for name in text.split(",") if name] or None


def _show(table: "Table", wanted: BoardFormat | None, out: Path | None) -> None:
    """Print a table, or write it to a file, in the format asked for or the one of the file's ending."""
    from bench.report import print_board, write_board

    chosen = wanted or board_format(out)
    if out is None:
        print_board(table, chosen)
    else:
        write_board(table, chosen, out)


def _results_of(cohort: "Cohort", split: str, store: Path) -> "Results":
    from bench.results import results_of_store
    from bench.split import load_split_config, make_split
    from bench.store import Store

    return results_of_store(cohort, make_split(cohort, load_split_config(split)), Store(store))


@app.command()
def subtypes(
    split: SplitOption,
    rule: Annotated[str, typer.Option("--rule", help="receptor_only, st_gallen_2013 or maisonneuve_2014.")],
    cohort: CohortOption = "phantom",
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="Methods of the store: A,B or several times.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="er=TASK where a task has another name than its role.")
    ] = None,
    confusion: Annotated[
        str | None, typer.Option("--confusion", help="Method whose confusion matrix to print instead.")
    ] = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Score the molecular subtypes that follow from the biomarkers by one rule."""
    from bench.cohorts.catalogue import open_cohort
    from bench.report.subtypes import confusion_table, subtype_table
    from bench.results import results_of_store, validation_predictions
    from bench.scores import of_methods
    from bench.split import load_split_config, make_split
    from bench.store import Store
    from bench.subtype import find_rule, role_tasks
    from bench.subtype_scores import ki67_spreads, score_subtypes

    found = open_cohort(cohort, skip_broken=skip_broken)
    chosen = find_rule(rule)
    roles = role_tasks(chosen, found.tasks, _pairs("--role", role or ()))
    cut = make_split(found, load_split_config(split))
    results = of_methods(results_of_store(found, cut, Store(store)), _names(method))
    spreads = ki67_spreads(validation_predictions(found, cut, Store(store)), found.table, roles)
    scored = score_subtypes(results, chosen, roles, spreads)
    table = confusion_table(results, scored, confusion) if confusion else subtype_table(results, scored)
    _show(table, wanted, out)


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    odd = [text for text, (key, _, value) in zip(texts, pairs, strict=True) if not key or not value]
    if odd:
        raise UsageError(f"{option} expects name=value, got {odd[0]!r}")
    return {key: value for key, _, value in pairs}


def _integers(option: str, text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} expects integers such as 0,1,2, got {text!r}") from None


if __name__ == "__main__":
    main()
