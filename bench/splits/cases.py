"""Cases that are cut into parts: who they are, and what is balanced between the parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.splits.stratify import quantile_bins, stratify_numbered

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

# Octiles keep the mean of a skewed label two to three times closer between folds than quartiles do, at no
# cost to the binary tasks.
TASK_BINS = 8


@dataclass(frozen=True, eq=False)
class Cases:
    """Rows of a cohort that is sorted by case id, ascending, with its columns as arrays.

    Parameters
    ----------
    rows
        Which cases of the cohort, ascending.
    case_ids, patient, site
        Of every case of the cohort: its id, and the numbers of its patient and of its site, in the order of
        their names.
    labels
        Of every task: its kind, and the label of every case, NaN where it is not known.
    """

    rows: np.ndarray
    case_ids: np.ndarray
    patient: np.ndarray
    site: np.ndarray
    labels: tuple[tuple[str, np.ndarray], ...]

    @classmethod
    def of(cls, cohort: "Cohort") -> "Cases":
        """All cases of a cohort that is sorted by case id."""
        return cls(
            rows=np.arange(len(cohort)),
            case_ids=np.array(cohort.case_ids, dtype=object),
            patient=_numbered(cohort.patient_ids),
            site=_numbered(cohort.sites),
            labels=tuple((task.kind, cohort.labels(task.name)) for task in cohort.tasks),
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Their case ids, ascending."""
        return tuple(self.case_ids[self.rows].tolist())

    def cut(self, shares: Sequence[float], rng: np.random.Generator) -> list["Cases"]:
        """Parts of the given shares: patients whole, all tasks and the site balanced at once."""
        part_of = stratify_numbered(self.patient[self.rows], self._levels(), shares, rng)
        return [replace(self, rows=self.rows[part_of == part]) for part in range(len(shares))]

    def cut_validation(self, share: float, rng: np.random.Generator) -> list[tuple[str, ...]]:
        """Ids of the training and of the validation part of those who may be learned from."""
        return [part.ids for part in self.cut([1 - share, share], rng)]

    def without(self, others: "Cases") -> "Cases":
        """Those that are not among others of the same cohort."""
        return replace(self, rows=np.setdiff1d(self.rows, others.rows, assume_unique=True))

    def _levels(self) -> np.ndarray:
        """What is balanced, bool, shape (case, level): each site and each level of each task.

        A binary task has the levels 0 and 1, a continuous one its octiles, each a level more where labels
        are missing. Every level has a case.
        """
        site = self.site[self.rows]
        columns = [site == code for code in np.unique(site)]
        for kind, every in self.labels:
            labels = every[self.rows]
            known = ~np.isnan(labels)
            codes = np.full(len(labels), -1.0)
            codes[known] = labels[known] if kind == "binary" else quantile_bins(labels[known], TASK_BINS)
            columns += [codes == code for code in np.unique(codes)]
        return np.stack(columns, axis=1)


def _numbered(names: np.ndarray) -> np.ndarray:
    """The place of each name among all of them, in order; shape (case,)."""
    listed = list(map(str, names.tolist()))
    place = {name: number for number, name in enumerate(sorted(set(listed)))}
    return np.array([place[name] for name in listed], dtype=np.intp)
