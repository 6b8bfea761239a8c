"""Whether repeats of a split cross-validate one population."""

from collections.abc import Sequence

import numpy as np

from bench.errors import SplitError
from bench.splits.spec import POPULATION_MARK
from bench.splits.split import Split

# In each of these the learned and the tested cases are parts of one population, and every case is tested.
ONE_POPULATION = ("internal_cv", "external_only_cv")


def one_population(splits: Sequence[Split]) -> tuple[float, float]:
    """Mean number of cases learned from (train and validation) and tested in a fold of these repeats.

    Raises
    ------
    SplitError
        A split does not cross-validate one population, such as ``external_cv``, which always learns from the
        same internal cases; two repeats are the same cut; or they do not test the same cases.
    """
    for split in splits:
        protocol, *stated = split.protocol.split()
        if protocol not in ONE_POPULATION and POPULATION_MARK not in stated:
            raise SplitError(
                f"split {split.name!r} ({protocol}) does not cross-validate one population, which the "
                f"corrected resampled t-test assumes; use {' or '.join(ONE_POPULATION)}, or compare fitted "
                "methods with `bench compare`"
            )
        _require_all_tested(split)
    tested = {frozenset(case for fold in split.folds for case in fold.test) for split in splits}
    cuts = {frozenset(frozenset(fold.test) for fold in split.folds) for split in splits}
    if len(splits) < 2 or len(cuts) < len(splits) or len(tested) > 1:
        raise SplitError(
            f"expected at least two different cuts of the same cases, got {len(splits)} splits and "
            f"{len(cuts)} way(s) to test them; cut one protocol, whose folds are drawn by lot, with several "
            "seeds"
        )
    folds = [fold for split in splits for fold in split.folds]
    learned = float(np.mean([len(fold.train) + len(fold.val) for fold in folds]))
    return learned, float(np.mean([len(fold.test) for fold in folds]))


def _require_all_tested(split: Split) -> None:
    """Raise SplitError unless the cases of each fold are those that the folds together test."""
    tested = {case for fold in split.folds for case in fold.test}
    for fold in split.folds:
        if {*fold.train, *fold.val, *fold.test} != tested:
            raise SplitError(
                f"split {split.name!r} says that it cross-validates one population, but the cases of fold "
                f"{fold.index} ({fold.label}) are not the {len(tested)} cases that its folds test; leave "
                "one_population out of its SplitSpec"
            )
