"""Rows added to a committed board, whose other rows are taken from its source instead of being run again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.boards.snapshot import SIGNIFICANT_DIGITS, board_folder, thaw
from bench.errors import StoreError, parameter
from bench.predictions.results import MethodResult, Results

# How far apart two labels may lie that were rounded alike, relative to their size.
ROUNDED = 10.0 ** (1 - SIGNIFICANT_DIGITS)


@dataclass(frozen=True, eq=False)
class Extended:
    """The rows of a board and of a store together, and the labels of those that are new or renewed."""

    results: Results
    added: tuple[str, ...]
    renewed: tuple[str, ...]


def extended(results: Results, folder: Path) -> Extended:
    """The rows of the committed board of this cohort and split, followed by those of a store.

    A row that both have stays as committed where its cells are the same ones, else it is the store's.

    Parameters
    ----------
    results
        What a store holds of the cohort and split.
    folder
        Where boards are kept, as of :func:`bench.boards.snapshot.freeze`.

    Raises
    ------
    StoreError
        There is no such board or it has no source; it was made on another cohort or split; a row was
        trained with other seeds than the others.
    """
    place = board_folder(folder, results)
    kept = thaw(place)
    _refuse_other_cases(kept, results, place)
    rows = {method.label: method for method in kept.methods}
    given = {method.label: method for method in results.methods}
    renewed = [label for label in rows if label in given and not _same_cells(rows[label], given[label])]
    added = [label for label in given if label not in rows]
    rows |= {label: given[label] for label in (*renewed, *added)}
    _refuse_other_seeds(rows)
    merged = replace(
        results,
        methods=tuple(rows.values()),
        versions=_versions(kept.versions, results.versions),
        hardware="; ".join(dict.fromkeys(filter(None, (kept.hardware, results.hardware)))),
    )
    return Extended(merged, tuple(added), tuple(renewed))


def _refuse_other_cases(kept: Results, results: Results, place: Path) -> None:
    """Raise StoreError where the board is of other cases, another cut, or other truth."""
    for what, one, other in (
        ("cohort", kept.cohort_fingerprint, results.cohort_fingerprint),
        ("split", kept.split_fingerprint, results.split_fingerprint),
    ):
        if one != other:
            raise StoreError(
                f"{place} was made on a {what} with the fingerprint {one[:12]}, the store's rows on "
                f"{other[:12]}; one board does not mix them: freeze it anew, from a store with all rows"
            )
    names = [task.name for task in results.tasks]
    truth = results.truth.reindex(kept.truth.index)
    same = kept.tasks == results.tasks and dict(kept.tested) == dict(results.tested)
    if not same or not _nearly_equal(kept.truth[names], truth[names]):
        raise StoreError(f"{place} has other tasks, cases or labels than the store; freeze it anew")


def _nearly_equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    pairs = one.to_numpy(dtype=float), other.to_numpy(dtype=float)
    return bool(np.allclose(*pairs, rtol=ROUNDED, atol=0.0, equal_nan=True))


def _refuse_other_seeds(rows: Mapping[str, MethodResult]) -> None:
    """Raise StoreError where rows were not all trained with the same seeds."""
    seeds = {label: tuple(sorted(row.seeds)) for label, row in rows.items()}
    first = next(iter(seeds.values()), ())
    others = [f"{label} ({_listed(found)})" for label, found in seeds.items() if found != first]
    if others:
        raise StoreError(
            f"the board's rows have the seeds {_listed(first)}, but {', '.join(others)}; every row of a "
            f"board has the same: run what is missing with {parameter('seeds', _listed(first))}"
        )


def _listed(seeds: tuple[int, ...]) -> str:
    return ",".join(map(str, seeds))


def _same_cells(one: MethodResult, other: MethodResult) -> bool:
    """Whether both rows were made by the same code with the same parameters, seeds and folds."""
    found = [{str(record["id"]) for record in row.records} for row in (one, other)]
    return bool(found[0]) and found[0] == found[1]


def _versions(kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Of every package the versions that some row was made with."""
    names = [*kept, *(name for name in given if name not in kept)]
    return {
        name: " and ".join(dict.fromkeys(one[name] for one in (kept, given) if name in one)) for name in names
    }
