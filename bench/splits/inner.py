"""Inner splits: cross-validation within the training cases of one fold, to choose thresholds on."""

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.predictions.thresholds import MIN_POSITIVES
from bench.splits.config import SplitConfig
from bench.splits.fold import Fold
from bench.splits.make import split_of
from bench.splits.protocols import cross_validate
from bench.splits.requirements import require_parts
from bench.splits.split import Split
from bench.task import Task

INNER_MARK = "/inner"


def is_inner(split: str) -> bool:
    """Whether a split of that name serves thresholds alone."""
    return INNER_MARK in split


def folds_in_need(cohort: Cohort, split: Split) -> list[int]:
    """Folds whose validation part has too few positive cases of some binary task to choose a threshold on."""
    tasks = [task for task in cohort.tasks if task.kind == "binary"]
    return [fold.index for fold in split.folds if any(needs_inner(cohort, fold, task) for task in tasks)]


def inner_splits(cohort: Cohort, split: Split, folds: int) -> dict[str, Split]:
    """Inner splits of the folds in need, by name; none for 0 folds. Raises SplitError, see inner_split."""
    if not folds:
        return {}
    made = (inner_split(cohort, split, fold, folds) for fold in folds_in_need(cohort, split))
    return {drawn.name: drawn for drawn in made}


def inner_split(cohort: Cohort, split: Split, fold: int, folds: int) -> Split:
    """Cross-validate within the training part of one fold, so that its cases get predictions to choose by.

    Each training case is tested once, by a model that learned from other training cases of the fold alone;
    patients stay whole. No case of the fold's validation or test part takes part, nor does a label of theirs.
    The cut depends on the seed of the split and on the fold.

    Parameters
    ----------
    cohort, split
        With labels, and a split of it.
    fold
        Index of the fold whose training part is cut.
    folds
        Into how many parts, at least 2.

    Returns
    -------
    Split
        Named ``<split>/inner<fold>``.

    Raises
    ------
    SplitError
        The training part has too few patients of a class of a ranked task; or ``folds`` is below 2.
    """
    config = SplitConfig(
        name=f"{split.name}/inner{fold}",
        protocol="internal_cv",
        title=f"{folds}-fold cross-validation of the training part of fold {fold} of {split.name}",
        estimand="Nothing that is reported: thresholds of that fold are chosen on it.",
        seed=split.seed,
        folds=folds,
        validation_share=split.validation_share,
    )
    training = cohort.take(sorted(split.folds[fold].train))
    cut = cross_validate(training, config, np.random.default_rng([split.seed, fold]), "training")
    require_parts(training, config, cut)
    statement = f"inner folds={folds} validation_share={split.validation_share!r} of {split.fingerprint}"
    return split_of(config, statement, cut)


def needs_inner(cohort: Cohort, fold: Fold, task: Task) -> bool:
    """Whether the validation cases of a fold are too few to choose a threshold of the task on."""
    labels = cohort.table.loc[list(fold.val), task.name]
    return bool((labels == 1).sum() < MIN_POSITIVES or not (labels == 0).any())
