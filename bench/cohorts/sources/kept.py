"""The copy of a source in the cache: a cohort folder, from which everything else reads."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.cohorts.columns import IDENTITY, IMAGE, MASK
from bench.cohorts.importers.header import cohort_toml
from bench.cohorts.importers.importer import Card, Case
from bench.cohorts.importers.part import feature_cells, row_cells, write_volumes
from bench.cohorts.importers.pseudonyms import PLAIN
from bench.cohorts.sources.spec import CohortSource, CohortSpec
from bench.errors import CohortError
from bench.files import cache_dir, write_whole, writing
from bench.progress import progress_bar

SOURCE, FEATURES = "source.json", "features.csv"


def kept_folder(spec: CohortSpec, source: CohortSource, key: str, quiet: bool = False) -> Path:
    """The folder of a source's cases in the cache; every case is read where it is not there.

    It is as any cohort folder: checked, and identified by its content. So a source whose code or files have
    changed without a change of any case is the same cohort.

    Parameters
    ----------
    spec, source
        What the plugin announces, and what that opens.
    key
        Changes with the code and the files that the cases are read by and from, in hex.

    Raises
    ------
    CohortError
        The source raises, or what it gives is not as its card says; the message names the case.
    """
    # The same cases from another place are a copy of their own: both places are hidden from methods.
    origin = "\0".join([key, *map(str, spec.paths())])
    folder = cache_dir() / "sources" / spec.name / hashlib.sha256(origin.encode()).hexdigest()[:16]
    if (folder / SOURCE).is_file():
        return folder
    with writing(folder.parent, f"the cases of {spec.name}", "BENCH_CACHE"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / SOURCE).is_file():
                part = folder.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                try:
                    _write(_Reader(spec, source), part, quiet)
                    shutil.rmtree(folder, ignore_errors=True)
                    part.replace(folder)
                finally:
                    shutil.rmtree(part, ignore_errors=True)
    return folder


def source_files(folder: Path) -> tuple[Path, ...]:
    """What the cases of a folder were copied from; empty for a folder that is no copy of a source."""
    path = folder / SOURCE
    if not path.is_file():
        return ()
    return tuple(Path(name) for name in json.loads(path.read_text(encoding="utf-8"))["files"])


def _write(reader: "_Reader", part: Path, quiet: bool) -> None:
    """Write every case and the tables into a new folder."""
    part.mkdir(parents=True)
    card, rows, features = reader.card(), [], []
    case_ids = reader.case_ids()
    with progress_bar(f"reading the {len(case_ids)} cases of {card.name}", quiet) as advance:
        for case_id in case_ids:
            row, own = reader.written(card, case_id, part)
            rows.append(row)
            features += [own] if own else []
            advance(len(rows), len(case_ids))
    imaged = any(MASK in row for row in rows)
    files = (*(card.images or (IMAGE,)), MASK) if imaged else ()
    names = [*IDENTITY, *files, *(task.name for task in card.tasks), *card.roles]
    _write_table(part / "cases.csv", names, rows)
    if features:
        _write_table(part / FEATURES, ["case_id", *card.features], features)
    write_whole(part / "cohort.toml", cohort_toml(card, FEATURES if features else "", imaged))
    origin = {"cohort": reader.spec.name, "files": [str(path) for path in reader.spec.paths()]}
    write_whole(part / SOURCE, json.dumps(origin, indent=1))


def _write_table(path: Path, names: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


@dataclass(frozen=True)
class _Reader:
    """A source whose answers are checked; what it raises names the source, and the case."""

    spec: CohortSpec
    source: CohortSource

    def card(self) -> Card:
        """The card, whose name is that of the spec."""
        card = self._asked("card()", self.source.card)
        if not isinstance(card, Card) or card.name != self.spec.name:
            raise self._odd("card()", f"a Card with the name {self.spec.name!r}", card)
        return card

    def case_ids(self) -> list[str]:
        """The ids, sorted, each once."""
        found = self._asked("case_ids()", lambda: list(self.source.case_ids()))
        seen: set[str] = set()
        for case_id in found:
            if not isinstance(case_id, str) or case_id in seen:
                raise self._odd("case_ids()", "texts, each once (decode bytes)", case_id)
            seen.add(str(case_id))
        return sorted(seen)

    def written(self, card: Card, case_id: str, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        """Cells of a case in ``cases.csv`` and of its features; its volumes are written."""
        asked = f"read({case_id!r})"
        case = self._asked(asked, lambda: self.source.read(case_id))
        if not isinstance(case, Case) or case.key != case_id or case.exam_date is not None:
            raise self._odd(asked, f"a Case with the key {case_id!r} and without an exam_date", case)
        odd = [value for value in _texts(case) if isinstance(value, bytes)]
        if odd:
            raise self._odd(asked, "numbers and texts (decode bytes)", odd[0])
        name = case_id if PLAIN.fullmatch(case_id) else hashlib.sha256(case_id.encode()).hexdigest()[:16]
        row = {"case_id": case_id, "patient_id": case.patient}
        row |= self._asked(asked, lambda: row_cells(card, case))
        if case.image is not None:
            row |= self._asked(asked, lambda: write_volumes(folder, name, case, card.images))
        features = self._asked(asked, lambda: feature_cells(card, case)) if case.features else {}
        return row, {"case_id": case_id, **features} if features else {}

    def _asked(self, what: str, ask: Any) -> Any:
        try:
            return ask()
        except OSError:
            raise
        except Exception as error:  # a stranger's source may raise anything
            told = str(error) if isinstance(error, CohortError) else f"{type(error).__name__}: {error}"
            raise CohortError(f"cohort {self.spec.name!r}, {what}: {told}") from error

    def _odd(self, what: str, expected: str, found: object) -> CohortError:
        return CohortError(
            f"cohort {self.spec.name!r}, {what}: expected {expected}, got {found!r:.200}; correct its plugin"
        )


def _texts(case: Case) -> Iterator[Any]:
    """All that a case says in words or numbers."""
    mappings: tuple[Mapping[str, Any], ...] = (case.labels, case.covariates, case.features)
    yield from (case.patient, case.site, case.group)
    yield from (value for mapping in mappings for value in mapping.values())
