"""The AUCs of one sample, of which parts serve for intervals, every difference and the family of all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.inference.bootstrap import Patients
from bench.inference.delong import DeLong, areas_difference, delong
from bench.inference.estimate import Difference
from bench.inference.single_pairs import single_pair_covariance
from bench.metrics import Array, Codes, pair_counts, stratum_codes


@dataclass(frozen=True, eq=False)
class Areas:
    """Predictions of the same cases; what is computed of them is kept.

    Parameters
    ----------
    truth, scores, stratum, factor, seeds
        As in :func:`bench.inference.delong`.
    patients
        Of the cases, in groups without and with a positive one: see :func:`bench.inference.patients_of`.
    """

    truth: Array
    scores: tuple[Array, ...]
    stratum: NDArray[np.generic]
    patients: Patients
    factor: float = 1.0
    seeds: Sequence[Sequence[int]] | None = None

    @cached_property
    def delong(self) -> DeLong:
        """All areas with their joint covariance."""
        return delong(self.truth, self.scores, self.stratum, self.patients.codes, self.factor, self.seeds)

    @cached_property
    def single_pairs(self) -> Array:
        """:func:`bench.inference.single_pairs.single_pair_covariance`, shape (prediction, prediction)."""
        return single_pair_covariance(self.truth, self.scores, self._strata)

    @property
    def used_strata(self) -> int:
        """How many strata have a pair."""
        return len(np.unique(self._strata[pair_counts(self.truth == 1, self._strata) > 0]))

    def difference(self, pair: tuple[int, int]) -> tuple[Difference, float]:
        """:func:`bench.inference.auc_difference` of two predictions, and its standard error."""
        rows = list(pair)
        return areas_difference(self._two(rows), lambda: self.single_pairs[np.ix_(rows, rows)])

    @cached_property
    def _strata(self) -> Codes:
        return stratum_codes(self.stratum, len(self.truth))

    def _two(self, rows: list[int]) -> DeLong:
        """Two of the areas, with the seeds that either has."""
        whole = self.delong
        return replace(
            whole,
            auc=whole.auc[rows],
            positive_components=whole.positive_components[rows],
            negative_components=whole.negative_components[rows],
            joint_part=whole.joint_part[np.ix_(rows, rows)],
            by_stratum=whole.by_stratum[rows],
            seeds=whole.seeds[np.ix_(rows, self._seed_columns(rows))],
        )

    def _seed_columns(self, rows: list[int]) -> list[int]:
        names = self.seeds or [range(len(score)) for score in self.scores]
        column = {seed: place for place, seed in enumerate(sorted({one for row in names for one in row}))}
        return sorted({column[seed] for row in rows for seed in names[row]})
