"""Cases explained one by one into a folder."""

from collections.abc import Sequence
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.explain.case import ExplainedCase, explain_case
from bench.explain.models import RowModels
from bench.explain.way import Way
from bench.explain.write import FACTS, FEATURES, write_case, write_facts, write_features
from bench.progress import Advance
from bench.task import Task


def explain_into(
    out: Path,
    models: RowModels,
    cohort: Cohort,
    case_ids: Sequence[str],
    tasks: Sequence[Task],
    way: Way,
    checks: bool,
    report: Advance,
) -> tuple[list[ExplainedCase], list[Path]]:
    """Explain cases and write what is found; returns it, and the files, that on how all was made the last.

    Raises
    ------
    CohortError, UsageError
        As :func:`bench.explain.case.explain_case`; maps of the cases before are there.
    """
    out.mkdir(parents=True, exist_ok=True)
    found: list[ExplainedCase] = []
    paths: list[Path] = []
    for case_id in case_ids:
        found.append(explain_case(models, cohort, case_id, tasks, way, checks))
        paths += write_case(models, cohort, found[-1], out)
        report(len(found), len(case_ids))
    if write_features(found, out / FEATURES):
        paths.append(out / FEATURES)
    write_facts(models, cohort, found, out / FACTS)
    return found, [*paths, out / FACTS]
