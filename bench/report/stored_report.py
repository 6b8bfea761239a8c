"""The report of results whose cohort and store are at hand: with the audit and with learning curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.audit.audit import audit
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.predictions.results import Results
from bench.report.audit import audit_table
from bench.report.board import shared_scores
from bench.report.full_report import FullReport, full_report
from bench.report.learning import LearningReport, learning_report
from bench.splits.config import SplitConfig
from bench.splits.split import Split
from bench.store.sizes import stored_sizes
from bench.store.store import Store


@dataclass(frozen=True)
class Source:
    """Where results come from: the cohort, the split, the protocol it was cut by, and the store.

    Of a protocol that was run with fewer training patients alone, the split is the one with the most.
    """

    cohort: Cohort
    split: Split
    config: SplitConfig
    store: Store


def stored_report(
    results: Results,
    source: Source,
    cases: int = 0,
    rows: Sequence[str] | None = None,
    anonymous: bool = False,
) -> FullReport:
    """:func:`bench.report.full_report.full_report` with the audit without slow checks and learning curves.

    Parameters
    ----------
    results, source
        Results of the split, and where they come from.
    cases
        How many cases it shows, the worst first.
    rows
        Methods whose learning curves it shows; all where left out.
    anonymous
        Whether the audit names no case.

    Raises
    ------
    StoreError
        There is no method, or predictions and truth contradict each other.
    """
    scores = shared_scores(results)
    verdicts = audit(Subject(source.cohort, source.split, results, known_scores=scores))
    table = audit_table(verdicts, source.cohort.name, source.split.name, source.cohort.synthetic)
    return replace(
        full_report(results, cases, scores),
        audit=replace(table, notes=()) if anonymous else table,
        learning=stored_learning(results, source, rows),
    )


def stored_learning(
    results: Results, source: Source, rows: Sequence[str] | None = None
) -> LearningReport | None:
    """The curves of these rows over the sizes that the store holds; None without two sizes."""
    by_size = stored_sizes(source.cohort, source.config, source.store, (source.split, results), rows)
    return learning_report(by_size) if len(by_size) > 1 else None
