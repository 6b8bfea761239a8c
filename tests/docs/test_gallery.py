"""The pictures of the gallery are those that its command makes."""

import re
from pathlib import Path

import pytest

from tests.command import bench

DOCS = Path(__file__).parents[2] / "bench" / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"!\[[^\]]+\]\(gallery/([^)]+)\)", PAGE)


def words_of(picture: Path) -> list[str]:
    """What stands in an SVG, in order; none of a picture of pixels."""
    if picture.suffix != ".svg":
        return []
    return re.findall(r"<text[^>]*>([^<]+)</text>", picture.read_text(encoding="utf-8"))


def test_the_page_shows_every_picture_of_the_folder_and_no_other() -> None:
    assert sorted(SHOWN) == sorted(path.name for path in (DOCS / "gallery").iterdir())


@pytest.mark.slow
def test_the_command_of_the_page_makes_them(tmp_path: Path) -> None:
    (command,) = re.findall(r"^    bench (.+)$", PAGE, flags=re.MULTILINE)
    words = command.replace("leaderboards", str(DOCS.parents[1] / "leaderboards")).split()
    ended = bench(*words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    for name in SHOWN:
        made = words_of(tmp_path / "gallery" / name)
        assert made == words_of(DOCS / "gallery" / name) and bool(made) == name.endswith(".svg")
