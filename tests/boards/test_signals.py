"""The page on which methods find which signal."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.boards.signals import FEWEST, SIGNALS, signals_page
from bench.boards.snapshot import INDEX, freeze, frozen_boards
from bench.predictions.results import Results
from tests.boards.stored import run_results as run_results

COMMITTED = Path(__file__).parents[2] / "leaderboards"


def test_the_committed_page_is_that_of_the_committed_boards() -> None:
    assert (COMMITTED / SIGNALS).read_text(encoding="utf-8") == signals_page(frozen_boards(COMMITTED))


def test_a_cell_names_the_tasks_on_which_a_method_is_better(run_results: Results, tmp_path: Path) -> None:
    for name in "abc"[:FEWEST]:
        assert not (tmp_path / SIGNALS).exists()
        place = freeze(replace(run_results, cohort=name), tmp_path)
    board = pd.read_csv(place / "board.csv", dtype=str)
    chosen = (board["method"] == "tumour_size") & board["task"].isin(["pr", "ki67"])
    board.assign(against_constant=board["against_constant"].mask(chosen, "better")).to_csv(
        place / "board.csv", index=False
    )
    page = signals_page(frozen_boards(tmp_path))
    assert page is not None and "**SYNTHETIC cohort**" in page
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == "| Method | a | b | c |"
    assert rows[2:] == ["| tumour_size | none | none | PR, Ki-67 |", "| constant | none | none | none |"]
    assert f"({SIGNALS})" in (tmp_path / INDEX).read_text(encoding="utf-8")


def test_boards_of_real_patients_are_not_in_it(run_results: Results, tmp_path: Path) -> None:
    for name in "abcd":
        freeze(replace(run_results, cohort=name, synthetic=False), tmp_path)
    assert signals_page(frozen_boards(tmp_path)) is None and not (tmp_path / SIGNALS).exists()
