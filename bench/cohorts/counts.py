"""How many cases and labels a cohort has, by task, group and site."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bench.cohorts.columns import IDENTITY
from bench.cohorts.folder import Listing
from bench.task import Task


@dataclass(frozen=True)
class Count:
    """Labels of one task at one site of one group, or over ``all`` of them.

    ``positives`` and ``prevalence`` (their share of the labelled cases) are those of a binary task,
    ``median`` that of a continuous one; None where there is no such number.
    """

    group: str
    site: str
    cases: int
    patients: int
    task: str
    labelled: int
    missing: int
    positives: int | None
    prevalence: float | None
    median: float | None


def counts_of(listing: Listing) -> Iterator[Count]:
    """Every task at every site of every group, then each group, then all cases."""
    cases = listing.cases
    if not all(name in cases for name in IDENTITY):
        return
    parts: dict[tuple[str, str], pd.Series[bool]] = {}
    for group in cases["group"].dropna().unique():
        inside = cases["group"] == group
        sites = cases["site"][inside].dropna().unique()
        parts |= {(group, site): inside & (cases["site"] == site) for site in sites}
        if len(sites) > 1:
            parts[group, "all"] = inside
    parts["all", "all"] = cases["case_id"].notna()
    for (group, site), rows in parts.items():
        for task in listing.tasks:
            if task.name in listing.labels:
                yield _count(group, site, task, cases[rows], listing.labels[task.name][rows])


def _count(group: str, site: str, task: Task, cases: pd.DataFrame, labels: "pd.Series[float]") -> Count:
    known = labels.dropna()
    binary = task.kind == "binary"
    return Count(
        group=group,
        site=site,
        cases=len(cases),
        patients=int(cases["patient_id"].nunique()),
        task=task.name,
        labelled=len(known),
        missing=len(labels) - len(known),
        positives=int(known.sum()) if binary else None,
        prevalence=round(float(known.mean()), 3) if binary and len(known) else None,
        median=round(float(known.median()), 4) if not binary and len(known) else None,
    )
