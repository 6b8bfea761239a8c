"""A check that was stopped goes on where it was; one that came to its end reads every file again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cohorts.checking import check
from bench.cohorts.checking.check import Checked, check_folder
from bench.files import cache_dir
from tests.cohorts.checked_folders import CASES, save, voxels


class Stopped(Exception):
    """The user stopped the check."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cases that are read, as they are; one thread, so that their order is known."""
    seen: list[str] = []
    plain = check.read_case

    def counted(case_id: str, *given):
        seen.append(case_id)
        return plain(case_id, *given)

    monkeypatch.setattr(check, "read_case", counted)
    monkeypatch.setattr(check, "MAX_WORKERS", 1)
    return seen


def stopped_at(folder: Path, case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check a folder until that case is read."""
    reading: Callable[..., object] = check.read_case

    def stops(name: str, *given):
        if name == case_id:
            raise Stopped
        return reading(name, *given)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(check, "read_case", stops)
        patch.setattr(check, "BATCH", 1)
        check_folder(folder, quiet=True)


def test_a_stopped_check_goes_on_and_finds_the_same(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(folder / "c1.nii.gz", voxels(folder / "c1.nii.gz"), (1, 1, 25))
    whole: Checked = check_folder(folder, quiet=True)
    assert len(read) == CASES and whole.violations
    stopped_at(folder, "c9", monkeypatch)
    read.clear()
    assert check_folder(folder, quiet=True) == whole
    assert "c9" in read and "c1" not in read and len(read) < CASES
    read.clear()
    assert check_folder(folder, quiet=True) == whole
    assert len(read) == CASES


def test_a_file_that_changed_meanwhile_is_read_again(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_at(folder, "c9", monkeypatch)
    save(folder / "c1_mask.nii.gz", 0 * voxels(folder / "c1_mask.nii.gz"))
    read.clear()
    found = check_folder(folder, quiet=True).violations
    assert [one.case_id for one in found if one.severity == "error"] == ["c1"]
    assert "c1" in read and len(read) < CASES


def test_what_a_killed_check_left_half_is_not_taken(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = check_folder(folder, quiet=True)
    stopped_at(folder, "c9", monkeypatch)
    kept = max((cache_dir() / "checks").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    kept.write_bytes(kept.read_bytes()[:-20])
    read.clear()
    assert check_folder(folder, quiet=True) == whole
    assert 1 < len(read) < CASES
