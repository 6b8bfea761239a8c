"""A cohort cut by a protocol."""

from dataclasses import replace

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.splits.config import SplitConfig
from bench.splits.fewer import with_fewer
from bench.splits.fold import PARTS, Fold
from bench.splits.offered_folds import folds_of
from bench.splits.protocols import PROTOCOLS, with_validation
from bench.splits.requirements import require_labels, require_parts, require_sound_folds
from bench.splits.spec import SplitSpec
from bench.splits.split import Split, split_fingerprint


def make_split(cohort: Cohort, config: SplitConfig, seed: int | None = None) -> Split:
    """Cut a cohort by a protocol.

    The result depends on the cases, their patients, groups, sites and labels, and on the seed; not on the
    order of the cases.

    Parameters
    ----------
    cohort
        With labels.
    config
        The protocol.
    seed
        Replaces the config's.

    Raises
    ------
    SplitError
        Where the cohort does not allow the protocol; the message names the task, site or patient, the number
        found and the remedy. Tasks that are not ranked never block a split.
    """
    config = config if seed is None else replace(config, seed=seed)
    by_id = cohort.take(sorted(cohort.case_ids))
    folds, parts = _cut(by_id, config) if config.offer is None else _cut_by(config.offer, by_id, config)
    folds = with_fewer(by_id, config, folds) if config.patients else folds
    require_parts(by_id, config, folds, parts)
    require_labels(by_id, config, folds, [task for task in by_id.tasks if task.ranked], parts)
    return split_of(config, config.statement, folds)


def _cut(cohort: Cohort, config: SplitConfig) -> tuple[tuple[Fold, ...], tuple[str, ...]]:
    """Folds by a protocol of the benchmark, and the parts that each has."""
    protocol = PROTOCOLS[config.protocol]
    folds = protocol.cut(cohort, config, np.random.default_rng(config.seed))
    require_sound_folds(cohort, config, folds)
    return folds, protocol.parts


def _cut_by(spec: SplitSpec, cohort: Cohort, config: SplitConfig) -> tuple[tuple[Fold, ...], tuple[str, ...]]:
    """Folds by the function of a plugin, and the parts that each has; the first check is of what it gave."""
    folds = folds_of(spec, cohort, config.params, config.seed)
    require_sound_folds(cohort, config, folds)
    require_parts(cohort, config, folds, ("train", "test"))
    rng = np.random.default_rng([config.seed, 1])  # the function drew from the seed alone
    return tuple(with_validation(cohort, config, fold, rng) for fold in folds), PARTS


def split_of(config: SplitConfig, statement: str, folds: tuple[Fold, ...]) -> Split:
    """The split that a config names, of folds that were cut as the statement says."""
    return Split(
        name=config.name,
        title=config.title,
        estimand=config.estimand,
        seed=config.seed,
        validation_share=config.validation_share,
        folds=folds,
        fingerprint=split_fingerprint(statement, config.seed, folds),
        protocol=statement,
    )
