"""Repeats of a split: the same protocol cut again with the seeds that follow, each a split of its own."""

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.splits.config import SplitConfig, with_seed
from bench.splits.make import make_split
from bench.splits.population import one_population
from bench.splits.split import Split


def repeated_splits(cohort: Cohort, config: SplitConfig, repeats: int) -> tuple[Split, ...]:
    """The split and its repeats: ``internal_cv``, ``internal_cv@1``, ``internal_cv@2``, and so on.

    Every repeat tests the same cases, each once. Cells of a repeat are those of the split of that name, so
    what one run has made serves every other.

    Raises
    ------
    UsageError
        There is less than one repeat.
    SplitError
        The cohort does not allow the protocol, or several repeats are asked of one that does not
        cross-validate one population.
    """
    if repeats < 1:
        raise UsageError(f"repeats: expected 1 (the split alone) or more, got {repeats}")
    configs = [with_seed(config, config.seed + repeat) for repeat in range(repeats)]
    splits = tuple(make_split(cohort, drawn) for drawn in configs)
    if repeats > 1:
        one_population(splits)
    return splits
