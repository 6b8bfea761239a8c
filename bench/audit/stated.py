"""Labels beside what the source says of them."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import binomtest

from bench.audit.check import Check, Evidence, Found, NotApplicable
from bench.audit.subject import Subject
from bench.task import Task

# Error of an observed prevalence that is named, over all tasks.
ERROR = 0.01


def _other_prevalence(subject: Subject) -> Found:
    stated = [
        (task, subject.stated[task.name]) for task in subject.binary_tasks if task.name in subject.stated
    ]
    if not stated:
        return NotApplicable("no stated prevalence is given; --prevalence er=0.70-0.80 gives one")
    return [found for task, ends in stated for found in _told(subject, task, ends, len(stated))]


def _told(subject: Subject, task: Task, ends: tuple[float, float], tasks: int) -> Iterator[Evidence]:
    """The task, where its exact interval lies beyond the stated range."""
    labels = subject.cohort.labels(task.name)[subject.first_of_patient]
    known = labels[~np.isnan(labels)]
    if not len(known):
        return
    positives = int(known.sum())
    interval = binomtest(positives, len(known)).proportion_ci(1 - ERROR / tasks)
    if interval.high < ends[0] or interval.low > ends[1]:
        yield Evidence(
            f"{task.name}: {positives} of {len(known)} patients are positive ({positives / len(known):.0%} "
            f"[{interval.low:.0%}, {interval.high:.0%}]), stated {ends[0]:.0%} to {ends[1]:.0%}"
        )


CHECKS = (
    Check(
        "BA036",
        "Prevalence is not the stated one",
        "Fewer or more patients are positive than the label card or the publication of the source says.",
        "Labels were coded the other way round, joined to other patients, or the cases are a selection.",
        "Compare codes and ids with the source's; where cases were selected, say by what.",
        "warn",
        _other_prevalence,
    ),
)
