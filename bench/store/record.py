"""The record of a cell: what was run, how it ended and what it took, as a value and as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from bench.cohorts.cohort import Cohort
from bench.errors import StoreError
from bench.predictions.table import constant_values
from bench.splits.split import Split
from bench.store.cell import Cell

FORMAT = 3


@dataclass(frozen=True)
class CellRecord:
    """What a run store keeps of a cell beside its predictions.

    Parameters
    ----------
    id, identity
        Of the cell, see :class:`bench.store.cell.Cell`.
    cohort, split, method
        Names; ``method`` is that of the row.
    synthetic
        Whether the cohort is.
    cases
        Number of training, validation and test cases, as ``train``, ``val`` and ``test``.
    constants
        Training prevalence or median of each task.
    status, reason
        How the cell ended, and why where it failed.
    target
        Where the method's class is defined.
    isolation
        Why the cell was not isolated; None where it ran in a process of its own.
    contract
        Whether a method from outside passed the quick clauses of the contract: ``passed``, ``not run``, or
        ``failed`` with the code of a clause; None for methods of the project.
    sealed
        The fence that held the method, ``kernel``, ``python`` or ``no``; None where nothing is known of it.
    images
        Images that the method was given, as channels of crops: of a cohort with several, their names and
        differences such as ``post1-pre``; None where nothing is known of it.
    packages
        By the name of each method with an environment of its own, the row's or a member of it: the version of
        its ``python`` and of every package that uv put there; None where there is no such environment.
    submitted
        Name of the file that predictions made elsewhere came in.
    combined
        Of a row that others were combined into: ``kind``, ``members``, ``weights`` by task and member.
    skipped_cases
        Case id to the reason for which the cohort leaves it out.
    device, threads, environment
        What it ran on: processor threads of the cell; versions and hardware.
    started, ended
        Local times with their zone.
    fit_seconds, predict_seconds, seconds
        Time of fitting, of predicting the test cases, and of a cell that was stopped.
    fit_cpu_seconds
        Processor time of fitting, which other work on the machine hardly changes.
    peak_memory_mb
        Peak resident memory, MiB.
    energy
        Joules that the counters of the machine told while the method loaded, fitted and predicted,
        ``cpu_joules`` and ``gpu_joules``, each with what it covers, ``cpu_covers`` and ``gpu_covers``: whole
        processor packages and GPUs, which cells that run at the same moment share. None where none tells.
    parameters
        Number of trained parameters.
    tuning
        What the search of hyperparameters came to, see :class:`bench.tuning.tune.Tuned`.
    signal
        Name of the signal that ended its process.
    tries
        How often the machine has ended the cell so far.
    last_log_lines
        The end of the log of a cell that failed.
    tables
        SHA-256 of each table of the cell by file name.
    checksum
        SHA-256 of the record.
    format
        Number of the format of these fields. None of the fields that follow ``constants`` is written where
        it is None: predictions made elsewhere come without times, and no cell has all of them.
    """

    id: str
    identity: Mapping[str, Any]
    cohort: str
    split: str
    method: str
    synthetic: bool
    cases: Mapping[str, int]
    constants: Mapping[str, float]
    status: str = ""
    reason: str = ""
    target: str | None = None
    isolation: str | None = None
    contract: str | None = None
    sealed: str | None = None
    images: list[str] | None = None
    packages: Mapping[str, Any] | None = None
    submitted: str | None = None
    combined: Mapping[str, Any] | None = None
    skipped_cases: Mapping[str, str] | None = None
    device: str | None = None
    threads: int | None = None
    environment: Mapping[str, Any] | None = None
    started: str | None = None
    ended: str | None = None
    fit_seconds: float | None = None
    predict_seconds: float | None = None
    fit_cpu_seconds: float | None = None
    seconds: float | None = None
    peak_memory_mb: int | None = None
    energy: Mapping[str, Any] | None = None
    parameters: int | None = None
    tuning: Mapping[str, Any] | None = None
    signal: str | None = None
    tries: int | None = None
    last_log_lines: list[str] | None = None
    tables: Mapping[str, str] = field(default_factory=dict)
    checksum: str = ""
    format: int = FORMAT

    @property
    def seed(self) -> int:
        """Training seed."""
        return int(self.identity["seed"])

    @property
    def fold(self) -> int:
        """Index of the fold, counted from 0."""
        return int(self.identity["fold"])

    @property
    def cohort_fingerprint(self) -> str:
        """Fingerprint of the cohort that the cell ran on."""
        return str(self.identity["cohort"])

    @property
    def split_fingerprint(self) -> str:
        """Fingerprint of the split that the cell ran on."""
        return str(self.identity["split"])

    def identity_without(self, *names: str) -> dict[str, Any]:
        """The identity without some of its keys: what cells that differ in these alone have in common."""
        return {key: value for key, value in self.identity.items() if key not in names}

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object, without the fields that are None."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in values if value is not None}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The record of a JSON object.

        Raises
        ------
        StoreError
            It has a newer format, a field that this version does not know, or lacks one.
        """
        number = content.get("format", FORMAT)
        if number > FORMAT:
            raise StoreError(f"its record has format {number}, this version reads up to {FORMAT}; {REMEDY}")
        if unknown := sorted(content.keys() - KNOWN):
            raise StoreError(f"its record has unknown fields ({', '.join(unknown)}); {REMEDY}")
        if lacking := sorted(REQUIRED - content.keys()):
            raise StoreError(f"its record lacks {', '.join(lacking)}; remove the cell and run it again")
        return cls(**content)


def broken_value(content: Mapping[str, Any]) -> str:
    """The first field of a record whose value is none that a cell can have; empty where all are sound.

    Of a newer format nothing is known, see :meth:`CellRecord.from_json`.
    """
    if content.get("format", FORMAT) > FORMAT:
        return ""
    odd = (name for name, value in content.items() if name in KINDS and not KINDS[name](value))
    return next(odd, "")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    """Whether it is a local time with its zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_identity(value: Any) -> bool:
    whole = isinstance(value, Mapping) and all(_is_whole(value.get(name)) for name in ("seed", "fold"))
    return whole and all(_is_text(value.get(name)) for name in ("cohort", "split"))


def _holds(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether it is a JSON object of such values."""
    return lambda value: isinstance(value, Mapping) and all(map(of, value.values()))


def _is_energy(value: Any) -> bool:
    """Whether joules are numbers, and all else text."""
    return isinstance(value, Mapping) and all(
        (_is_number if name.endswith("joules") else _is_text)(held) for name, held in value.items()
    )


# By field, whether a value is one that a cell can have.
KINDS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("id", "cohort", "split", "method", "status", "reason", "device"), _is_text),
    **dict.fromkeys(("started", "ended"), _is_time),
    **dict.fromkeys(("fit_seconds", "predict_seconds", "fit_cpu_seconds", "seconds"), _is_number),
    **dict.fromkeys(("threads", "peak_memory_mb", "parameters", "tries"), _is_whole),
    "identity": _is_identity,
    "cases": _holds(_is_whole),
    "constants": _holds(_is_number),
    "tables": _holds(_is_text),
    "energy": _is_energy,
}

REMEDY = "upgrade dcebench to the version that wrote it, or name another store"
KNOWN = {one.name for one in fields(CellRecord)}
REQUIRED = {
    one.name for one in fields(CellRecord) if one.default is MISSING and one.default_factory is MISSING
}


def planned_record(cell: Cell, cohort: Cohort, split: Split) -> CellRecord:
    """What is known of a cell before it has predictions."""
    fold = split.folds[cell.fold]
    return CellRecord(
        id=cell.id,
        identity=dict(cell.identity),
        cohort=cohort.name,
        split=split.name,
        method=cell.method,
        synthetic=cohort.synthetic,
        cases={"train": len(fold.train), "val": len(fold.val), "test": len(fold.test)},
        constants=constant_values(cohort.take(fold.train)),
    )
