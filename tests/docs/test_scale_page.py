"""The page on scale: its totals follow from the slopes that it shows, and no row is missing."""

from pathlib import Path

from tests.benchmarks.scale import STUDY_ROWS, slopes_of, written

PAGE = (Path(__file__).parents[2] / "bench" / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_totals_of_the_page_follow_from_its_slopes() -> None:
    slopes = slopes_of(PAGE)
    assert {slope for _, _, slope, *_ in STUDY_ROWS} <= slopes.keys()
    assert written(PAGE, slopes) == PAGE


def test_a_changed_slope_changes_the_page() -> None:
    slopes = slopes_of(PAGE)
    slopes["ms to write a cell"] *= 2
    assert written(PAGE, slopes) != PAGE
