"""Tables of what a store holds: boards, comparisons, metrics, sites, subtypes, tunings."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import open_finished, open_repeats
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    ColumnsOption,
    EnsemblesOption,
    FormatOption,
    FreezeOption,
    MetricOption,
    MissingOption,
    OutOption,
    PartialOption,
    PluginOption,
    RowsOption,
    RuleOption,
    SensitivityOption,
    SkipOption,
    SplitOption,
    StoreOption,
    integers,
    names,
    pairs,
)
from bench.cli.output import output
from bench.errors import UsageError
from bench.listing import BoardFormat, Format, Missing, print_rows

if TYPE_CHECKING:
    from bench.comparison import Family
    from bench.report.table import Table
    from bench.scores import Results


class FamilyName(StrEnum):
    """Which comparisons of a task are corrected for together."""

    reference = "reference"
    all = "all"


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
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", help="Rank by these training seeds (0,1,2); without it by those of all rows."
        ),
    ] = None,
) -> None:
    """Rank every method of a store on one cohort and split."""
    from dataclasses import replace

    from bench.ensemble import with_ensembles
    from bench.frozen import freeze as freeze_board
    from bench.partial import on_finished_folds
    from bench.ranking_metric import ranking_metrics
    from bench.report import select_columns
    from bench.seeds import on_shared_seeds
    from bench.thresholds import rule_named

    if freeze is not None:
        apart = {"--missing": missing is not Missing.apart, "--sensitivity": sensitivity}
        shown = {"--partial": partial, "--columns": columns is not None, "--out": out is not None}
        shown |= {"--seeds": seeds is not None}
        _refuse_beside_freeze(apart | shown)
    place = output(wanted, out)
    by_rule = rule_named(rule)
    protocol = open_finished(cohort, split, store, skip_broken)
    chosen = ranking_metrics(protocol.cohort.tasks, names(metric) or (), plugin or ())
    results = on_finished_folds(protocol.results()) if partial else protocol.results()
    results = replace(results, metrics=chosen, rule=by_rule)
    results = results if seeds is None else on_shared_seeds(results, integers("--seeds", seeds))
    results = with_ensembles(results) if ensembles else results
    if freeze is not None:
        print(freeze_board(results, freeze))
        return
    board = _board(results, missing, sensitivity)
    if columns is not None:
        board = select_columns(board, [name.strip() for name in columns.split(",")])
    place.show(board)


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

    from bench.metric_table import metric_list, metric_table
    from bench.registry import load_registry
    from bench.thresholds import rule_named

    registry = load_registry(plugin or ())
    if listed:
        listing = Format.json if wanted is BoardFormat.json else Format.table
        print_rows(metric_list(registry), listing, "Metrics")
        return
    if split is None:
        raise UsageError("name a split: --split NAME (see `bench splits`), or --list for the metrics")
    place = output(wanted, out)
    by_rule = rule_named(rule)
    results = open_finished(cohort, split, store, skip_broken).results(names(method))
    table = metric_table(replace(results, rule=by_rule), tuple(registry.metrics.values()))
    place.show(table)


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
    repeats: Annotated[
        int | None,
        typer.Option("--repeats", min=2, help="Compare procedures over so many repeats of the split."),
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

    from bench.comparison import compare as compare_methods
    from bench.comparison import restricted
    from bench.ensemble import with_ensembles
    from bench.ranking_metric import ranking_metrics
    from bench.report.compared import comparison_table
    from bench.report.procedures import procedure_table
    from bench.thresholds import rule_named

    place = output(wanted, out)
    by_rule = rule_named(rule)
    compared = methods if reference is None or reference in methods else [*methods, reference]
    opened = open_repeats(cohort, split, repeats, store, skip_broken) if repeats else None
    protocols = opened or (open_finished(cohort, split, store, skip_broken),)
    chosen = ranking_metrics(protocols[0].cohort.tasks, names(metric) or (), plugin or ())
    found = [restricted(its.results(), compared) for its in protocols]
    found = [replace(its, metrics=chosen, rule=by_rule) for its in found]
    found = [with_ensembles(its) for its in found] if ensembles else found
    kind: Family | None = None if family is None else family.value
    if repeats:
        place.show(procedure_table(found, [its.split for its in protocols], reference, kind))
        return
    labels = [its.label for its in found[0].methods]
    place.show(comparison_table(found[0], compare_methods(found[0], labels, reference, kind)))


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
    from bench.metric_table import threshold_rows
    from bench.thresholds import rule_named

    by_rule = rule_named(rule) if rule else None
    results = open_finished(cohort, split, store, skip_broken).results()
    rows = threshold_rows(results, by_rule)
    if wanted is Format.table:
        rows = [row | {"threshold": "-" if row["reason"] else f"{row['threshold']:.4f}"} for row in rows]
    print_rows(rows, wanted, "Thresholds")


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
    from bench.ensemble import with_ensembles
    from bench.report.by_site import site_table
    from bench.sites import site_scores

    place = output(wanted, out)
    results = open_finished(cohort, split, store, skip_broken).results(names(method))
    results = with_ensembles(results) if ensembles else results
    table = site_table(results, site_scores(results))
    place.show(table)


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
    from bench.report.subtypes import confusion_table, subtype_table
    from bench.results import validation_predictions
    from bench.subtype import find_rule, role_tasks
    from bench.subtype_scores import ki67_spreads, score_subtypes

    place = output(wanted, out)
    chosen = find_rule(rule)
    protocol = open_finished(cohort, split, store, skip_broken)
    roles = role_tasks(chosen, protocol.cohort.tasks, pairs("--role", role or ()))
    results = protocol.results(names(method))
    predicted = validation_predictions(protocol.cohort, protocol.split, protocol.store)
    spreads = ki67_spreads(predicted, protocol.cohort.table, roles)
    scored = score_subtypes(results, chosen, roles, spreads)
    table = confusion_table(results, scored, confusion) if confusion else subtype_table(results, scored)
    place.show(table)


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
    from bench.report.tuned import print_studies
    from bench.studies import fold_studies, tuned_row

    protocol = open_finished(cohort, split, store, skip_broken)
    results = protocol.results()
    row = tuned_row(results, method)
    studies = fold_studies(row, results, protocol.store)
    print_studies(studies, row, results, wanted)
    if out is not None:
        from bench.report.figures import write_figures

        for path in write_figures(studies, row, results, out):
            print(f"{path} written", file=sys.stderr)
