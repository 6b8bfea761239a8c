"""Radiomics fitted to labels that were dealt out anew."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench_zoo.radiomics.ridge import RadiomicsLR


@dataclass
class ShuffledLabels(RadiomicsLR):
    """:class:`bench_zoo.radiomics.ridge.RadiomicsLR` fitted to labels that were dealt out anew.

    A floor: how far its score lies from the constant's is how far chance reaches on these cases, with as many
    features as radiomics have. Labels are permuted by the seed among the training cases, and among the
    validation cases. Those of a case stay together, so prevalences, missing labels and correlations between
    tasks are as they were. Parameters are those of ``radiomics_lr``.
    """

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Deal out the labels, and fit to them."""
        draw = np.random.default_rng(run.seed)
        return super().fit(with_shuffled_labels(train, draw), with_shuffled_labels(val, draw), run)


def with_shuffled_labels(cohort: Cohort, draw: np.random.Generator) -> Cohort:
    """The cohort with the labels of its cases permuted, those of one case together."""
    order = draw.permutation(len(cohort))
    dealt = {task.name: cohort.labels(task.name)[order] for task in cohort.tasks}
    return replace(cohort, table=cohort.table.assign(**dealt))
