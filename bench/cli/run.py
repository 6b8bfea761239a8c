"""Run cells, and see how they stand."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.opened import named_cohort
from bench.cli.options import (
    ConfigOption,
    ContractOption,
    DeviceOption,
    DropOption,
    DryRunOption,
    ExecutorOption,
    FormatOption,
    IdMapOption,
    InnerFoldsOption,
    JobsOption,
    MemoryOption,
    MethodOption,
    MetricOption,
    PlanOnlyOption,
    PlanOption,
    PluginOption,
    PresetOption,
    QuietOption,
    RepeatsOption,
    RetryOption,
    SchedulerOption,
    SeedsOption,
    SettingsOption,
    SkipOption,
    StoreOption,
    ThreadsOption,
    TimeoutOption,
    TrialsOption,
    TuneTimeOption,
    integers,
    names,
    number_of_jobs,
    sizes_of,
)
from bench.errors import BenchError, UsageError
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.running.experiment import Experiment
    from bench.running.run import RunOutcome
    from bench.running.stored_plan import StoredPlan


CohortsToRun = Annotated[
    list[str] | None,
    typer.Option("--cohort", "-c", help="Phantom scenario or folder; several are joined."),
]


def run(
    context: typer.Context,
    method: MethodOption = None,
    split: Annotated[str | None, typer.Option("--split", "-s", help="Split, see `bench splits`.")] = None,
    cohort: CohortsToRun = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    seeds: SeedsOption = None,
    repeats: RepeatsOption = None,
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
    scheduler: SchedulerOption = None,
    trials: TrialsOption = None,
    tune_time: TuneTimeOption = None,
    plugin: PluginOption = None,
    skip_broken: SkipOption = False,
    contract: ContractOption = True,
    dry_run: DryRunOption = False,
    plan: PlanOnlyOption = False,
    quiet: QuietOption = False,
    wanted: FormatOption = Format.table,
) -> None:
    """Fit, predict and score methods on a split of a cohort.

    Runs what is missing of the plan, then prints the result table.
    """
    from bench.running.dry_run import dry_run_rows
    from bench.running.experiment import read_experiment
    from bench.running.plan import make_plan, write_plan
    from bench.running.status import statuses

    experiment = read_experiment(config, given_options(context.params))
    if experiment.sizes:
        raise UsageError("sizes are for a learning curve: `bench curve --config FILE` runs them")
    again = statuses(retry)
    if dry_run:
        print_rows(dry_run_rows(experiment, quiet, again), wanted, "Plan")
    elif plan:
        stored = write_plan(make_plan(experiment, quiet))
        print(f"plan {stored.id} of {len(stored.cells)} cells; next: bench worker --store {experiment.store}")
    else:
        _run_to_the_end(experiment, quiet, wanted, again)


def given_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, by the name of the field of an experiment that each sets."""
    from bench.running.experiment import Experiment, parse_settings

    parsed = {
        "methods": names(params["method"]),
        "seeds": integers("--seeds", params["seeds"]),
        "sizes": sizes_of(params.get("sizes")),
        "set": parse_settings(params["settings"] or ()) or None,
        "skip_broken": params["skip_broken"] or None,
        "contract": None if params["contract"] else False,
        "metric": names(params["metric"]),
        "cohort": _cohort(params),
        "jobs": number_of_jobs(params["jobs"]),
        "plugins": [str(path) for path in params["plugin"] or ()] or None,
    }
    values = {**params, **parsed}
    fields = (field.name for field in dataclasses.fields(Experiment))
    return {name: values[name] for name in fields if values.get(name) is not None}


def _cohort(params: Mapping[str, Any]) -> str | None:
    """The cohort or the joined ones; None where the experiment's file, or its default, names the cohort."""
    chosen, drop, id_map = params["cohort"], params["drop"], params["id_map"]
    if chosen:
        return named_cohort(chosen, drop, id_map)
    if drop or id_map:
        raise UsageError("--drop and --id-map are for several cohorts that are joined: name them (--cohort)")
    return None


def _run_to_the_end(experiment: "Experiment", quiet: bool, wanted: Format, retry: Sequence[str]) -> None:
    from bench.report.formats.printing import print_repeats, print_results

    outcome = resumable(experiment, quiet, retry)
    if len(outcome.results) == 1:
        print_results(outcome.results[0], wanted)
    else:
        print_repeats(outcome.results, outcome.splits, wanted)
    end_of_run(outcome)


def resumable(experiment: "Experiment", quiet: bool, retry: Sequence[str]) -> "RunOutcome":
    """Run what is missing; a Ctrl-C says how to go on."""
    from bench.running.run import run_experiment

    try:
        return run_experiment(experiment, quiet, retry)
    except KeyboardInterrupt:
        raise BenchError("stopped; what is finished is kept, the same command goes on from here") from None


def end_of_run(outcome: "RunOutcome") -> None:
    """Say which cells were not run again; exit code 1 where some planned cell has no prediction."""
    if outcome.kept:
        listed = ", ".join(f"{count} {status}" for status, count in outcome.kept.items())
        print(f"not run again: {listed}; --retry {','.join(outcome.kept)} does it", file=sys.stderr)
    if not outcome.complete:
        raise typer.Exit(1)


def status(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    cells: Annotated[bool, typer.Option("--cells", help="A row a cell instead of one a method.")] = False,
    why: Annotated[
        str | None, typer.Option("--why", help="Say what has changed since the cells of a method ran.")
    ] = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Show the status of every planned cell of a store.

    It may be asked while the cells run elsewhere.
    """
    from bench.running.executors.slurm import job_states, jobs_of
    from bench.running.status import cell_rows, status_rows
    from bench.running.stored_plan import stored_plan
    from bench.store.store import Store

    found = stored_plan(Store(store), plan)
    if why is not None:
        _say_why(found, store, why, wanted)
        return
    title = f"Plan {found.id} of {found.created}: {found.experiment.cohort}, {found.experiment.split}"
    print_rows((cell_rows if cells else status_rows)(Store(store), found), wanted, title)
    jobs = job_states(jobs_of(Store(store), found.id))
    if jobs and wanted is Format.table:
        print("Slurm jobs: " + ", ".join(f"{job} {state.lower()}" for job, state in jobs.items()))


def _say_why(stored: "StoredPlan", store: Path, method: str, wanted: Format) -> None:
    """What differs between the cells of a method as they would be made now, and those that the store has."""
    from bench.running.plan import make_plan
    from bench.running.staleness import why_rows

    now = make_plan(dataclasses.replace(stored.experiment, store=str(store)), quiet=True, builds=False)
    rows = why_rows(now, method)
    if rows or wanted is not Format.table:
        print_rows(rows, wanted, f"What has changed since the cells of {method} ran")
    else:
        print(f"every cell of {method} is current")


def worker(
    store: StoreOption = Path("runs"),
    plan: PlanOption = "",
    jobs: JobsOption = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", "-m", help="Rows of the plan: A,B or several times; all.")
    ] = None,
    retry: RetryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run the cells of a planned store until none is left.

    Start as many workers as a cluster has room for.
    """
    from bench.running.status import statuses
    from bench.running.worker import work_on

    try:
        failed = work_on(
            store, plan, number_of_jobs(jobs) or 1, names(method) or (), retry=statuses(retry), quiet=quiet
        )
    except KeyboardInterrupt:
        raise BenchError("stopped; other workers take over what it held") from None
    if failed:
        raise typer.Exit(1)
