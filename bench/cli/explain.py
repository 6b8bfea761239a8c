"""Where stored models look."""

import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import open_finished
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    OutOption,
    PluginOption,
    QuietOption,
    SkipOption,
    SplitOption,
    StoreOption,
    names,
)
from bench.cli.output import output
from bench.errors import UsageError
from bench.explain.way import Way
from bench.files import writing

if TYPE_CHECKING:
    from bench.predictions.results import Results


def explain(
    method: Annotated[
        str, typer.Option("--method", "-m", help="Row of the store whose models are explained.")
    ],
    split: SplitOption,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Case of the cohort: A,B or several times.")
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option("--worst", min=1, help="Instead: so many cases of the largest error on --task."),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="Tasks to explain: er,ki67 or several times; all.")
    ] = None,
    by: Annotated[
        Way, typer.Option("--by", help="How maps are made; auto: own, else gradients, else occlusion.")
    ] = Way.auto,
    checks: Annotated[
        bool, typer.Option("--checks/--no-checks", help="Measure how faithful the maps are.")
    ] = True,
    cohort: CohortOption = "phantom",
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")] = Path("explained"),
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write heat maps and feature tables of stored models.

    NIfTI on the grid of the original image, to be laid over it in 3D Slicer; a PNG sheet a case; a CSV of
    what each feature adds, for models of features; JSON on how all was made and how faithful it is. For
    research use only.
    """
    from bench.explain.models import models_of_row
    from bench.explain.run import explain_into
    from bench.explain.summary import faithfulness_lines
    from bench.methods.registry import load_registry
    from bench.progress import progress_bar

    asked = names(task)
    if (worst is None) == (case is None) or (worst is not None and len(asked or ()) != 1):
        raise UsageError("name the cases: --case ID, or --worst N with one --task")
    protocol = open_finished(cohort, split, store, skip_broken, plugin)
    whole = protocol.cohort
    tasks = [whole.task(name) for name in asked] if asked else list(whole.tasks)
    chosen = names(case) or _worst(protocol.results([method]), tasks[0].name, method, worst or 1)
    whole.take(chosen)
    models = models_of_row(whole, protocol.split, protocol.store, method, load_registry(plugin or ()))
    with writing(out, "the explanations", "--out"), progress_bar("explaining cases", quiet) as advance:
        found, paths = explain_into(out, models, whole, chosen, tasks, by, checks, advance)
    print("\n".join(map(str, paths)))
    for line in faithfulness_lines(tasks, found):
        print(line, file=sys.stderr)


def _worst(results: "Results", task: str, method: str, count: int) -> list[str]:
    """The cases on which a method is farthest off on a task, the worst first."""
    from bench.predictions.results import label_of
    from bench.report.cases import worst_cases

    table = worst_cases(results, task, label_of(results, method), count)
    return [str(record["case"]) for record in table.records]


def pointing(
    method: Annotated[
        list[str], typer.Option("--method", "-m", help="Rows of the store: A,B or several times.")
    ],
    split: SplitOption,
    cases: Annotated[
        int, typer.Option("--cases", min=1, help="How many tested cases, spread evenly over them.")
    ] = 40,
    by: Annotated[
        Way, typer.Option("--by", help="How maps are made; auto: own, else gradients, else occlusion.")
    ] = Way.auto,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
    quiet: QuietOption = False,
) -> None:
    """Score whether maps point to where a phantom's signal is.

    The share of the heat in the place that carries the task's signal, against that of a map which is even
    over lesion and surround, with an interval by patients.
    """
    from bench.cohorts.phantom.places import TruePlaces
    from bench.explain.models import models_of_row
    from bench.explain.pointing import pointing as pointing_scores
    from bench.explain.pointing_table import pointing_table
    from bench.methods.registry import load_registry
    from bench.progress import progress_bar

    place = output(wanted, out)
    protocol = open_finished(cohort, split, store, skip_broken=False, plugins=plugin)
    whole, drawn, registry = protocol.cohort, protocol.split, load_registry(plugin or ())
    places = TruePlaces.of_folder(whole.folder)
    rows = [models_of_row(whole, drawn, protocol.store, label, registry) for label in names(method) or ()]
    chosen = _spread([case_id for fold in drawn.folds for case_id in fold.test], cases)
    steps, total, scores = count(1), len(rows) * len(chosen), []
    with progress_bar("explaining cases", quiet) as advance:
        for models in rows:
            scores += pointing_scores(
                models, whole, places, chosen, by, report=lambda: advance(next(steps), total)
            )
    place.show(pointing_table(whole, drawn, scores))


def _spread(case_ids: list[str], wanted: int) -> list[str]:
    """So many of the cases, evenly spread over their sorted names."""
    every = sorted(set(case_ids))
    step = max(len(every) / wanted, 1)
    return [every[int(at * step)] for at in range(min(wanted, len(every)))]
