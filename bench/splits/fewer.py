"""Fewer patients to learn from: nested random subsets of the training patients of every fold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.errors import SplitError
from bench.splits.config import SplitConfig
from bench.splits.fold import Fold

# Sets the order of the patients apart from the cut of the folds, which reads the seed alone.
ORDER_STREAM = 2**32 + 1


def with_fewer(cohort: Cohort, config: SplitConfig, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """The folds, each with as many training patients as the config names, and the same test cases.

    The patients of a fold are put into a random order that depends on the seed of the split and the fold
    alone; the first ones learn. So of two sizes the smaller is part of the larger, and all methods have the
    same patients. Of the validation part the same share of its patients is kept, at least one, by an order
    of the same kind: a method with a tenth of the cases has a tenth of them to stop and to choose
    thresholds on.

    Parameters
    ----------
    cohort, config
        The cases, and the protocol with its ``patients``.
    folds
        As the protocol cuts them.

    Raises
    ------
    SplitError
        A fold has fewer training patients than asked for.
    """
    return tuple(_with_fewer(cohort, config, fold) for fold in folds)


def training_patients(cohort: Cohort, folds: Sequence[Fold]) -> list[int]:
    """Number of training patients of each fold."""
    return [len(set(cohort.table.loc[list(fold.train), "patient_id"])) for fold in folds]


def _with_fewer(cohort: Cohort, config: SplitConfig, fold: Fold) -> Fold:
    rng = np.random.default_rng((config.seed, ORDER_STREAM, fold.index))
    learning, validating = (_in_random_order(cohort, part, rng) for part in (fold.train, fold.val))
    if len(learning) < config.patients:
        raise SplitError(
            f"split {config.name!r}: {config.patients} patients are to be learned from, fold {fold.index} "
            f"({fold.label}) has {len(learning)} in the training part; ask for fewer, or take a larger cohort"
        )
    kept = max(round(len(validating) * config.patients / len(learning)), 1)
    return replace(
        fold,
        train=_cases_of(cohort, fold.train, learning[: config.patients]),
        val=_cases_of(cohort, fold.val, validating[:kept]),
    )


def _in_random_order(cohort: Cohort, part: Sequence[str], rng: np.random.Generator) -> list[str]:
    patients = np.unique(cohort.table.loc[list(part), "patient_id"].to_numpy(dtype=str))
    return list(map(str, rng.permutation(patients)))


def _cases_of(cohort: Cohort, part: Sequence[str], patients: Sequence[str]) -> tuple[str, ...]:
    """The cases of a part that are these patients'."""
    owners, wanted = cohort.table.loc[list(part), "patient_id"].astype(str), set(patients)
    return tuple(case_id for case_id, owner in zip(part, owners, strict=True) if owner in wanted)
