"""A split by its name, by the path of its file, or by its configuration."""

from collections.abc import Sequence
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.methods.named_split import split_named
from bench.splits.config import SplitConfig, offered_config, with_seed
from bench.splits.make import make_split as cut
from bench.splits.spec import SplitSpec
from bench.splits.split import Split


def make_split(
    cohort: Cohort,
    split: str | Path | SplitConfig | SplitSpec,
    seed: int | None = None,
    plugins: Sequence[str | Path] = (),
) -> Split:
    """Cut a cohort by a protocol; patients never cross folds.

    Parameters
    ----------
    cohort
        With labels.
    split
        Name of a split (``internal_cv``, or ``internal_cv@3`` for another seed), path of a split's TOML file
        or of a table of folds, or a configuration.
    seed
        Seed of the cut instead of the split's own; the split is then named ``NAME@SEED``, as on the command
        line.
    plugins
        Plugin files that offer splits, beside the installed plugins.

    Raises
    ------
    UsageError
        There is no split of that name.
    SplitError
        The file is no split, or the cohort does not allow the protocol.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal_cv", seed=3)
    >>> split.name, len(split.folds)
    ('internal_cv@3', 5)
    >>> own = bench.SplitConfig("three", "internal_cv", "Three folds", "AUC within the centres.", folds=3)
    >>> len(bench.make_split(cohort, own).folds)
    3
    """
    if isinstance(split, SplitSpec):
        config = offered_config(split)
    elif isinstance(split, SplitConfig):
        config = split
    else:
        config = split_named(split, [Path(file) for file in plugins])
    return cut(cohort, config if seed is None else with_seed(config, seed))
