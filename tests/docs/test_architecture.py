"""The page on architecture names what there is."""

import re
import tomllib
from pathlib import Path

from tests.docs.pages import page

ROOT = Path(__file__).parents[2]
PAGE = page("architecture.md")


def test_the_layers_are_those_of_the_contract() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = next(each["layers"] for each in tool["importlinter"]["contracts"] if each["type"] == "layers")
    drawn = re.findall(r"^```text\n(.*?)\n```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert drawn == ["\n".join(layers)]


def test_every_package_answers_a_question() -> None:
    table = PAGE.split("## The two halves")[1].split("\n\n")[1]
    packages = {path.parent.name for path in (ROOT / "bench").glob("*/__init__.py")}
    assert set(re.findall(r"`(\w+)`", table)) == packages


def test_every_place_that_is_named_exists() -> None:
    named = re.findall(r"`((?:bench|plugins|configs|tests|leaderboards)/[\w./]*)`", PAGE)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
