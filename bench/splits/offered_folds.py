"""The folds of a plugin's split, as its function answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import SplitError
from bench.progress import warn
from bench.splits.fold import PARTS, Fold
from bench.splits.spec import SplitSpec

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort


def folds_of(spec: SplitSpec, cohort: "Cohort", params: Mapping[str, Any], seed: int) -> tuple[Fold, ...]:
    """The folds that the function of a split answers, numbered, with sorted case ids as text.

    Raises
    ------
    SplitError
        The function raises, returns what is no fold, or returns other folds when it is asked again.
    """
    first, again = (_answer(spec, cohort, params, seed) for _ in range(2))
    if first != again:
        raise SplitError(
            f"split {spec.name!r} ({spec.target}) gives other folds when it is asked again with the same "
            "seed; draw from the generator that it is handed, and from nothing else"
        )
    taken = {case_id for fold in first for part in PARTS for case_id in getattr(fold, part)}
    if left := len(cohort) - len(taken & set(cohort.case_ids)):
        warn(f"split {spec.name!r} leaves {left} of the {len(cohort)} cases of cohort {cohort.name!r} out")
    return first


def _answer(spec: SplitSpec, cohort: "Cohort", params: Mapping[str, Any], seed: int) -> tuple[Fold, ...]:
    """What the function answers to a copy of the cohort."""
    cut, handed = spec.function(), replace(cohort, table=cohort.table.copy())
    try:
        answered = list(cut(handed, np.random.default_rng(seed), **params))
    except SplitError:
        raise
    except Exception as error:  # a stranger's function may raise anything
        cause = f"{type(error).__name__}: {error}"
        raise SplitError(f"split {spec.name!r} ({spec.target}) raised {cause}") from error
    return tuple(_numbered(spec, index, fold) for index, fold in enumerate(answered))


def _numbered(spec: SplitSpec, index: int, fold: object) -> Fold:
    parts = [getattr(fold, part, None) for part in PARTS]
    if not isinstance(fold, Fold) or any(isinstance(part, str) or part is None for part in parts):
        raise SplitError(
            f"split {spec.name!r} ({spec.target}): expected a list of bench.Fold whose train, val and test "
            f"are case ids, got {fold!r}"
        )
    train, val, test = (tuple(sorted(map(str, part))) for part in parts if part is not None)
    return Fold(index, train, val, test, fold.label or f"fold {index}")
