"""What a run store holds, for a message that finds nothing."""

from collections import Counter
from pathlib import Path

from bench.errors import UsageError, parameter
from bench.splits.inner import is_inner
from bench.store.store import Store, read_record


def no_cells(store: Store, cohort: str, split: str | None, why: str = "") -> UsageError:
    """The error of a command that finds no finished cell: what the store holds instead, and the remedy.

    Parameters
    ----------
    split
        None where cells of any split would do.
    why
        What is known of cells that are there and do not count.
    """
    wanted = cohort if split is None else f"{cohort} and {split}"
    others = f"{parameter('store')}, {parameter('cohort')} and {parameter('split')} choose others"
    remedy = f"`bench run` makes cells; {others}"
    return UsageError(f"no finished cell of {wanted} in {store.folder}{why}; {_held(store)}; {remedy}")


def refuse_unknown_cohort(store: Store, cohort: str, split: str | None) -> None:
    """Raise UsageError where a store cannot hold a cell of a cohort, before that cohort is made or read.

    A cohort's folder may have any name, so only a store without any cell is refused there.
    """
    held = holdings(store)
    named = {name for name, _ in held}
    if not held or not (Path(cohort).is_dir() or cohort in named):
        raise no_cells(store, cohort, split)


def holdings(store: Store) -> dict[tuple[str, str], int]:
    """Number of cells by cohort and split, inner splits left out."""
    folders = Counter(folder.parent.parent for folder in store.cell_folders())
    found: dict[tuple[str, str], int] = {}
    for place, number in sorted(folders.items()):
        names = _names(place)
        if not is_inner(names[1]):
            found[names] = found.get(names, 0) + number
    return found


def _names(place: Path) -> tuple[str, str]:
    """Cohort and split of the cells below a folder, as a record says; else as folders are named."""
    record = next(filter(None, map(read_record, place.glob("*/*"))), None)
    return (place.parent.name, place.name) if record is None else (record.cohort, record.split)


def _held(store: Store) -> str:
    if not store.folder.exists():
        return "there is no such folder"
    if not store.folder.is_dir():
        return "it is a file, expected the folder of a run store"
    held = [f"{cohort} with {split} ({number} cells)" for (cohort, split), number in holdings(store).items()]
    return f"the store holds {', '.join(held)}" if held else "the store holds no cell"
