"""Results of a store by the number of training patients, for learning curves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median_low

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.predictions.results import Results
from bench.splits.config import SplitConfig, named_and_size, with_size
from bench.splits.fewer import training_patients
from bench.splits.make import make_split
from bench.splits.split import Split
from bench.store.collect import results_of_store
from bench.store.holdings import holdings
from bench.store.store import Store


def results_by_size(
    cohort: Cohort, splits: Sequence[Split], results: Sequence[Results]
) -> dict[int, Results]:
    """Results by the number of training patients of their split, the median over folds."""
    return {
        median_low(training_patients(cohort, split.folds)): one
        for split, one in zip(splits, results, strict=True)
    }


def stored_sizes(
    cohort: Cohort,
    config: SplitConfig,
    store: Store,
    largest: tuple[Split, Results],
    rows: Sequence[str] | None = None,
) -> Mapping[int, Results]:
    """What a store holds of a split at other numbers of training patients, and of the split itself.

    Parameters
    ----------
    largest
        The split itself, or its largest size where the whole was not run, and its results, of which the
        methods count that some smaller size has too.
    rows
        Methods; all where left out.

    Returns
    -------
    dict
        Results by the number of training patients; empty where no smaller size is there.
    """
    splits = [make_split(cohort, with_size(config, size)) for size in sorted(_sizes(cohort, config, store))]
    found = {split: _results(cohort, split, store, rows) for split in splits}
    known = {split: one for split, one in found.items() if one is not None and one.methods}
    sized = {method.label for one in known.values() for method in one.methods}
    split, results = largest
    shared = tuple(method for method in results.methods if method.label in sized)
    if known and shared:
        known[split] = replace(results, methods=shared)
    return results_by_size(cohort, list(known), list(known.values()))


def _sizes(cohort: Cohort, config: SplitConfig, store: Store) -> set[int]:
    """Numbers of training patients of which the store holds cells on this cohort and split."""
    named = [named_and_size(split) for held, split in holdings(store) if held == cohort.name]
    return {size for name, size in named if name == config.name and size is not None}


def _results(cohort: Cohort, split: Split, store: Store, rows: Sequence[str] | None) -> Results | None:
    """The results of a split, None where all cells are of another version of it."""
    try:
        found = results_of_store(cohort, split, store)
    except UsageError:
        return None
    kept = tuple(method for method in found.methods if rows is None or method.label in rows)
    return replace(found, methods=kept)
