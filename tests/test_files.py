"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from bench.files import replacing, write_whole, written


def test_a_reader_sees_the_old_text_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("ne")
        assert path.read_text() == "old" and temporary.parent == tmp_path
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    with written(tmp_path / "link.txt", "the table", "--out") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new" and (tmp_path / "link.txt").is_symlink()
