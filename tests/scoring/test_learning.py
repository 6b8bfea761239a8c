"""Learning curves of simulated results: paired over sizes, equal to the board, and honest where blind."""

from dataclasses import replace

import numpy as np
import pytest

from bench.errors import StoreError, UsageError
from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.report.learning import learning_report, passing_text
from bench.scoring.comparison import compare
from bench.scoring.learning import learning_curves
from bench.scoring.scores import score_results
from tests.example_results import by_name, constant, method, results, truth_table

FEW = Bootstrap(draws=400)
TRUTH = truth_table(400)
SIGNALS = {50: (0.2, 1.0), 100: (0.6, 1.0), 200: (1.5, 1.1), 400: (2.5, 1.1)}


@pytest.fixture(scope="module")
def by_size() -> dict[int, Results]:
    """A method that grows, one that hardly does, and the baseline."""
    return {
        size: results(
            method("network", TRUTH, first, salt=1),
            method("radiomics", TRUTH, second, salt=2),
            constant(TRUTH),
            truth=TRUTH,
        )
        for size, (first, second) in SIGNALS.items()
    }


def test_points_are_the_values_and_intervals_of_the_board(by_size: dict[int, Results]) -> None:
    board = score_results(by_size[100], FEW)
    for curve in learning_curves({size: by_size[size] for size in (50, 100)}, FEW).curves:
        score, point = by_name(board, curve.task.name)[curve.method], curve.points[1]
        assert point.value == score.value and point.interval == score.interval
        assert point.constant == pytest.approx(score.constant)


def test_who_grows_passes_who_does_not_between_the_sizes_where_the_values_cross(
    by_size: dict[int, Results],
) -> None:
    found = learning_curves(by_size, FEW)
    (passing,) = [
        one
        for one in found.passings
        if one.task.name == "er" and {one.first, one.second} == {"network", "radiomics"}
    ]
    assert passing.first == "network" and 100 < passing.size < 200
    assert 50 < passing.interval.low <= passing.size <= passing.interval.high < 400
    assert passing_text(passing, found.sizes).startswith("ER: network passes radiomics at ")


def test_equal_methods_are_never_said_to_pass(by_size: dict[int, Results]) -> None:
    twins = {
        size: replace(one, methods=(one.methods[1], replace(one.methods[1], label="twin")))
        for size, one in by_size.items()
    }
    report = learning_report(twins, FEW)
    sentences = [note for note in report.table.notes if "twin" in note]
    assert sentences and not any(" passes " in note or "ahead" in note for note in sentences)
    assert all("not reached within these sizes" in note for note in sentences[:2])


def test_a_lead_at_the_largest_size_that_is_not_separable_is_not_shown(by_size: dict[int, Results]) -> None:
    close = {
        size: results(
            method("network", TRUTH, 0.9 if size < 400 else 1.02, salt=1),
            method("radiomics", TRUTH, 1.0, salt=2),
            truth=TRUTH,
        )
        for size in by_size
    }
    last = compare(close[400], ["network", "radiomics"])[0]
    assert last.difference.interval.low < 0 < last.difference.interval.high
    sentences = [note for note in learning_report(close, FEW).table.notes if note.startswith("ER: ")]
    assert sentences and all("not shown to pass" in note for note in sentences)


def test_the_table_has_a_row_a_size_and_json_the_laws(by_size: dict[int, Results]) -> None:
    table = learning_report(by_size, FEW).table
    assert len(table.records) == 2 * 3 * 4
    assert {record["size"] for record in table.records} == set(SIGNALS)
    laws = {(law["task"], law["method"]): law for law in table.facts["laws"]}
    assert laws["er", "constant"]["limit"] is None and laws["er", "constant"]["why_none"]
    assert {one["high"] for one in table.facts["passings"] if one["second"] == "constant"} <= {
        *("below", "not reached"),
        *(one["high"] for one in table.facts["passings"] if isinstance(one["high"], float)),
    }


def test_a_method_that_is_missing_at_a_size_says_so(by_size: dict[int, Results]) -> None:
    fewer = {**by_size, 50: replace(by_size[50], methods=by_size[50].methods[1:])}
    curves = learning_curves(fewer, FEW).curves
    (curve,) = [one for one in curves if one.method == "network" and one.task.name == "er"]
    assert [point.status for point in curve.points] == ["not run at this size", "ok", "ok", "ok"]
    assert curve.fitted.why == "fewer than 4 sizes"


def test_sizes_that_were_tested_on_other_cases_are_refused(by_size: dict[int, Results]) -> None:
    other = truth_table(399)
    mixed = {**by_size, 50: results(method("network", other, 1.0), truth=other)}
    with pytest.raises(StoreError, match="tested on different cases of er"):
        learning_curves(mixed)


def test_one_size_is_no_curve(by_size: dict[int, Results]) -> None:
    with pytest.raises(UsageError, match="at least two sizes, got 1"):
        learning_curves({50: by_size[50]})


def test_few_patients_have_values_and_no_interval_law_or_passing() -> None:
    few = truth_table(12)
    small = {
        size: results(method("a", few, signal), method("b", few, 1.0, salt=3), truth=few, ceiling=None)
        for size, signal in ((10, 0.5), (20, 1.0), (40, 1.5), (80, 2.0))
    }
    found = learning_curves(small, FEW)
    er = [curve for curve in found.curves if curve.task.name == "er"]
    assert all(np.isnan(point.interval.low) for curve in er for point in curve.points)
    assert {curve.fitted.why for curve in er} == {"no interval at any size"}
    texts = [passing_text(one, found.sizes) for one in found.passings if one.task.name == "er"]
    assert texts == ["ER: " + texts[0][4:]] and "not told apart" in texts[0]
