"""Names that do not lead back to a patient: a keyed hash, a given table, or a source's public ones."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import platformdirs

from bench.cohorts.checking.violation import refuse
from bench.cohorts.importers.importer import StudyError
from bench.cohorts.table import read_table
from bench.errors import UsageError, parameter
from bench.files import writing

HASH, KEEP = "hash", "keep"
KEY_BYTES = 32
DIGITS = 16
# Dates are moved back by up to ten years, by another number of days for each patient.
MAX_SHIFT = 3650
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Pseudonyms:
    """How ids are written.

    Parameters
    ----------
    key
        The secret of the keyed hash (HMAC-SHA256).
    given
        New id by the source's, where a table names them.
    keep
        Whether ids stay as they are.
    """

    key: bytes = field(repr=False)
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    keep: bool = False

    def patient(self, name: str) -> str:
        """The id to write for a patient."""
        return self._name("P", name)

    def case(self, name: str, patient: str) -> str:
        """The id to write for a case; that of the patient where the two have one name."""
        if name == patient:
            return self.patient(patient)
        if self.given and name not in self.given and name.startswith(patient):
            return plain(self.patient(patient) + re.sub(r"[^A-Za-z0-9._-]", "-", name[len(patient) :]))
        return self._name("C", name)

    def file_name(self, name: str) -> str:
        """Name of a temporary file of a study."""
        return self.digest(f"study {name}")

    def shifted(self, day: date, patient: str) -> int:
        """Number of a day on a patient's own calendar, which tells how far days are apart and no date."""
        return day.toordinal() - int(self.digest(f"date {patient}"), 16) % MAX_SHIFT

    def digest(self, text: str) -> str:
        """Keyed hash of a text, 64 bits in hexadecimal digits."""
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:DIGITS]

    def _name(self, prefix: str, name: str) -> str:
        if self.keep:
            return plain(name)
        if not self.given:
            return f"{prefix}{self.digest(name)}"
        if name not in self.given:
            raise StudyError("the table of ids does not name it", "not in the table of ids")
        return self.given[name]


def plain(name: str) -> str:
    """The name, if it can be the name of a file on any system; raises CohortError else."""
    if not PLAIN.fullmatch(name):
        raise StudyError(
            f"id {name[:60]!r} is not made of at most 64 letters, digits, '.', '_' and '-' and cannot stay "
            f"as it is; let the import write a keyed hash instead ({parameter('ids', 'hash')})",
            "id that cannot stay as it is",
        )
    return name


def pseudonyms_of(ids: str) -> Pseudonyms:
    """The rule that ``ids`` names: ``hash``, ``keep``, or a table with the columns ``id`` and ``new_id``.

    Raises
    ------
    UsageError
        No rule and no such file, or a table that gives one id twice.
    """
    if ids in (HASH, KEEP):
        return Pseudonyms(secret_key(), keep=ids == KEEP)
    if not Path(ids).is_file():
        raise UsageError(
            f"{parameter('ids')} expects {HASH}, {KEEP} or a table with columns id and new_id; there is no "
            f"file {ids!r}"
        )
    return Pseudonyms(secret_key(), _given(Path(ids)))


def _given(path: Path) -> dict[str, str]:
    table = read_table(path, refuse)
    if not {"id", "new_id"} <= set(table):
        raise UsageError(f"{path}: expected the columns id and new_id, got {', '.join(map(str, table))}")
    for column in ("id", "new_id"):
        twice = table[column][table[column].duplicated()]
        if len(twice):
            raise UsageError(f"{path}, line {twice.index[0]}: the {column} {twice.iloc[0]!r} is there twice")
    return {old: plain(new) for old, new in zip(table["id"], table["new_id"], strict=True)}


def key_file() -> Path:
    """Where the secret key lies: in the user's config folder, readable by nobody else."""
    return Path(platformdirs.user_config_dir("dcebench", appauthor=False)) / "import.key"


def secret_key() -> bytes:
    """The key of the keyed hash, made at first use; the same patient gets the same id as long as it stays.

    Raises
    ------
    UsageError
        The key file holds anything else.
    BenchError
        The key cannot be written.
    """
    path = key_file()
    if not path.exists():
        with writing(path, "the key of the ids", "XDG_CONFIG_HOME"):
            _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UsageError(f"{path} is no key of {KEY_BYTES} bytes; put the right one there, or remove it")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        os.link(temporary, path)  # of two programs that begin at once, one makes the key
    except FileExistsError:
        return
    finally:
        temporary.unlink(missing_ok=True)
