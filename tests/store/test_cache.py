"""The cache is told by kind and size, and only what was long unused goes."""

import os
from pathlib import Path

import pytest

from bench.store.cache import DAY, cache_entries, remove, unused_for
from tests.command import bench


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setenv("BENCH_CACHE", str(cache))
    for name, size, days in (
        ("crops/aa/old.bin", 3000, 90),
        ("crops/bb/new.bin", 2000, 1),
        ("phantoms/generator-2/phantom/cases.csv", 100, 90),
        ("hashes/cc.json", 10, 40),
    ):
        file = cache / name
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * size)
        then = tmp_path.stat().st_mtime - days * DAY
        os.utime(file, (then, then))
    return cache


def test_entries_have_kind_size_and_age(folder: Path) -> None:
    entries = {str(entry.path.relative_to(folder)): entry for entry in cache_entries()}
    assert set(entries) == {"crops/aa", "crops/bb", "phantoms/generator-2/phantom", "hashes/cc.json"}
    assert entries["crops/aa"].size == 3000 and entries["crops/aa"].kind == "crops"
    now = folder.parent.stat().st_mtime
    assert {entry.path.name for entry in unused_for(entries.values(), 30, now)} == {
        "aa",
        "phantom",
        "cc.json",
    }


def test_what_is_removed_is_what_was_asked(folder: Path) -> None:
    now = folder.parent.stat().st_mtime
    assert remove(unused_for(cache_entries(), 30, now)) == 3110
    assert [entry.path.name for entry in cache_entries()] == ["bb"]
    assert (folder / "crops/bb/new.bin").read_bytes() == b"x" * 2000


def test_a_link_is_removed_and_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (folder / "crops" / "link").symlink_to(outside)
    remove(cache_entries())
    assert (outside / "kept.txt").is_file() and not (folder / "crops" / "link").is_symlink()


def test_the_commands_show_and_remove(folder: Path, tmp_path: Path) -> None:
    shown = bench("info", cwd=tmp_path).stdout
    assert all(name in shown for name in ("crops", "numpy", "Landlock"))
    assert "2 of 2" not in bench("clean", "crops", "--dry-run", cwd=tmp_path).stderr
    assert (folder / "crops/aa").is_dir()
    done = bench("clean", "crops", cwd=tmp_path)
    assert "1 of 2 entries" in done.stderr and not (folder / "crops/aa").exists()
    assert (folder / "phantoms/generator-2/phantom").is_dir()
    wrong = bench("clean", "crop", cwd=tmp_path)
    assert wrong.returncode == 2 and "crops" in wrong.stderr


def test_an_empty_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "none"))
    assert cache_entries() == []
    assert "0 of 0 entries" in bench("clean", cwd=tmp_path).stderr
