"""What commands on a store open first: the cohort, the split and the store, and the results they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError

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


def open_protocol(cohort: str, split: str, store: Path, skip_broken: bool, to_fill: bool = False) -> Protocol:
    """Open a cohort with its split and the run store.

    Parameters
    ----------
    to_fill
        Whether the store may be empty, since something is to be put into it.

    Raises
    ------
    UsageError
        There is no such cohort or split, or nothing of the cohort in a store that is to be read.
    CohortError, SplitError
        The cohort has faults, or the split cannot be made of it.
    """
    from bench.cohorts.catalogue import open_cohort
    from bench.split import load_split_config, make_split
    from bench.store import Store

    config = load_split_config(split)
    if not to_fill:
        require_cells(cohort, store)
    opened = open_cohort(cohort, skip_broken=skip_broken)
    return Protocol(opened, make_split(opened, config), Store(store))


def require_cells(cohort: str, store: Path) -> None:
    """Raise UsageError where a phantom would be made only to find that the store has nothing of it."""
    from bench.cohorts.catalogue import unmade_phantom
    from bench.store import Store

    name = unmade_phantom(cohort)
    if name and not any(Store(store).cell_folders(name)):
        raise UsageError(
            f"no finished cell of {cohort} in {store}; see `bench run --cohort {cohort} --store {store}`"
        )
