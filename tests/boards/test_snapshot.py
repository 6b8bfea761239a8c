"""Boards kept with their source: what is written, and that it makes the same board again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.boards.crate import CRATE
from bench.boards.snapshot import RECORDS, board_files, freeze, frozen_boards, thaw
from bench.boards.verify import verify_board
from bench.errors import StoreError
from bench.predictions.results import Results
from bench.predictions.thresholds import VALIDATION, YOUDEN, Threshold, decisions
from bench.report.board import leaderboard
from tests.boards.stored import run_results as run_results

COMMITTED = Path(__file__).parents[2] / "leaderboards"


def test_a_board_is_made_again_from_its_source_alone(run_results: Results, tmp_path: Path) -> None:
    place = freeze(run_results, tmp_path)
    assert place == tmp_path / "phantom-tiny" / "external_cv"
    for name, text in board_files(leaderboard(thaw(place))).items():
        assert (place / name).read_text(encoding="utf-8") == text


def test_rounding_changes_no_figure_that_a_reader_sees(run_results: Results, tmp_path: Path) -> None:
    place = freeze(run_results, tmp_path)
    assert board_files(leaderboard(run_results))["board.md"] == (place / "board.md").read_text()


def test_a_case_at_its_threshold_is_decided_alike_after_rounding(
    run_results: Results, tmp_path: Path
) -> None:
    flat = run_results.methods[0]
    thirds = flat.predictions.assign(prediction=flat.predictions["prediction"] / 3)
    flat = replace(flat, predictions=thirds)
    table = flat.predictions[flat.predictions["task"] == "er"]
    said = table.drop_duplicates(["seed", "fold"])[["seed", "fold", "prediction"]].itertuples(index=False)
    cuts = [Threshold("er", seed, fold, YOUDEN, value, VALIDATION, 30) for seed, fold, value in said]
    assert any(cut.value != round(cut.value, 6) for cut in cuts)
    frozen = thaw(freeze(replace(run_results, methods=(replace(flat, thresholds=cuts),)), tmp_path))
    entry = frozen.methods[0].predictions
    decided, reason = decisions(entry[entry["task"] == "er"], frozen.methods[0].thresholds, YOUDEN)
    assert not reason and (decided["prediction"] == 1).all()


def test_freezing_twice_writes_the_same_bytes(run_results: Results, tmp_path: Path) -> None:
    first, second = freeze(run_results, tmp_path / "a"), freeze(run_results, tmp_path / "b")
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_records_say_what_reproducing_a_cell_takes(run_results: Results, tmp_path: Path) -> None:
    records = json.loads((freeze(run_results, tmp_path) / RECORDS).read_text())
    cells = records["methods"][0]["cells"]
    assert len(cells) == 10
    assert {"identity", "threads", "environment", "fit_seconds", "peak_memory_mb"} <= cells[0].keys()
    assert {"cohort", "split", "code", "params", "seed", "fold"} <= cells[0]["identity"].keys()


def test_labels_of_real_patients_are_not_written(run_results: Results, tmp_path: Path) -> None:
    place = freeze(replace(run_results, synthetic=False, ceiling=None), tmp_path)
    assert sorted(path.name for path in place.iterdir()) == ["board.csv", "board.md", CRATE]
    with pytest.raises(StoreError, match="boards of real patients come without the predictions"):
        thaw(place)


def test_a_changed_prediction_changes_the_board(run_results: Results, tmp_path: Path) -> None:
    place = freeze(run_results, tmp_path)
    results = thaw(place)
    first, *others = results.methods
    shaken = first.predictions.assign(
        prediction=first.predictions["prediction"].sample(frac=1, random_state=0).values
    )
    changed = replace(results, methods=(replace(first, predictions=shaken), *others))
    assert board_files(leaderboard(changed))["board.csv"] != (place / "board.csv").read_text()


def test_a_source_of_another_format_is_refused(run_results: Results, tmp_path: Path) -> None:
    place = freeze(run_results, tmp_path)
    records = json.loads((place / RECORDS).read_text()) | {"format": 99}
    (place / RECORDS).write_text(json.dumps(records))
    with pytest.raises(StoreError, match="has format 99, expected 1"):
        thaw(place)


def test_the_smallest_committed_board_is_made_again_from_its_source() -> None:
    """Continuous integration makes all of them again, by ``bench verify leaderboards``."""
    place = min(frozen_boards(COMMITTED), key=lambda board: (board / RECORDS).stat().st_size)
    found = verify_board(place)
    assert found.differences == ()
    assert found.figures > 100
