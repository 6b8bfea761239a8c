"""Subgroups of cases, and the worth of published claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import Protocol, open_finished
from bench.cli.options import (
    BoardFormatOption,
    CohortOption,
    OutOption,
    PluginOption,
    RowsOption,
    RuleOption,
    SkipOption,
    SplitOption,
    StoreOption,
    names,
)
from bench.cli.output import output
from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


def subgroups(
    split: SplitOption,
    by: Annotated[list[str], typer.Option("--by", help="Columns: age:50,vendor,lesion_size:tertiles,site.")],
    cohort: CohortOption = "phantom",
    method: RowsOption = None,
    smallest: Annotated[
        int, typer.Option("--min-patients", min=2, help="Suppress groups of fewer patients.")
    ] = 20,
    rule: RuleOption = "youden",
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Show how each method does in groups of patients.

    Value and interval a group, the difference between groups, equalised-odds disparity, MAMA-MIA score.
    """
    from dataclasses import replace

    from bench.predictions.thresholds import rule_named
    from bench.report.subgroups import subgroup_table
    from bench.scoring.groups import grouped, grouping
    from bench.scoring.subgroups import fairness_scores, subgroup_scores

    place, wanted_rule = output(wanted, out), rule_named(rule)
    asked = {text: grouping(text) for text in names(by) or ()}
    protocol = open_finished(cohort, split, store, skip_broken, plugin)
    columns = _columns(protocol, any(one.name == "lesion_size" for one in asked.values()))
    groups = {text: grouped(one, columns) for text, one in asked.items()}
    results = replace(protocol.results(names(method)), rule=wanted_rule)
    found = subgroup_scores(results, groups, smallest)
    place.show(subgroup_table(results, found, fairness_scores(results, found), smallest))


def _columns(protocol: Protocol, sized: bool) -> "dict[str, pd.Series]":
    """What cases may be grouped by; every mask is read where the size of the lesion is asked for."""
    import pandas as pd

    from bench.imaging.lesion_size import lesion_volumes
    from bench.scoring.subgroups import columns_of

    cohort = protocol.cohort
    if not sized:
        return columns_of(cohort.table)
    if not cohort.has_volumes:
        raise UsageError(f"lesion_size needs masks, which the cohort {cohort.name!r} has not")
    sizes = lesion_volumes(cohort.crop_source(), cohort.case_ids)
    return columns_of(cohort.table, pd.Series(sizes, index=list(cohort.case_ids)))


def claim(
    auc: Annotated[float, typer.Option("--auc", help="AUC of the method that is claimed to be better.")],
    than: Annotated[float, typer.Option("--than", help="AUC of the other.")],
    n: Annotated[int, typer.Option("--n", help="Test cases.")],
    positives: Annotated[int, typer.Option("--positives", help="Positive ones among them.")],
    correlation: Annotated[
        float | None, typer.Option("--correlation", help="Of the two AUC; several where not given.")
    ] = None,
    wanted: BoardFormatOption = None,
    out: OutOption = None,
) -> None:
    """Say how probable it is that a claim is false.

    The claim is a published difference of two AUC on the same cases.
    """
    from bench.inference import outperformance
    from bench.report.claim import claim_table

    place = output(wanted, out)
    rows = CORRELATIONS if correlation is None else (correlation,)
    claims = [outperformance(auc, than, n, positives, one) for one in rows]
    place.show(claim_table(claims, auc, than, n, positives))
