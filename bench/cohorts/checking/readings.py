"""Readings of an unfinished check: one that was stopped goes on where it was."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import imaging
from bench.cohorts.checking import case
from bench.cohorts.checking.case import Reading
from bench.cohorts.checking.violation import Violation
from bench.files import cache_dir
from bench.imaging.earlier import files_key


class Readings:
    """The readings that a check of a folder has made so far, by what was read.

    They are kept until the check has read all cases: a check that is begun anew reads every file.
    """

    def __init__(self, folder: Path) -> None:
        self._file = cache_dir() / "checks" / f"{_hash(str(folder.resolve()))}.jsonl"
        self._code = _code_hash()
        self._known = dict(self._read())
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)

    def key(self, case_id: str, files: Mapping[str, Path], label: Sequence[float]) -> str:
        """Of the case, its files as they are, and the code that reads them; empty where a file is missing."""
        stamp = files_key(files, label)
        return _hash(f"{case_id}\0{stamp}\0{self._code}") if stamp else ""

    def known(self, key: str) -> Reading | None:
        """What an unfinished check read."""
        return self._known.get(key)

    def keep(self, key: str, reading: Reading) -> None:
        """Add a reading; without a cache that can be written the next check reads it again."""
        if not key or key in self._known:
            return
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps([key, asdict(reading)])}")  # ends what a killed check left half

    def _read(self) -> Iterator[tuple[str, Reading]]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                key, kept = json.loads(line)
                violations = tuple(Violation(**violation) for violation in kept.pop("violations"))
                yield key, Reading(violations, **kept)

    def finish(self) -> None:
        """Forget them."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


@contextmanager
def unfinished(folder: Path) -> Iterator[Readings]:
    """The readings of a folder's unfinished check; forgotten where the block ends without an error."""
    readings = Readings(folder)
    yield readings
    readings.finish()


def _code_hash() -> str:
    """Of all that reads a case: another version of it reads anew."""
    sources = [*Path(imaging.__file__).parent.glob("*.py"), *Path(case.__file__).parent.glob("*.py")]
    return _hash("\0".join(source.read_text(encoding="utf-8") for source in sorted(sources)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
