"""What commands on a store open first: the cohort, the split and the store, and the results they hold."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.predictions.results import Results
    from bench.splits.split import Split
    from bench.store.store import Store


Plugins = Sequence[Path] | None
"""Plugin files of an option, None where it was not given."""


def named_cohort(names: Sequence[str] | None, drop: Sequence[str] | None, id_map: Path | None) -> str:
    """The cohort that is named, ``phantom`` where none is, or the folder that stands for the joined ones.

    Raises UsageError where one cohort alone is named beside what is for joined ones, or the same one twice.
    """
    from bench.cohorts.catalogue import joined_folder

    names = names or ["phantom"]
    if len(names) == 1 and not drop and id_map is None:
        return names[0]
    folder = joined_folder(names, drop or (), id_map)
    print(f"joined cohort: {folder}, which --cohort takes in their place", file=sys.stderr)
    return str(folder)


@dataclass(frozen=True)
class Protocol:
    """The cases, how they are split, and where the cells of that split lie.

    Parameters
    ----------
    recalibrate
        Share of the patients of each tested site that recalibrates; None for no recalibrated rows.
    """

    cohort: "Cohort"
    split: "Split"
    store: "Store"
    recalibrate: float | None = None

    def results(self, methods: Sequence[str] | None = None) -> "Results":
        """Results of these rows of the store, of all where none is named, each with its recalibrated row."""
        from bench.predictions.results import of_methods
        from bench.store.collect import results_of_store

        found = of_methods(results_of_store(self.cohort, self.split, self.store), methods)
        if self.recalibrate is None:
            return found
        from bench.predictions.recalibrated import with_recalibrated
        from bench.splits.apart import learned_sites

        return with_recalibrated(found, self.recalibrate, learned_sites(self.cohort, self.split))


def open_finished(
    cohort: str, split: str, store: Path, skip_broken: bool, plugins: Plugins = None
) -> Protocol:
    """Open a cohort and split of which the store holds cells; no phantom is made for a store without any.

    Raises as :func:`open_protocol`, and UsageError where the store holds nothing of the cohort.
    """
    from bench.store.holdings import refuse_unknown_cohort
    from bench.store.store import Store

    refuse_unknown_cohort(Store(store), cohort, split)
    return open_protocol(cohort, split, store, skip_broken, plugins)


def open_repeats(
    cohort: str, split: str, repeats: int, store: Path, skip_broken: bool, plugins: Plugins = None
) -> tuple[Protocol, ...]:
    """Open a cohort with a cross-validation and the repeats of it, of which the store holds cells.

    Raises as :func:`open_finished`, and SplitError where the split cannot be repeated.
    """
    from bench.methods.named_cohort import cohort_named
    from bench.methods.named_split import split_named
    from bench.splits.repeats import repeated_splits
    from bench.store.holdings import refuse_unknown_cohort
    from bench.store.store import Store

    refuse_unknown_cohort(Store(store), cohort, split)
    config = split_named(split, plugins or ())
    opened = cohort_named(cohort, plugins or (), skip_broken=skip_broken)
    splits = repeated_splits(opened, config, repeats)
    return tuple(Protocol(opened, drawn, Store(store)) for drawn in splits)


def open_protocol(
    cohort: str, split: str, store: Path, skip_broken: bool, plugins: Plugins = None
) -> Protocol:
    """Open a cohort with its split and the run store.

    Raises
    ------
    UsageError
        There is no such cohort or split.
    CohortError, SplitError
        The cohort has faults, or the split cannot be made of it.
    """
    from bench.methods.named_cohort import cohort_named
    from bench.methods.named_split import split_named
    from bench.splits.make import make_split
    from bench.store.store import Store

    config = split_named(split, plugins or ())
    opened = cohort_named(cohort, plugins or (), skip_broken=skip_broken)
    return Protocol(opened, make_split(opened, config), Store(store))
