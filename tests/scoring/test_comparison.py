"""Comparisons of two methods and of a family against a reference."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.inference import Bootstrap, auc_difference, detectable_difference
from bench.metrics import METRICS
from bench.predictions.results import MethodResult, Results
from bench.report.comparison import comparison_table
from bench.report.formats.text import to_csv, to_json, to_markdown
from bench.scoring.comparison import compare
from bench.scoring.scores import score_results
from tests.scoring.comparable_results import FOLDS, N, method, results, truth_table


@pytest.fixture(scope="module")
def three() -> Results:
    truth = truth_table()
    return results(
        method("full", truth, 3.0), method("part", truth, 0.3, salt=1), method("like", truth, 3.0, salt=2)
    )


def failed(label: str) -> MethodResult:
    nothing = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])
    return MethodResult(label, nothing, {}, "failed: out of memory")


def by_task(found, task="er"):
    return {(entry.first, entry.second): entry for entry in found if entry.task.name == task}


def test_the_difference_of_areas_is_the_paired_delong(three):
    entry = by_task(compare(three, ["full", "part"]))["full", "part"]
    rows = [
        m.predictions.query("task == 'er'").set_index("case_id")["prediction"][three.truth.index].to_numpy()
        for m in three.methods[:2]
    ]
    truth, fold = three.truth["er"].to_numpy(), np.arange(N) % FOLDS
    expected = auc_difference(truth, rows[0][None], rows[1][None], fold)
    assert entry.difference.value == pytest.approx(expected.value)
    assert entry.difference.interval == pytest.approx(expected.interval)
    assert entry.adjusted_p == entry.difference.p == pytest.approx(expected.p)


def test_the_difference_of_mean_errors_is_near_the_paired_t_interval(three):
    entry = by_task(compare(three, ["full", "part"]), "ki67")["full", "part"]
    losses = [
        np.abs(m.predictions.query("task == 'ki67'").set_index("case_id")["prediction"] - three.truth["ki67"])
        for m in three.methods[:2]
    ]
    gain = (losses[1] - losses[0]).to_numpy()
    expected = stats.t.interval(0.95, N - 1, gain.mean(), stats.sem(gain))
    assert entry.difference.value == pytest.approx(gain.mean())
    assert entry.difference.interval == pytest.approx(expected, rel=0.12)
    assert entry.error == pytest.approx(stats.sem(gain))
    assert entry.detectable == detectable_difference(entry.error)


def test_the_values_are_those_of_the_board(three):
    board = {(s.method, s.task.name): s.value for s in score_results(three)}
    for entry in compare(three, ["full", "part"]):
        assert entry.first_value == board["full", entry.task.name]
        assert entry.second_value == board["part", entry.task.name]


def test_the_order_of_two_methods_changes_the_sign_alone(three):
    for task in ("er", "ki67"):
        one = by_task(compare(three, ["full", "part"]), task)["full", "part"]
        other = by_task(compare(three, ["part", "full"]), task)["part", "full"]
        assert other.difference.value == pytest.approx(-one.difference.value)
        assert other.difference.interval == pytest.approx(
            (-one.difference.interval[1], -one.difference.interval[0])
        )
        assert other.probability == pytest.approx(1 - one.probability)
        assert other.verdict == one.verdict


def test_a_reference_stands_second_and_names_the_family(three):
    found = compare(three, ["full", "part", "like"], reference="full")
    assert set(by_task(found)) == {("part", "full"), ("like", "full")}
    assert {entry.family for entry in found} == {"2 methods against full"}
    everything = compare(three, ["full", "part", "like"], reference="full", family="all")
    assert set(by_task(everything)) == {("part", "full"), ("like", "full"), ("part", "like")}
    assert {entry.family for entry in everything} == {"all 3 pairs of 3 methods"}
    assert {entry.family for entry in compare(three, ["full", "part"])} == {"a single comparison"}


def test_an_adjusted_p_is_never_below_p(three):
    for entry in compare(three, ["full", "part", "like"]):
        assert entry.adjusted_p >= entry.difference.p


@pytest.mark.slow
def test_the_verdict_never_contradicts_the_interval_of_a_single_comparison():
    truth = truth_table()
    seen = set()
    for salt in range(12):
        both = results(method("a", truth, 1.0, salt=salt), method("b", truth, 0.4, salt=100 + salt))
        for entry in compare(both, ["a", "b"], bootstrap=Bootstrap(200)):
            low, high = entry.difference.interval
            assert ("is better than" in entry.verdict) == (low > 0 or high < 0)
            seen.add("is better than" in entry.verdict)
    assert seen == {True, False}


def test_verdicts_in_words(three):
    found = by_task(compare(three, ["part", "full"]))["part", "full"]
    low, high = found.difference.interval
    assert found.verdict == (
        f"full is better than part by {-found.difference.value:.3f} [{-high:.3f}, {-low:.3f}]"
    )
    unclear = by_task(compare(three, ["full", "like"]))["full", "like"]
    assert unclear.verdict == (
        "not separable on 120 cases; the smallest difference this cohort can show is "
        f"{unclear.detectable:.3f}"
    )
    corrected = replace(
        unclear, difference=unclear.difference._replace(p=0.03), adjusted_p=0.08, family_size=3
    )
    assert corrected.verdict.startswith("not separable on 120 cases once 3 comparisons are corrected for;")


def test_a_p_below_a_thousandth_is_not_written_as_zero(three):
    (entry, *_) = compare(three, ["full", "part"])
    clear = replace(entry, adjusted_p=1 / 2001, family_size=3, family="all 3 pairs of 3 methods")
    assert clear.verdict.endswith("(adjusted p < 0.001, all 3 pairs of 3 methods)")
    clear = replace(clear, difference=clear.difference._replace(p=4.7e-20))
    assert json.loads(to_json(comparison_table(three, [clear])))["rows"][0]["p"] == 4.7e-20


def test_equal_predictions_do_not_differ_on_any_case(three):
    twin = replace(three, methods=(three.methods[0], replace(three.methods[0], label="twin")))
    for entry in compare(twin, ["full", "twin"]):
        said = (entry.difference.value, entry.difference.p, entry.probability)
        assert said == pytest.approx((0.0, 1.0, 0.5), abs=1e-12)
        assert entry.verdict == f"no difference on any of {entry.n} cases"
        assert entry.cases_needed is None
        assert entry.verdict == "no difference on any of 120 cases"


def test_a_failed_method_is_listed_and_not_compared(three):
    more = replace(three, methods=(*three.methods, failed("broken")))
    found = by_task(compare(more, ["full", "part", "broken"], reference="full"))
    assert found["broken", "full"].status == "broken failed: out of memory"
    assert found["broken", "full"].verdict == "not compared: broken failed: out of memory"
    assert np.isnan(found["broken", "full"].difference.p)
    assert found["part", "full"].family == "a single comparison"
    assert "broken failed: out of memory" in to_markdown(comparison_table(more, list(found.values())))


def test_what_keeps_both_methods_from_a_value_is_said_once(three):
    unlabelled = replace(three, truth=three.truth.assign(er=np.nan))
    entry = by_task(compare(unlabelled, ["full", "part"]))["full", "part"]
    assert entry.verdict == "not compared: both not scored: no tested case has a known label"


def test_a_pair_with_a_method_without_a_value_leaves_the_other_pairs_compared(three):
    flat = replace(three.methods[0], label="flat")
    flat = replace(flat, predictions=flat.predictions.assign(prediction=0.0))
    more = replace(three, methods=(*three.methods, flat), metrics={"er": METRICS["calibration_slope"]})
    found = by_task(compare(more, ["full", "part", "flat"]))
    assert found["full", "part"].status == "ok" and found["full", "part"].family == "a single comparison"
    assert found["full", "flat"].status == "flat not scored: Calibration slope has no value on these cases"


def test_two_positive_cases_are_too_few_by_any_metric(three):
    few = three.truth.assign(er=(np.arange(N) < 2).astype(float))
    ranked = replace(three, truth=few, metrics={"er": METRICS["average_precision"]})
    entry = by_task(compare(ranked, ["full", "part"]))["full", "part"]
    assert entry.verdict == "not separable: fewer than 10 patients, or 10 in a class"
    assert {score.rank for score in score_results(ranked) if score.task.name == "er"} == {1}


def test_patients_with_cases_of_both_classes_are_enough(three):
    paired = three.truth.assign(er=(np.arange(N) % 2).astype(float), patient_id=np.arange(N) // 2)
    entry = by_task(compare(replace(three, truth=paired), ["full", "part"]))["full", "part"]
    assert np.isfinite(entry.difference.p)


def test_a_correlation_has_no_unit(three):
    by_rank = replace(three, metrics={"ki67": METRICS["spearman"]})
    found = compare(by_rank, ["full", "part"])
    (entry,) = [entry for entry in found if entry.task.name == "ki67"]
    assert "percentage points" not in entry.verdict
    assert "Spearman ↑ (pp)" not in to_markdown(comparison_table(by_rank, found))


def test_nine_positive_cases_are_too_few_for_a_verdict(three):
    few = three.truth.assign(er=(np.arange(N) < 9).astype(float))
    entry = by_task(compare(replace(three, truth=few), ["full", "part"]))["full", "part"]
    assert np.isnan([entry.difference.p, *entry.difference.interval, entry.detectable]).all()
    assert entry.verdict == "not separable: fewer than 10 patients, or 10 in a class"


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["full"], {}, "at least two methods, got: full"),
        (["full", "full"], {}, "each method once, got: full, full"),
        (["full", "prat"], {}, "unknown method of this cohort and split 'prat': did you mean part?"),
        (["full", "part"], {"family": "reference"}, "add reference=NAME, or give family=all"),
    ],
)
def test_what_cannot_be_compared_is_said(three, names, options, message):
    with pytest.raises(UsageError, match=message):
        compare(three, names, **options)


def test_json_holds_all_of_a_comparison(three):
    found = compare(three, ["full", "part"])
    row = json.loads(to_json(comparison_table(three, found)))["rows"][0]
    assert row["family"] == "a single comparison"
    assert row["verdict"] == found[0].verdict
    assert {
        "ci_low",
        "adjusted_p",
        "probability_first_better",
        "detectable_difference",
        "cases_needed",
    } <= set(row)
    assert to_csv(comparison_table(three, found)).startswith("task,metric,first,second,")
