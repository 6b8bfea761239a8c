"""Learning curves."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import (
    BoardFormatOption,
    ConfigOption,
    ContractOption,
    DeviceOption,
    DropOption,
    DryRunOption,
    ExecutorOption,
    IdMapOption,
    JobsOption,
    MemoryOption,
    MethodOption,
    MetricOption,
    OutOption,
    PluginOption,
    PresetOption,
    QuietOption,
    RetryOption,
    SeedsOption,
    SettingsOption,
    SkipOption,
    ThreadsOption,
    TimeoutOption,
)
from bench.cli.output import output
from bench.cli.run import CohortsToRun, end_of_run, given_options, resumable
from bench.errors import UsageError
from bench.page.style import StyleName
from bench.report.formats.format import BoardFormat, Format


def curve(
    context: typer.Context,
    method: MethodOption = None,
    sizes: Annotated[
        str | None, typer.Option("--sizes", help="Training patients a fold: 100,200,400,all.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", "-s", help="Split, see `bench splits`.")] = None,
    cohort: CohortsToRun = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    seeds: SeedsOption = None,
    settings: SettingsOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    store: Annotated[str | None, typer.Option("--store", help="Folder of the run store.")] = None,
    metric: MetricOption = None,
    jobs: JobsOption = None,
    cell_timeout: TimeoutOption = None,
    memory_limit: MemoryOption = None,
    retry: RetryOption = None,
    executor: ExecutorOption = None,
    plugin: PluginOption = None,
    skip_broken: SkipOption = False,
    contract: ContractOption = True,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Folder for a figure a task: PDF, SVG and PNG.")
    ] = None,
    style: Annotated[StyleName, typer.Option("--style", help="Whose sizes and fonts.")] = StyleName.page,
) -> None:
    """Run methods on ever more training patients.

    All sizes are tested on the same cases. Runs what is missing, then prints the value at each size, the law
    that it follows, and which method passes another where. The cells are those of the splits SPLIT:n=SIZE.
    """
    from bench.report.formats.printing import print_rows
    from bench.report.learning import learning_report
    from bench.running.dry_run import dry_run_rows
    from bench.running.experiment import read_experiment
    from bench.running.status import statuses
    from bench.store.sizes import results_by_size

    place = output(wanted, out)
    experiment = read_experiment(config, given_options(context.params))
    if len(experiment.sizes) < 2:
        raise UsageError("a learning curve needs at least two sizes: --sizes 100,200,400,all")
    again = statuses(retry)
    if dry_run:
        shown = Format.json if wanted is BoardFormat.json else Format.table
        print_rows(dry_run_rows(experiment, quiet, again), shown, "Plan")
        return
    outcome = resumable(experiment, quiet, again)
    learned = learning_report(results_by_size(outcome.cohort, outcome.splits, outcome.results))
    place.show(learned.table)
    if figures is not None:
        from bench.page.learning import write_learning_figures

        for path in write_learning_figures(learned, figures, style):
            print(path)
    end_of_run(outcome)
