"""Patients that two cohorts have in common: by an id map, by their ids, or by the content of their images."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.cohorts.cohort import Cohort
from bench.cohorts.fingerprint import content_hashes
from bench.cohorts.identity import plain_id
from bench.cohorts.joining.public_ids import hidden_overlap, persons_of
from bench.cohorts.joining.recipe import MARK
from bench.errors import CohortError, parameter
from bench.imaging.detached import data_file

# So many pairs are named in a message; the rest is counted.
NAMED = 100
People = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Duplicate:
    """Cases of two cohorts that are of one patient, and how that is known."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    evidence: str

    def __str__(self) -> str:
        return f"{', '.join(self.first)} and {', '.join(self.second)} ({self.evidence})"


def require_no_duplicates(cohorts: Sequence[Cohort], people: People = ()) -> None:
    """Raise CohortError, which names the pairs, where two cohorts hold cases of one patient.

    Public collections that took patients from one source are refused where their ids do not tell which.

    Parameters
    ----------
    people
        One row a person, see :class:`bench.cohorts.joining.recipe.Recipe`. Two rows are two people, also
        where their ids are equal.
    """
    found = [
        pair
        for first, second in itertools.combinations(cohorts, 2)
        for pair in duplicates(first, second, people)
    ]
    if found:
        raise _found_twice(found)
    _require_readable(cohorts, people)


def _require_readable(cohorts: Sequence[Cohort], people: People) -> None:
    """Raise where public collections are known to overlap and neither their ids nor an id map tell where."""
    told = {name for row in people for name in row}
    for first, second in itertools.combinations(cohorts, 2):
        if {first.name, second.name} <= told or first.synthetic or second.synthetic:
            continue
        if why := hidden_overlap(first, second):
            raise CohortError(
                f"{why}; import it with the ids as published ({parameter('ids', 'keep')}), or give an id map "
                f"({parameter('id_map', 'TABLE')}) with a row for each patient who is in both"
            )


def _found_twice(found: Sequence[Duplicate]) -> CohortError:
    named = "\n".join(f"  {pair}" for pair in found[:NAMED])
    more = f"\n  and {len(found) - NAMED} more" if len(found) > NAMED else ""
    drop, id_map = parameter("drop", found[0].second[0]), parameter("id_map", "TABLE")
    return CohortError(
        f"{len(found)} patients are in two of the joined cohorts:\n{named}{more}\nleave one copy of each out "
        f"by name ({drop}; a * is any text); where equal ids are different people, say so in an "
        f"id map ({id_map}) with a row for each"
    )


def duplicates(first: Cohort, second: Cohort, people: People = ()) -> Iterator[Duplicate]:
    """Cases of one patient in both cohorts, a pair of patients once, an image that is in both after that.

    Ids count as equal where they differ in case, blanks or zeros in front alone, or are published forms of
    one patient of a public collection (``DUKE_001``, ``Breast_MRI_001``). Those of synthetic cohorts are not
    compared, as each phantom numbers its patients anew.
    """
    ids: list[tuple[str, str, str]] = [*_by_map(first, second, people)]
    if not (first.synthetic or second.synthetic):
        ids += _by_id(first, second, people)
    told: set[tuple[str, str]] = set()
    for one, other, evidence in ids:
        mine, others = _cases_of(first, one), _cases_of(second, other)
        told |= set(itertools.product(mine, others))
        if mine and others:
            yield Duplicate(mine, others, evidence)
    for mine_too, other_too in _by_image(first, second):
        if (mine_too, other_too) not in told:
            yield Duplicate((mine_too,), (other_too,), "equal image files")


def _cases_of(cohort: Cohort, patient: str) -> tuple[str, ...]:
    own = cohort.table.index[cohort.table["patient_id"] == patient]
    return tuple(f"{cohort.name}{MARK}{case_id}" for case_id in own)


def _by_map(first: Cohort, second: Cohort, people: People) -> Iterator[tuple[str, str, str]]:
    for row in people:
        if first.name in row and second.name in row:
            yield row[first.name], row[second.name], "the id map"


def _by_id(first: Cohort, second: Cohort, people: People) -> Iterator[tuple[str, str, str]]:
    """Patients with equal ids; those that the id map has in two rows, or in one already, are passed over."""
    rows = {(name, patient) for row in people for name, patient in row.items()}
    known: dict[object, list[str]] = {}
    for patient, keys in _keys(second).items():
        for key in keys:
            known.setdefault(key, []).append(patient)
    for patient, keys in _keys(first).items():
        for other in dict.fromkeys(other for key in keys for other in known.get(key, ())):
            if (first.name, patient) not in rows or (second.name, other) not in rows:
                yield patient, other, "equal ids" if patient == other else f"ids {patient!r} and {other!r}"


def _keys(cohort: Cohort) -> dict[str, list[object]]:
    """What says that ids are equal, by patient: the plain id, and who it is in a public collection."""
    persons = persons_of(cohort)
    return {
        patient: [plain_id(patient), *([persons[patient]] if patient in persons else [])]
        for patient in dict.fromkeys(cohort.patient_ids)
    }


def _by_image(first: Cohort, second: Cohort) -> Iterator[tuple[str, str]]:
    known: dict[tuple[str, ...], list[str]] = {}
    for case_id, content in _images(second).items():
        known.setdefault(content, []).append(case_id)
    for case_id, content in _images(first).items():
        for other in known.get(content, ()):
            yield f"{first.name}{MARK}{case_id}", f"{second.name}{MARK}{other}"


def _images(cohort: Cohort) -> dict[str, tuple[str, ...]]:
    """Content of each case's image by case id: of its file, and of the data file beside it if it has one."""
    files: dict[str, list[str]] = {}
    for case_id in cohort.case_ids if cohort.has_volumes else ():
        name = str(cohort.files.loc[case_id, "image"])
        data = data_file(cohort.folder / name)
        beside = [os.path.relpath(os.path.normpath(data), cohort.folder)] if data else []
        files[case_id] = [name, *beside]
    content = content_hashes(cohort.folder, sorted({name for names in files.values() for name in names}))
    return {case_id: tuple(content[name] for name in names) for case_id, names in files.items()}
