"""Scores, intervals, differences and ranks by any metric."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.inference import (
    Bootstrap,
    Interval,
    adjusted_p,
    draw_patients,
    jackknife_influence,
    patients_of,
)
from bench.inference.metric_interval import INTERVALS, Measured, share_interval
from bench.inference.ranks import rank_sets
from bench.metrics import METRICS, Metric
from bench.predictions.results import of_methods
from bench.report.board import leaderboard, result_table
from bench.report.formats.text import to_markdown
from bench.scoring.comparison import compare
from bench.scoring.sample import sample_of
from bench.scoring.scores import metric_scores, score_results
from bench.scoring.uncertainty import metric_influence
from tests.metrics.plugin_metrics import TASKS, method, results

# A calibration error tells no good method from a poor one that is as well calibrated.
RANKING = [
    metric
    for metric in METRICS.values()
    if metric.ranks and metric.input == "score" and metric.name != "calibration_error"
]


@pytest.mark.parametrize("metric", RANKING, ids=[entry.name for entry in RANKING])
def test_the_better_of_two_methods_has_rank_1_alone_and_equal_ones_share_it(metric: Metric):
    task = next(task for task in results().tasks if task.kind == metric.kind)
    made = results(method("good", 2.8), method("good_too", 2.8, salt=1), method("poor", 0.2))
    scores = {
        metric_score.method: metric_score
        for metric_score in metric_scores(made, task, metric, Bootstrap(400))
    }
    assert [scores[name].rank for name in ("good", "good_too", "poor")] == [1, 1, 3]
    good = scores["good"]
    assert good.interval.low <= good.value <= good.interval.high
    assert good.gain.interval.low > 0


@pytest.mark.parametrize("name", ["auc", "mae"])
def test_ranks_by_the_jackknife_are_those_by_the_influence_that_is_known(name: str):
    metric = METRICS[name]
    made = results(*(method(f"m{salt}", 0.6 * salt, salt) for salt in range(5)))
    task = next(task for task in made.tasks if task.kind == metric.kind)
    sample = sample_of(made, task, metric)
    values = np.array(
        [metric.value(sample.truth, prediction[0], sample.fold) for prediction in sample.predictions.values()]
    )
    drawn = draw_patients(sample.patients, 1000)
    unknown = replace(metric, name="unknown", interval="percentile", case_loss=None)
    influence = metric.sign * metric_influence(unknown, sample)
    found = adjusted_p(metric.sign * values, influence, sample.patients, drawn)
    scores = metric_scores(made, task, metric, Bootstrap(1000))
    assert [ranks.best for ranks in rank_sets(metric.sign * values, found)] == [
        score.rank for score in scores
    ]


def test_the_interval_of_another_metric_is_that_of_the_patient_bootstrap():
    made = results(method("one", 1.5))
    metric = METRICS["brier_skill"]
    sample = sample_of(made, TASKS[0], metric)
    drawn = draw_patients(sample.patients, 300)
    values = metric.resampled(sample.truth, sample.predictions["one"], sample.constant, drawn)
    (score,) = metric_scores(made, TASKS[0], metric, Bootstrap(300))
    # Percentiles, expanded for the number of patients (Hesterberg 2015).
    people = len(sample.patients.group)
    grown = np.sqrt(people / (people - 1)) * stats.t.ppf(0.975, people - 1) / stats.norm.ppf(0.975)
    expected = score.value + grown * (np.quantile(values[0], [0.025, 0.975]) - score.value)
    assert score.interval == pytest.approx(tuple(expected))
    assert score.constant == pytest.approx(0)
    assert np.unique(sample.patients.group).tolist() == [0]


def test_a_metric_declares_its_interval():
    made = results(method("one", 1.5, seeds=2))
    for task, name in ((TASKS[0], "average_precision"), (TASKS[-1], "rmse"), (TASKS[-1], "mae")):
        metric = METRICS[name]
        (declared,) = metric_scores(made, task, metric, Bootstrap(300))
        (plain,) = metric_scores(made, task, replace(metric, interval="percentile"), Bootstrap(300))
        assert declared.value == plain.value and declared.interval != plain.interval
    with pytest.raises(ValueError, match="interval must be percentile or bootstrap_t or root_t or logit"):
        replace(METRICS["rmse"], interval="wald")
    with pytest.raises(ValueError, match="the interval 'wilson' needs share_of"):
        replace(METRICS["mcc"], interval="wilson")


def few_right(n: int, positives: int, missed: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and decisions that find all positive cases but some."""
    truth = (np.arange(n) < positives).astype(float)
    return truth, np.where(np.arange(n) < missed, 0.0, truth)


def interval_by_patient(metric: Metric, truth: np.ndarray, said: np.ndarray) -> Interval:
    patients = patients_of(np.arange(len(truth)))
    drawn = draw_patients(patients, 1000)

    def resampled(weights: np.ndarray) -> np.ndarray:
        return metric.resampled(truth, said[None], np.zeros(len(truth)), weights)

    influence = jackknife_influence(resampled, patients)[0]
    value = metric.value(truth, said, np.zeros(len(truth)))
    found = Measured(metric, value, patients, resampled=resampled(drawn)[0], influence=influence, drawn=drawn)
    return INTERVALS[metric.interval].interval(found)


def test_no_interval_leaves_the_bounds_of_its_metric() -> None:
    low, high = interval_by_patient(METRICS["mcc"], *few_right(74, 13, 2))
    assert 0 < low < high <= 1
    assert interval_by_patient(replace(METRICS["mcc"], bounds=(-9, 9)), *few_right(74, 13, 2)).high > 1


@pytest.mark.parametrize("name", ["mcc", "balanced_accuracy", "average_precision", "brier"])
def test_perfection_has_no_interval_without_width(name: str) -> None:
    truth, perfect = few_right(74, 13, 0)
    assert np.isnan(interval_by_patient(METRICS[name], truth, perfect)).all()


def test_a_metric_that_many_resamples_lack_has_no_interval() -> None:
    assert np.isnan(interval_by_patient(METRICS["balanced_accuracy"], *few_right(40, 2, 1))).all()


def test_the_interval_of_the_rmse_is_that_of_its_squares():
    made = results(method("one", 1.5))
    metric, task = METRICS["rmse"], TASKS[-1]
    sample = sample_of(made, task, metric)
    squares = (sample.truth - sample.predictions["one"][0]) ** 2
    assert len(sample.patients.group) == len(squares)
    mean, t = squares.mean(), []
    for held in draw_patients(sample.patients, 300).T.astype(int):
        drawn = np.repeat(squares, held)
        t.append(
            (np.log(drawn.mean()) - np.log(mean)) / (drawn.std(ddof=1) / np.sqrt(len(drawn)) / drawn.mean())
        )
    spread = squares.std(ddof=1) / np.sqrt(len(squares)) / mean
    (score,) = metric_scores(made, task, metric, Bootstrap(300))
    expected = np.sqrt(mean * np.exp(-spread * np.quantile(t, [0.975, 0.025])))
    assert score.interval == pytest.approx(tuple(expected), rel=0.01)


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "ppv", "npv"])
def test_the_interval_of_a_share_is_wilsons_and_counts_patients(name: str):
    metric = METRICS[name]
    rng = np.random.default_rng(3)
    truth, decision = (rng.random((2, 60)) < 0.6).astype(float)
    counted = {
        "sensitivity": truth == 1,
        "specificity": truth == 0,
        "ppv": decision == 1,
        "npv": decision == 0,
    }
    right, of = (truth == decision)[counted[name]].sum(), counted[name].sum()
    expected = stats.binomtest(int(right), int(of)).proportion_ci(method="wilson")
    measured = Measured(metric, right / of, patients_of(np.arange(60)), truth, decision[None])
    once = share_interval(measured)
    assert once == pytest.approx((expected.low, expected.high), abs=1e-12)
    people = patients_of(np.tile(np.arange(60), 2))
    twice = replace(measured, patients=people, truth=np.tile(truth, 2), rows=np.tile(decision, 2)[None])
    assert share_interval(twice) == pytest.approx(once)


def test_the_difference_from_the_constant_is_that_of_a_comparison():
    made = results(method("one", 1.5), method("constant", 0.0))
    one, flat = made.methods
    said = [one.constants[itertuple.fold][itertuple.task] for itertuple in flat.predictions.itertuples()]
    made = replace(made, methods=(one, replace(flat, predictions=flat.predictions.assign(prediction=said))))
    for task, name in ((TASKS[0], "average_precision"), (TASKS[-1], "rmse")):
        score = metric_scores(made, task, METRICS[name], Bootstrap(300))[0]
        by_it = replace(made, metrics={task.name: METRICS[name]})
        (pair,) = [
            entry
            for entry in compare(by_it, ["one", "constant"], bootstrap=Bootstrap(300))
            if entry.task == task
        ]
        assert (score.gain.value, score.gain.p) == pytest.approx((pair.difference.value, pair.difference.p))
        assert score.gain.interval == pytest.approx(pair.difference.interval)


def test_a_metric_that_cannot_rank_has_an_interval_and_no_gain():
    (score,) = metric_scores(
        results(method("one", 1.5)), TASKS[0], METRICS["calibration_slope"], Bootstrap(200)
    )
    assert score.interval.low < score.value < score.interval.high
    assert np.isnan(score.gain.value)


def test_a_method_without_a_value_says_so_and_the_others_are_scored():
    single = method("one", 2.0)
    flat = replace(single, label="flat", predictions=single.predictions.assign(prediction=0.5))
    one, other = metric_scores(results(single, flat), TASKS[0], METRICS["calibration_slope"], Bootstrap(100))
    assert one.rank is not None
    assert other.status == "not scored: Calibration slope has no value on these cases"


def test_a_board_names_its_metric_and_gives_a_unit_to_what_has_one():
    made = results(method("one", 2.0), method("two", 0.3))
    by_it = replace(made, metrics={"er": METRICS["brier"], "ki67": METRICS["r2"]})
    text = to_markdown(leaderboard(by_it, Bootstrap(100)))
    assert "## ER, Brier ↓\n" in text and "## Ki-67, R2 ↑\n" in text
    assert "Brier: Mean squared error of the probability." in text
    assert {record["metric"] for record in result_table(by_it, Bootstrap(100)).records} == {
        "brier",
        "r2",
    }
    assert "MAE ↓ (pp)" in to_markdown(leaderboard(made, Bootstrap(100)))


def test_the_scores_of_the_declared_metrics_are_as_before():
    made = results(method("one", 2.0))
    again = replace(made, metrics={"er": METRICS["auc"], "ki67": METRICS["mae"]})
    assert str(score_results(made, Bootstrap(100))) == str(score_results(again, Bootstrap(100)))


def test_a_table_of_unknown_methods_suggests_the_nearest():
    with pytest.raises(UsageError, match="unknown method of this cohort and split 'oen': did you mean one"):
        of_methods(results(method("one", 2.0)), ["oen"])
