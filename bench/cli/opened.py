"""What commands on a store open first: the cohort, the split and the store, and the results they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.scores import Results
    from bench.split import Split
    from bench.store import Store


@dataclass(frozen=True)
class Protocol:
    """The cases, how they are split, and where the cells of that split lie."""

    cohort: "Cohort"
    split: "Split"
    store: "Store"

    def results(self, methods: Sequence[str] | None = None) -> "Results":
        """Results of these rows of the store; of all where none is named."""
        from bench.results import results_of_store
        from bench.scores import of_methods

        return of_methods(results_of_store(self.cohort, self.split, self.store), methods)


def open_finished(cohort: str, split: str, store: Path, skip_broken: bool) -> Protocol:
    """Open a cohort and split of which the store holds cells; no phantom is made for a store without any.

    Raises as :func:`open_protocol`, and UsageError where the store holds nothing of the cohort.
    """
    from bench.holdings import refuse_unknown_cohort
    from bench.store import Store

    refuse_unknown_cohort(Store(store), cohort, split)
    return open_protocol(cohort, split, store, skip_broken)


def open_protocol(cohort: str, split: str, store: Path, skip_broken: bool) -> Protocol:
    """Open a cohort with its split and the run store.

    Raises
    ------
    UsageError
        There is no such cohort or split.
    CohortError, SplitError
        The cohort has faults, or the split cannot be made of it.
    """
    from bench.cohorts.catalogue import open_cohort
    from bench.split import load_split_config, make_split
    from bench.store import Store

    config = load_split_config(split)
    opened = open_cohort(cohort, skip_broken=skip_broken)
    return Protocol(opened, make_split(opened, config), Store(store))
