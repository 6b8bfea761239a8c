"""Figures one by one: their files, their sizes, and what they draw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.page.drawing import MAX_SERIES
from bench.page.figures import figures_of, subtype_figures, task_figures, write_figures
from bench.page.style import STYLES, StyleName
from bench.report.costs import cost_table
from bench.report.full_report import FullReport, full_report
from bench.task import Task
from tests.example_results import results, truth_table
from tests.page.reports import report, simulated, with_receptors


@pytest.fixture(scope="module")
def values() -> FullReport:
    return report()


def drawn(values: FullReport, name: str):
    return next(one for one in figures_of(values) if one.name == name).figure


def test_names_are_unique_and_fit_for_files(values: FullReport) -> None:
    names = [one.name for one in figures_of(values)]
    assert len(set(names)) == len(names) == 12
    assert all(name.replace("_", "").isalnum() for name in names)


@pytest.mark.parametrize("style", list(StyleName))
def test_widths_are_those_of_the_style(values: FullReport, style: StyleName) -> None:
    wanted = STYLES[style]
    widths = {
        round(one.figure.get_figwidth() * 25.4, 3) for one in task_figures(values, values.tasks[0], style)
    }
    assert widths == {wanted.single_mm, wanted.double_mm}


@pytest.mark.slow
def test_equal_figures_give_equal_files(values: FullReport, tmp_path: Path) -> None:
    one_task = replace(values, tasks=values.tasks[1:])
    written = [
        write_figures(one_task, tmp_path / name, StyleName.ieee, ("pdf", "svg"))
        for name in ("first", "second")
    ]
    assert len(written[0]) == 10
    for one, other in zip(*written, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_forest_draws_the_values_and_ranks_of_the_board(values: FullReport) -> None:
    first, second = drawn(values, "er_forest").axes
    points = [line for line in first.lines if str(line.get_gid()).endswith("-value")]
    expected = [record["value"] for record in values.board.records if record["task"] == "er"]
    assert sorted(float(line.get_xdata()[0]) for line in points) == sorted(expected)
    ranks = [line for line in second.lines if str(line.get_gid()).endswith("-ranks")]
    low = [record["rank_low"] for record in values.board.records if record["task"] == "er"]
    assert sorted(line.get_xdata()[0] for line in ranks) == sorted(low)


def test_each_method_has_a_curve_and_the_first_ones_a_name(values: FullReport) -> None:
    figure = drawn(values, "er_roc")
    lines = [line for line in figure.axes[0].lines if str(line.get_gid()).startswith("method-")]
    assert len(lines) == 5
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    leaders = values.leaders(values.tasks[0], MAX_SERIES)
    assert [text.partition(" ")[2] for text in named] == leaders
    by_method = {
        record["method"]: record["value"] for record in values.board.records if record["task"] == "er"
    }
    assert [float(text.partition(" ")[0]) for text in named] == pytest.approx(
        [by_method[label] for label in leaders], abs=5e-4
    )


def test_limits_of_agreement_are_drawn_where_they_are(values: FullReport) -> None:
    axes = drawn(values, "ki67_bland_altman").axes[0]
    found = values.agreement[0].methods[values.leaders(values.tasks[1], 1)[0]]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_gid() is None]
    assert heights == [found.bias, found.lower, found.upper]
    difference = found.predictions - values.agreement[0].truth
    assert found.bias == pytest.approx(difference.mean())
    spread = np.mean([row.std(ddof=1) for row in difference])
    assert found.upper - found.bias == pytest.approx(1.96 * spread, rel=1e-3)


def test_a_cohort_without_receptors_has_no_subtypes(values: FullReport) -> None:
    assert values.subtypes is None
    assert list(subtype_figures(values)) == []


def test_a_method_that_is_always_right_fills_the_diagonal() -> None:
    truth = truth_table()
    rng = np.random.default_rng(3)
    truth = truth.assign(**{name: rng.integers(0, 2, len(truth)).astype(float) for name in ("pr", "her2")})
    tasks = tuple(Task(name, "binary", name.upper()) for name in ("er", "pr", "her2"))
    values = full_report(results(with_receptors(truth), truth=truth, ceiling=None, tasks=tasks))
    (drawing,) = subtype_figures(values)
    shares = drawing.figure.axes[0].collections[0].get_array()
    assert np.array_equal(shares[:, :4], np.eye(4))
    assert "100 of" in drawing.alt


def test_energy_has_a_figure_where_records_tell_and_the_words_say_whose_it_is() -> None:
    simulated_rows = simulated()
    told = tuple(
        replace(
            one, records=({"fit_seconds": 2.0, "energy": {"cpu_joules": 40.0, "cpu_covers": "package-0"}},)
        )
        for one in simulated_rows.methods
    )
    costs = cost_table(replace(simulated_rows, methods=told))
    assert costs is not None
    with_energy = replace(report(), costs=costs)
    figure = drawn(with_energy, "er_energy")
    points = [line for line in figure.axes[0].lines if str(line.get_gid()).endswith("-value")]
    assert {float(line.get_xdata()[0]) for line in points} == {40.0}
    assert figure.axes[0].get_xlabel() == "energy, J"
    assert any("that of package-0, whole, whoever used it" in note for note in costs.notes)
    assert not any(one.name == "er_energy" for one in task_figures(report(), report().tasks[0]))
