"""Rows added to a committed board: the others stay as they are, and what does not fit is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.boards.extend import extended
from bench.boards.snapshot import RECORDS, board_files, freeze, thaw
from bench.boards.verify import verify_board
from bench.errors import StoreError
from bench.predictions.results import Results
from bench.report.board import leaderboard
from tests.boards.stored import run_results as run_results


def only(results: Results, *labels: str) -> Results:
    return replace(results, methods=tuple(one for one in results.methods if one.label in labels))


def test_an_extended_board_is_the_board_of_all_rows(run_results: Results, tmp_path: Path) -> None:
    freeze(only(run_results, "constant"), tmp_path / "grown")
    found = extended(only(run_results, "tumour_size"), tmp_path / "grown")
    assert (found.added, found.renewed) == (("tumour_size",), ())
    place, whole = freeze(found.results, tmp_path / "grown"), freeze(run_results, tmp_path / "whole")
    for name in board_files(leaderboard(thaw(whole))):
        assert (place / name).read_text(encoding="utf-8") == (whole / name).read_text(encoding="utf-8")
    assert not verify_board(place).differences


def test_a_row_of_the_same_cells_stays_and_one_of_other_cells_is_renewed(
    run_results: Results, tmp_path: Path
) -> None:
    freeze(run_results, tmp_path)
    assert extended(run_results, tmp_path).renewed == ()
    other = only(run_results, "constant").methods[0]
    cells = tuple({**record, "id": f"{place:016}"} for place, record in enumerate(other.records))
    moved = replace(other, records=cells, parameters=77)
    found = extended(replace(run_results, methods=(moved,)), tmp_path)
    assert found.renewed == ("constant",)
    assert {row.label: row.parameters for row in found.results.methods}["constant"] == 77


def test_versions_and_hardware_name_all_that_rows_were_made_with(
    run_results: Results, tmp_path: Path
) -> None:
    freeze(only(run_results, "constant"), tmp_path)
    newer = replace(
        run_results, versions={**run_results.versions, "numpy": "99"}, hardware="another processor"
    )
    found = extended(newer, tmp_path).results
    assert found.versions["numpy"] == f"{run_results.versions['numpy']} and 99"
    assert found.hardware == f"{run_results.hardware}; another processor"


def _other_truth(results: Results) -> Results:
    return replace(results, truth=results.truth.assign(er=1 - results.truth["er"]))


def _one_seed(results: Results) -> Results:
    size = only(results, "tumour_size").methods[0]
    rows = size.predictions[size.predictions["seed"] == 0]
    return replace(results, methods=(replace(size, predictions=rows, seeds=(0,)),))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda results: replace(results, cohort_fingerprint="f" * 64), "cohort with the fingerprint"),
        (lambda results: replace(results, split_fingerprint="f" * 64), "split with the fingerprint"),
        (_other_truth, "other tasks, cases or labels"),
        (_one_seed, r"tumour_size \(0\).*run what is missing with .*seeds=0,1"),
    ],
)
def test_what_does_not_fit_is_refused(
    changed: Callable[[Results], Results], words: str, run_results: Results, tmp_path: Path
) -> None:
    freeze(only(run_results, "constant"), tmp_path)
    with pytest.raises(StoreError, match=words):
        extended(changed(run_results), tmp_path)


def test_a_board_that_is_not_there_or_has_no_source_is_refused(run_results: Results, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=RECORDS):
        extended(run_results, tmp_path)
    real = replace(run_results, synthetic=False)
    freeze(real, tmp_path)
    with pytest.raises(StoreError, match="boards of real patients"):
        extended(real, tmp_path)


def test_a_committed_board_keeps_its_rows_as_they_were(run_results: Results, tmp_path: Path) -> None:
    place = freeze(only(run_results, "constant"), tmp_path)
    before = json.loads((place / RECORDS).read_text(encoding="utf-8"))["methods"][0]
    freeze(extended(only(run_results, "tumour_size"), tmp_path).results, tmp_path)
    assert json.loads((place / RECORDS).read_text(encoding="utf-8"))["methods"][0] == before
