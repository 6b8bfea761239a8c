"""Results as tables: the board, comparisons, sites and subtypes."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from bench.cohorts.cohort import Cohort
from bench.door.table import Table, shown
from bench.errors import UsageError, unknown_name
from bench.predictions.recalibrated import with_recalibrated
from bench.predictions.results import Results, label_of, of_methods
from bench.report.board import leaderboard as ranked_board
from bench.report.comparison import comparison_table
from bench.report.sites import site_table
from bench.report.subtypes import confusion_table, subtype_table
from bench.report.worst_site import worst_site_board
from bench.scoring.comparison import Family
from bench.scoring.comparison import compare as compare_methods
from bench.scoring.sites import site_scores
from bench.scoring.subtypes.rules import find_rule, role_tasks
from bench.scoring.subtypes.scores import ki67_spreads, score_subtypes
from bench.splits.apart import learned_sites
from bench.splits.split import Split

RankBy = Literal["all_cases", "worst_site"]


def leaderboard(results: Results, *, rank_by: RankBy = "all_cases") -> Table:
    """Rank the methods: one row per task and method, the best first, methods without a value last.

    A method's rank on a task is 1 + the number of methods significantly better than it (step-down max-T over
    the joint bootstrap of patients), so methods that the cases cannot separate share a rank.

    Parameters
    ----------
    results
        What :func:`bench.run` returned.
    rank_by
        ``all_cases``, or ``worst_site``: by the value at the site where each method does worst.

    Raises
    ------
    StoreError
        Predictions and truth contradict each other.
    UsageError
        ``rank_by`` is none of these.

    Examples
    --------
    With the results of the example of :func:`bench.run`:

    >>> board = bench.leaderboard(results)
    >>> sorted(set(board.to_frame()["method"]))
    ['constant', 'tumour_size']
    """
    if rank_by not in get_args(RankBy):
        raise unknown_name("order", rank_by, get_args(RankBy))
    return shown(worst_site_board(results) if rank_by == "worst_site" else ranked_board(results))


def recalibrate(results: Results, cohort: Cohort, split: Split, share: float) -> Results:
    """The results with a recalibrated row behind every method, on the cases that recalibrate none.

    A share of the patients of each tested site, drawn from the split's seed, shifts the predictions there
    (recalibration in the large) and is tested in no row.

    Parameters
    ----------
    results
        What :func:`bench.run` returned for this cohort and split.
    share
        Of the patients of each tested site, within (0, 1).

    Raises
    ------
    UsageError
        A share beyond (0, 1), one that leaves nobody on either side, or a split that learns from the sites
        that it tests.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "external_frozen")
    >>> results = bench.run(cohort, split, ["constant"], store="runs", quiet=True)
    >>> recalibrated = bench.recalibrate(results, cohort, split, 0.3)
    >>> [row.label for row in recalibrated.methods]
    ['constant', 'constant (recalibrated on 0.3)']
    """
    return with_recalibrated(results, share, learned_sites(cohort, split))


def compare(
    results: Results,
    methods: Sequence[str] | None = None,
    *,
    reference: str | None = None,
    family: Family | None = None,
) -> Table:
    """Compare methods pairwise on the same cases: difference, interval, corrected p, power and a verdict.

    Parameters
    ----------
    results
        What :func:`bench.run` returned.
    methods
        Rows to compare, all where not given.
    reference
        The row that every other one is set against; all pairs where not given.
    family
        Which comparisons of a task are corrected for together: ``reference`` or ``all`` pairs.

    Raises
    ------
    UsageError
        Fewer than two methods, or one that is not in the results.

    Examples
    --------
    With the results of the example of :func:`bench.run`:

    >>> bench.compare(results, reference="tumour_size").title
    'Comparison: phantom-tiny, internal_cv'
    """
    names = [method.label for method in results.methods] if methods is None else list(methods)
    return shown(comparison_table(results, compare_methods(results, names, reference, family)))


def sites(results: Results, methods: Sequence[str] | None = None) -> Table:
    """Value of each method at each site, within sites and over all, with the spread between sites.

    Parameters
    ----------
    results
        What :func:`bench.run` returned.
    methods
        Rows to show, all where not given.

    Raises
    ------
    UsageError
        A method is not in the results.

    Examples
    --------
    With the results of the example of :func:`bench.run`:

    >>> {"all sites", "within sites"} <= set(bench.sites(results).to_frame()["site"])
    True
    """
    chosen = of_methods(results, methods)
    return shown(site_table(chosen, site_scores(chosen)))


def subtypes(
    results: Results,
    rule: str,
    methods: Sequence[str] | None = None,
    *,
    roles: Mapping[str, str] | None = None,
    confusion: str | None = None,
) -> Table:
    """Score the molecular subtypes that follow from the biomarkers by one rule.

    Parameters
    ----------
    results
        What :func:`bench.run` returned.
    rule
        ``receptor_only``, ``st_gallen_2013`` or ``maisonneuve_2014``; each states its source in the notes.
    methods
        Rows to score, all where not given.
    roles
        Role of the rule to task, where a task has another name than its role: ``{"er": "oestrogen"}``.
    confusion
        Row whose confusion matrix is returned instead.

    Raises
    ------
    UsageError
        No such rule, role, task or method, or results without validation predictions.

    Examples
    --------
    With the results of the example of :func:`bench.run`:

    >>> bench.subtypes(results, "receptor_only").to_frame()["method"].tolist()
    ['constant', 'tumour_size']
    """
    definition = find_rule(rule)
    tasks = role_tasks(definition, results.tasks, roles)
    if results.validation is None:
        raise UsageError("subtypes need the validation predictions, which results of bench.run carry")
    chosen = of_methods(results, methods)
    first = results.validation.drop_duplicates(["case_id", "task"])
    truth = first.pivot(index="case_id", columns="task", values="truth")
    scored = score_subtypes(chosen, definition, tasks, ki67_spreads(results.validation, truth, tasks))
    if confusion is None:
        return shown(subtype_table(chosen, scored))
    return shown(confusion_table(chosen, scored, label_of(chosen, confusion)))
