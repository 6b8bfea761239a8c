"""The sentence as a whole: cohort, split, fit, predict, score, rank."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.audit.footnote import with_audit
from bench.cohorts.cohort import Cohort
from bench.files import cache_dir
from bench.imaging.cache import crop_warnings
from bench.imaging.header_notes import header_notes
from bench.methods.variant import Variant
from bench.predictions.results import Results
from bench.running.cores import crowded
from bench.running.executors.batch import Work
from bench.running.experiment import Experiment
from bench.running.monitor import RunView, run_view
from bench.running.plan import Plan, executor_named, make_plan, plan_of_variants, write_plan
from bench.running.stored_plan import StoredPlan
from bench.running.verdicts import with_verdicts
from bench.splits.split import Split
from bench.store.collect import results_of_cells


@dataclass(frozen=True, eq=False)
class RunOutcome:
    """What a run came to.

    Parameters
    ----------
    results
        One for each of ``splits``: the split and its repeats.
    kept
        Status of earlier failures that were not run again, and how many there are.
    cohort
        The cases.
    complete
        Whether every planned cell has a prediction.
    """

    splits: tuple[Split, ...]
    results: tuple[Results, ...]
    kept: Mapping[str, int]
    cohort: Cohort
    complete: bool


def run_experiment(experiment: Experiment, quiet: bool = False, retry: Collection[str] = ()) -> RunOutcome:
    """Run what is missing of an experiment.

    Parameters
    ----------
    experiment
        What is compared on what.
    quiet
        No progress on standard error.
    retry
        Statuses of earlier failures that run again.
    """
    return _run(make_plan(experiment, quiet), quiet, retry)


def run_variants(experiment: Experiment, variants: Sequence[Variant], quiet: bool = False) -> RunOutcome:
    """Run what is missing of an experiment whose rows are these, whatever hyperparameters each has."""
    return _run(plan_of_variants(experiment, variants, quiet), quiet, ())


def _run(planned: Plan, quiet: bool, retry: Collection[str]) -> RunOutcome:
    stored = write_plan(planned)
    cells, kept = planned.to_run(retry)
    with run_view(len(cells), quiet, planned.store) as view:
        work = planned.work(cells, planned.jobs)
        execute(work, view, stored, retry)
    results = tuple(_results_on(planned, split) for split in planned.splits)
    complete = not view.failed and not kept and not planned.skipped
    return RunOutcome(tuple(planned.splits), results, kept, planned.cohort, complete)


def _results_on(planned: Plan, split: Split) -> Results:
    """Results of the cells of one of the repeats."""
    cells = [cell for cell in planned.cells if cell.split == split.name]
    results = results_of_cells(planned.cohort, split, cells, planned.store, planned.skipped)
    return with_audit(replace(results, metrics=planned.metrics), planned.cohort, split)


def execute(work: Work, view: RunView, stored: StoredPlan, retry: Collection[str]) -> None:
    """Run cells where the plan's executor runs them."""
    name = executor_named(stored.experiment)
    if work.cells:
        _warn_of_headers(work.cohort, view)
    if name in ("here", "workers"):  # elsewhere jobs are workers, which do the same
        work = with_verdicts(work, stored.experiment, view.say)
    if name == "here":
        from bench.running.executors.in_process import run_here

        run_here(work, view)
    elif name == "workers":
        from bench.running.executors.processes import run_in_workers

        if (warning := crowded(work.jobs, work.compute.threads)) is not None:
            view.say(warning)
        run_in_workers(work, view)
        _repeat_warnings(work.cohort, view)
    elif name == "dask":
        from bench.running.executors.dask import run_on_dask

        run_on_dask(work, stored.id, stored.experiment, tuple(retry), view)
        _repeat_warnings(work.cohort, view)
    else:
        from bench.running.executors.slurm import run_on_slurm

        run_on_slurm(work, stored.id, stored.experiment.resources, tuple(retry), view)
        _repeat_warnings(work.cohort, view)


def _repeat_warnings(cohort: Cohort, view: RunView) -> None:
    """Show what the cells' logs say of cases that may mislead."""
    for text in crop_warnings(cohort.crop_source()) if cohort.has_volumes else ():
        view.say(f"warning: {text}")


def _warn_of_headers(cohort: Cohort, view: RunView) -> None:
    """Show how many cases have a header that other programs may read otherwise, and the first of them."""
    is_phantom = cohort.folder.is_relative_to(cache_dir()) and not cohort.sources
    if is_phantom or not cohort.has_volumes:  # no phantom has one
        return
    notes = header_notes(cohort.crop_source())
    if notes:
        view.say(
            f"warning: {len(notes)} of {len(cohort.files)} cases have a header that other programs may read "
            f"otherwise; the first: {notes[0]} (`bench cohort check` names all)"
        )
