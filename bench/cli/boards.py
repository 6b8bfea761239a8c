"""Tables of what a store holds: boards, comparisons, metrics, sites, subtypes, tunings."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import Protocol, named_cohort, open_finished, open_repeats
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    CohortsOption,
    ColumnsOption,
    DropOption,
    EnsemblesOption,
    ExtendOption,
    FormatOption,
    FreezeOption,
    IdMapOption,
    MetricOption,
    MissingOption,
    OutOption,
    PartialOption,
    PluginOption,
    RankBy,
    RankByOption,
    RankSeedsOption,
    RecalibrateOption,
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
from bench.predictions.treatment import Missing
from bench.report.formats.format import BoardFormat, Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.predictions.results import Results
    from bench.report.table import Table
    from bench.scoring.comparison import Family


class FamilyName(StrEnum):
    """Which comparisons of a task are corrected for together."""

    reference = "reference"
    all = "all"


FamilyOption = Annotated[
    FamilyName | None,
    typer.Option("--family", help="Correct for those against the reference, or for all pairs."),
]
RepeatsOption = Annotated[
    int | None,
    typer.Option("--repeats", min=2, help="Compare procedures over so many repeats of the split."),
]
MarginOption = Annotated[
    list[str] | None,
    typer.Option("--margin", help="Is one as good, within so much: 0.05, or ki67=1.5 for a task."),
]


def leaderboard(
    split: SplitOption,
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
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
    extend: ExtendOption = False,
    seeds: RankSeedsOption = None,
    rank_by: RankByOption = RankBy.all_cases,
    recalibrate: RecalibrateOption = None,
) -> None:
    """Rank every method of a store on one cohort and split."""
    from bench.boards.snapshot import freeze as freeze_board
    from bench.predictions.ensemble import with_ensembles
    from bench.predictions.partial import on_finished_folds
    from bench.predictions.thresholds import rule_named
    from bench.report.select import select_columns
    from bench.scoring.seeds import on_shared_seeds

    if freeze is not None:
        flags = {"--sensitivity": sensitivity or None, "--partial": partial or None}
        given = {"--columns": columns, "--out": out, "--seeds": seeds, "--recalibrate": recalibrate}
        chosen = {"--missing": missing is not Missing.apart, "--rank-by": rank_by is not RankBy.all_cases}
        _refuse_beside_freeze(chosen | {name: value is not None for name, value in (flags | given).items()})
    if extend and freeze is None:
        raise UsageError("--extend adds rows to a committed board: name its folder with --freeze")
    place = output(wanted, out)
    by_rule = rule_named(rule)
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    protocol = replace(opened, recalibrate=recalibrate)
    results = on_finished_folds(protocol.results()) if partial else protocol.results()
    results = _extended(results, freeze) if extend and freeze is not None else results
    results = _audited(_measured(results, protocol.cohort, metric, by_rule, plugin), protocol)
    results = results if seeds is None else on_shared_seeds(results, integers("--seeds", seeds))
    results = with_ensembles(results) if ensembles else results
    if freeze is not None:
        print(freeze_board(results, freeze))
        return
    board = _board(results, missing, sensitivity, rank_by)
    if columns is not None:
        board = select_columns(board, [name.strip() for name in columns.split(",")])
    place.show(board)


def _extended(results: "Results", folder: Path) -> "Results":
    """With the rows of the committed board, and a line on the terminal about what is new."""
    from bench.boards.extend import extended

    found = extended(results, folder)
    for what, labels in (("added", found.added), ("renewed", found.renewed)):
        print(f"{what}: {', '.join(labels) or 'none'}", file=sys.stderr)
    return found.results


def _audited(results: "Results", protocol: Protocol) -> "Results":
    from bench.audit.footnote import with_audit

    return with_audit(results, protocol.cohort, protocol.split)


def _measured(
    results: "Results",
    cohort: "Cohort",
    metric: Sequence[str] | None,
    rule: str,
    plugins: Sequence[Path] | None,
) -> "Results":
    """The results, ranked by these metrics and decided by this rule."""
    from bench.methods.ranking_metric import ranking_metrics

    chosen = ranking_metrics(cohort.tasks, names(metric) or (), plugins or ())
    return replace(results, metrics=chosen, rule=rule)


def _board(results: "Results", missing: Missing, sensitivity: bool, rank_by: RankBy) -> "Table":
    """The ranked board, or how its order depends on choices."""
    from bench.predictions.missing import at_chance
    from bench.report.board import leaderboard as rank
    from bench.report.board import sensitivity_board
    from bench.report.worst_site import worst_site_board

    by_site = rank_by is RankBy.worst_site
    if sensitivity and by_site:
        raise UsageError("--sensitivity is about the order over all cases: leave out --rank-by worst_site")
    if sensitivity:
        return sensitivity_board(results, missing)
    shown = at_chance(results) if missing is Missing.chance else results
    return worst_site_board(shown) if by_site else rank(shown)


def _refuse_beside_freeze(given: Mapping[str, bool]) -> None:
    """Raise UsageError where an option is given that would change or move a board that is kept."""
    named = [option for option, value in given.items() if value]
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
    recalibrate: RecalibrateOption = None,
) -> None:
    """Show every metric of each method and task, with intervals.

    --list names the metrics that there are.
    """
    from bench.methods.registry import load_registry
    from bench.predictions.thresholds import rule_named
    from bench.report.metrics import metric_list, metric_table

    registry = load_registry(plugin or ())
    if listed:
        listing = Format.json if wanted is BoardFormat.json else Format.table
        print_rows(metric_list(registry), listing, "Metrics")
        return
    if split is None:
        raise UsageError("name a split: --split NAME (see `bench splits`), or --list for the metrics")
    place = output(wanted, out)
    by_rule = rule_named(rule)
    protocol = replace(open_finished(cohort, split, store, skip_broken, plugin), recalibrate=recalibrate)
    results = protocol.results(names(method))
    table = metric_table(replace(results, rule=by_rule), tuple(registry.metrics.values()))
    place.show(table)


def compare(
    methods: Annotated[list[str], typer.Argument(help="Two or more methods, by the names of their rows.")],
    split: SplitOption,
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    reference: Annotated[
        str | None, typer.Option("--reference", help="Set every other method against this one.")
    ] = None,
    family: FamilyOption = None,
    repeats: RepeatsOption = None,
    margin: MarginOption = None,
    metric: MetricOption = None,
    rule: RuleOption = "youden",
    ensembles: EnsemblesOption = False,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
    recalibrate: RecalibrateOption = None,
) -> None:
    """Compare methods pairwise on the same cases. Difference, interval, corrected p, power and verdict."""
    from bench.predictions.ensemble import with_ensembles
    from bench.report.comparison import comparison_table
    from bench.report.procedures import procedure_table
    from bench.scoring.comparison import compare as compare_methods
    from bench.scoring.margins import margins_of

    if repeats and margin:
        raise UsageError("--margin is for one split, --repeats for procedures: give one of the two")
    place = output(wanted, out)
    compared = methods if reference is None or reference in methods else [*methods, reference]
    named = named_cohort(cohort, drop, id_map)
    opened = open_repeats(named, split, repeats, store, skip_broken, plugin) if repeats else None
    protocols = opened or (open_finished(named, split, store, skip_broken, plugin),)
    asked = [replace(protocol, recalibrate=recalibrate) for protocol in protocols]
    found = [_of_methods(protocol, compared, metric, rule, plugin) for protocol in asked]
    found = [with_ensembles(results) for results in found] if ensembles else found
    kind: Family | None = None if family is None else family.value
    if repeats:
        place.show(procedure_table(found, [protocol.split for protocol in protocols], reference, kind))
        return
    labels = [method.label for method in found[0].methods]
    compared_pairs = compare_methods(found[0], labels, reference, kind)
    margins = margins_of(found[0].tasks, margin or ())
    place.show(comparison_table(found[0], compared_pairs, margins=margins))


def _of_methods(
    protocol: Protocol,
    methods: Sequence[str],
    metric: Sequence[str] | None,
    rule: str,
    plugins: Sequence[Path] | None,
) -> "Results":
    """The results of these methods, measured as asked."""
    from bench.predictions.thresholds import rule_named
    from bench.scoring.comparison import restricted

    results = restricted(protocol.results(), methods)
    return _measured(results, protocol.cohort, metric, rule_named(rule), plugins)


def thresholds(
    split: SplitOption,
    cohort: CohortOption = "phantom",
    store: StoreOption = Path("runs"),
    rule: Annotated[
        str | None, typer.Option("--rule", help="Rule of the thresholds; all where not given.")
    ] = None,
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: FormatOption = Format.table,
) -> None:
    """List the thresholds that turn predictions into decisions.

    One row per method, task, seed, fold and rule.
    """
    from bench.predictions.thresholds import rule_named
    from bench.report.metrics import threshold_rows

    by_rule = rule_named(rule) if rule else None
    results = open_finished(cohort, split, store, skip_broken, plugin).results()
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
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Show how each method does at each site.

    The value at each site, within sites and over all, the worst site and the spread between sites.
    """
    from bench.predictions.ensemble import with_ensembles
    from bench.report.sites import site_table
    from bench.scoring.sites import site_scores

    place = output(wanted, out)
    results = open_finished(cohort, split, store, skip_broken, plugin).results(names(method))
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
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Score the molecular subtypes that a rule derives.

    The rule derives them from the biomarkers, once from the truth and once from the predictions.
    """
    from bench.report.subtypes import confusion_table, subtype_table
    from bench.scoring.subtypes.rules import find_rule, role_tasks
    from bench.scoring.subtypes.scores import ki67_spreads, score_subtypes
    from bench.store.export import validation_predictions

    place = output(wanted, out)
    chosen = find_rule(rule)
    protocol = open_finished(cohort, split, store, skip_broken, plugin)
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
    plugin: PluginOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for history.png and importances.png.")
    ] = None,
    wanted: FormatOption = Format.table,
) -> None:
    """Show how a method was tuned: trials and best parameters.

    One row per fold, with the history, the best parameters and their importances; --out draws them.
    """
    from bench.cli.studies import print_studies
    from bench.tuning.history import fold_studies, tuned_row

    protocol = open_finished(cohort, split, store, skip_broken, plugin)
    results = protocol.results()
    row = tuned_row(results, method)
    studies = fold_studies(row, results, protocol.store)
    print_studies(studies, row, results, wanted)
    if out is not None:
        from bench.report.figures import write_figures

        for path in write_figures(studies, row, results, out):
            print(f"{path} written", file=sys.stderr)
