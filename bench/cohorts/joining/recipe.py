"""Which cohorts are joined and how: a small folder that can be opened again by its path."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.cohorts.checking.violation import refuse
from bench.cohorts.table import read_table
from bench.errors import CohortError, UsageError
from bench.files import cache_dir, write_whole, writing

JOINED = "joined.json"
# Between the name of a cohort and an id of its own.
MARK = ":"


@dataclass(frozen=True)
class Recipe:
    """How cohorts are joined.

    Parameters
    ----------
    cohorts
        Phantom scenarios, or whole paths of folders, in order.
    drop
        Cases to leave out, each as ``COHORT:CASE``; a ``*`` stands for any characters.
    people
        One row a person: by the name of a cohort, the patient id that the person has there.
    """

    cohorts: tuple[str, ...]
    drop: tuple[str, ...] = ()
    people: tuple[Mapping[str, str], ...] = ()


def keep_recipe(cohorts: Sequence[str], drop: Sequence[str] = (), id_map: Path | None = None) -> Path:
    """Write a recipe into the cache; its folder, which :func:`bench.open_cohort` opens.

    Parameters
    ----------
    id_map
        Table with a column a cohort, named as the cohort, and a row a person.

    Raises
    ------
    UsageError
        Fewer than two cohorts, or the same one twice.
    CohortError
        The id map cannot be read.
    """
    whole = tuple(str(Path(name).resolve()) if Path(name).is_dir() else name for name in cohorts)
    if len(whole) < 2 or len(set(whole)) < len(whole):
        raise UsageError(
            f"expected two or more different cohorts to join, got {', '.join(cohorts) or 'none'}"
        )
    text = json.dumps(asdict(Recipe(whole, tuple(sorted(set(drop))), read_id_map(id_map))), indent=1)
    folder = cache_dir() / "joined" / hashlib.sha256(text.encode()).hexdigest()[:16]
    with writing(folder, "the joined cohort", "BENCH_CACHE"):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / JOINED, text)
    return folder


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a folder; raises CohortError where it is damaged."""
    path = folder / JOINED
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Recipe(tuple(values["cohorts"]), tuple(values["drop"]), tuple(values["people"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CohortError(
            f"{path} does not say which cohorts are joined: {error}; join them again"
        ) from error


def read_id_map(path: Path | None) -> tuple[dict[str, str], ...]:
    """The rows of an id map, without its empty cells; raises CohortError where an id occurs twice."""
    if path is None:
        return ()
    if not path.is_file():
        raise UsageError(f"no such file: {path}, expected an id map with a column a cohort")
    table = read_table(path, refuse)
    for name in table:
        twice = table[name][(table[name] != "") & table[name].duplicated()]
        if len(twice):
            raise CohortError(
                f"{path}: patient {twice.iloc[0]!r} of {name} stands in two rows, expected one row a person; "
                "remove one"
            )
    return tuple({str(name): cell for name, cell in row.items() if cell} for _, row in table.iterrows())
