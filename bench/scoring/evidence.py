"""What methods are compared by: their values on one sample, and all that makes them uncertain."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.inference import Bootstrap
from bench.inference.bootstrap import Counts, draw_blocks
from bench.metrics import Array, Metric
from bench.scoring.sample import Sample, context_of


@dataclass(frozen=True, eq=False)
class Resampled:
    """The metric in the same resamples of patients: methods (method, draw), baseline and oracle (draw,)."""

    methods: Array
    constant: Array
    ceiling: Array | None


@dataclass(frozen=True, eq=False)
class Resamples:
    """A sample in resamples of its patients, drawn and computed where they are first looked at."""

    metric: Metric
    sample: Sample
    bootstrap: Bootstrap

    @cached_property
    def drawn(self) -> Counts:
        """How often each resample holds each patient, shape (patient, draw)."""
        return self.bootstrap.drawn(self.sample.patients)

    @cached_property
    def values(self) -> Resampled:
        """All methods, the baseline and the oracle in the same resamples, NaN in those without a value."""
        sample, metric = self.sample, self.metric
        blocks = [*sample.predictions.values(), sample.constant[None]]
        blocks += [] if sample.ceiling is None else [sample.ceiling[None]]
        rows, known, codes = np.concatenate(blocks), context_of(metric, sample), sample.patients.codes
        values = np.concatenate(
            [
                metric.resampled(sample.truth, rows, known, self.drawn[:, block][codes].astype(float))
                for block in draw_blocks(self.drawn.shape[1])
            ],
            axis=1,
        )
        edges = np.cumsum([len(block) for block in blocks])[:-1]
        count = len(sample.predictions)
        means = [block.mean(axis=0) for block in np.split(values, edges)]
        ceiling = None if sample.ceiling is None else means[-1]
        return Resampled(np.array(means[:count]), means[count], ceiling)


@dataclass(frozen=True, eq=False)
class Chance:
    """What each patient and each training seed contributes to each value, (row, patient) and (row, seed).

    The sum of the squares of both is the variance of a value.
    """

    patients: Array
    seeds: Array

    def between(self, first: int, second: int) -> tuple[Array, Array]:
        """The same of a difference, shapes (patient,) and (seed,)."""
        return self.patients[first] - self.patients[second], self.seeds[first] - self.seeds[second]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The methods of a sample, in order, with their values and with what makes these uncertain.

    Parameters
    ----------
    oriented
        Values, higher is better, shape (method,).
    chance
        Influence values of the same methods.
    resamples
        Resamples of the patients of the same cases.
    """

    metric: Metric
    sample: Sample
    oriented: Array
    chance: Chance
    resamples: Resamples
