"""The record of a cell as a value: JSON both ways, and what another version wrote."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.store.record import FORMAT, CellRecord, broken_value
from bench.store.store import RECORD, read_record, write_record

# As stores of the present format hold it: predictions made elsewhere state no format and no times.
SUBMITTED = {
    "id": "ab" * 32,
    "identity": {"cohort": "c1", "split": "s1", "method": "sent (submitted)", "fold": 2, "seed": 1},
    "cohort": "phantom-tiny",
    "split": "internal_cv",
    "method": "sent (submitted)",
    "synthetic": True,
    "cases": {"train": 3, "val": 1, "test": 1},
    "constants": {"er": 0.5},
    "submitted": "sent.csv",
    "status": "ok",
    "reason": "",
    "ended": "2026-01-01T00:00:00+0000",
}
RUN = SUBMITTED | {"format": 3, "threads": 1, "fit_seconds": 2.5, "tables": {}, "checksum": "cd" * 32}


@pytest.mark.parametrize("content", [SUBMITTED, RUN], ids=["submitted", "run"])
def test_json_read_and_written_again_holds_the_same(content: dict[str, object]) -> None:
    written = CellRecord.from_json(content).to_json()
    assert written == content | {"format": FORMAT, "tables": {}, "checksum": content.get("checksum", "")}


def test_seed_fold_and_fingerprints_are_those_of_the_identity() -> None:
    record = CellRecord.from_json(SUBMITTED)
    assert (record.seed, record.fold) == (1, 2)
    assert (record.cohort_fingerprint, record.split_fingerprint) == ("c1", "s1")
    assert record.identity_without("cohort", "split", "seed") == {"method": "sent (submitted)", "fold": 2}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SUBMITTED | {"format": FORMAT + 1}, f"has format {FORMAT + 1}, this version reads up to {FORMAT}"),
        (SUBMITTED | {"energy_joules": 3.0}, r"has unknown fields \(energy_joules\)"),
    ],
)
def test_a_record_of_a_newer_version_is_refused_in_one_line(content: dict[str, object], words: str) -> None:
    with pytest.raises(StoreError, match=words) as refused:
        CellRecord.from_json(content)
    assert "upgrade dcebench" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ended", "2026"),
        ("started", "2026-01-01T00:00:00"),
        ("ended", None),
        ("fit_seconds", "long"),
        ("threads", True),
        ("identity", {"cohort": "c1", "split": "s1", "fold": 2}),
        ("identity", SUBMITTED["identity"] | {"seed": "0"}),
        ("constants", {"er": None}),
        ("cases", [3, 1, 1]),
        ("status", 0),
    ],
)
def test_a_value_that_no_cell_has_makes_a_record_unreadable(name: str, value: object, tmp_path: Path) -> None:
    assert not broken_value(SUBMITTED) and not broken_value(RUN)
    assert broken_value(RUN | {name: value}) == name
    assert not broken_value(RUN | {name: value, "format": FORMAT + 1})
    write_record(tmp_path, replace(CellRecord.from_json(RUN), **{name: value}))
    assert (read_record(tmp_path) is None) == (value is not None)


def test_a_record_without_a_field_that_every_cell_has_names_it() -> None:
    lacking = {name: value for name, value in SUBMITTED.items() if name != "constants"}
    with pytest.raises(StoreError, match="its record lacks constants; remove the cell and run it again"):
        CellRecord.from_json(lacking)


def test_a_written_record_is_read_as_it_was_and_an_edited_one_is_no_result(tmp_path: Path) -> None:
    kept = write_record(tmp_path, CellRecord.from_json(SUBMITTED))
    assert read_record(tmp_path) == kept and kept.checksum
    content = json.loads((tmp_path / RECORD).read_text())
    (tmp_path / RECORD).write_text(json.dumps(content | {"status": "failed"}))
    assert read_record(tmp_path) is None
