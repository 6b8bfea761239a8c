"""The RO-Crate beside a frozen board: readers take it, and it knows the files that it was made with."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.boards.crate import CONTENT, CRATE, crate_differences, write_crate
from bench.boards.snapshot import frozen_boards, thaw
from bench.boards.verify import verify_board

COMMITTED = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A copy of a committed board with a crate of its own."""
    place = tmp_path / "phantom-null" / "across_draws"
    place.mkdir(parents=True)
    for name in CONTENT:
        (place / name).write_bytes((COMMITTED / "phantom-null" / "across_draws" / name).read_bytes())
    write_crate(place, thaw(place))
    return place


def entities(place: Path) -> dict[str, dict[str, Any]]:
    """What the crate describes, by id."""
    graph = json.loads((place / CRATE).read_text(encoding="utf-8"))["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def test_a_reader_of_the_format_takes_it(board: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate", reason="needs `uv sync --group validators`")
    crate = rocrate.ROCrate(board)
    assert {each.id for each in crate.data_entities} == set(CONTENT)
    assert crate.root_dataset["license"] == "Apache-2.0"
    assert crate.get("#run")["instrument"][0]["version"] == "0.1.0"


def test_every_reference_is_described(board: Path) -> None:
    described = entities(board)

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["@id"]} if set(value) == {"@id"} else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    outside = references([*described.values()]) - set(described)
    assert outside == {"https://w3id.org/ro/crate/1.1"}


def test_it_is_made_of_the_source_alone_and_says_that_the_cohort_is_synthetic(board: Path) -> None:
    first = (board / CRATE).read_text()
    write_crate(board, thaw(board))
    assert (board / CRATE).read_text() == first
    root = entities(board)["./"]
    assert root["description"].startswith("SYNTHETIC cohort") and root["datePublished"].startswith("2026-")
    assert {part["@id"] for part in root["hasPart"]} == set(CONTENT)


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_a_file_that_was_changed_is_told(board: Path, name: str) -> None:
    assert [*crate_differences(board)] == []
    with (board / name).open("ab") as file:
        file.write(b" ")
    assert [*crate_differences(board)] == [f"{CRATE}: {name} is not the file that it was made with"]


def test_verify_tells_of_a_damaged_crate(board: Path) -> None:
    (board / CRATE).write_text("{")
    assert any(text.startswith(f"{CRATE} cannot be read") for text in verify_board(board).differences)


def test_every_committed_board_has_its_crate() -> None:
    for place in frozen_boards(COMMITTED):
        assert (place / CRATE).is_file() and [*crate_differences(place)] == []
