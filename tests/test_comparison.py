"""Comparisons, seed ensembles, sites and the corrected resampled t-test."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.cohorts.cohort import Task
from bench.comparison import compare
from bench.ensemble import with_ensembles
from bench.errors import SplitError, UsageError
from bench.inference import auc_difference, detectable_difference
from bench.metrics import METRICS
from bench.missing import at_chance
from bench.report import to_csv, to_json, to_markdown
from bench.report.by_site import site_table
from bench.report.compared import comparison_table
from bench.resampled_t import nadeau_bengio, one_population
from bench.scores import MethodResult, Results, metric_scores, score_results
from bench.sites import between_sites, site_scores
from bench.split import load_split_config, make_split
from bench.thresholds import VALIDATION, YOUDEN, Threshold

TASKS = (
    Task("er", "binary", "ER", positive="positive"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)
N, FOLDS = 120, 5


def truth_table(sites: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    er = (rng.random(N) < 0.6).astype(float)
    ids = pd.Index([f"c{number:03d}" for number in range(N)], name="case_id")
    columns = {"patient_id": ids, "site": [f"s{number % sites}" for number in range(N)], "group": "external"}
    return pd.DataFrame(columns | {"er": er, "ki67": 20 + 10 * rng.standard_normal(N)}, index=ids)


def method(label: str, truth: pd.DataFrame, signal: float, seeds: int = 1, salt: int = 0) -> MethodResult:
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        logit = signal * truth["er"].to_numpy() + rng.standard_normal(N)
        ki67 = truth["ki67"].to_numpy() + 10 / (1 + signal) * rng.standard_normal(N)
        for task, said in (("er", 1 / (1 + np.exp(-logit))), ("ki67", ki67)):
            rows = {"seed": seed, "fold": np.arange(N) % FOLDS, "case_id": truth.index, "task": task}
            parts.append(pd.DataFrame(rows | {"prediction": said}))
    constants = {fold: {"er": 0.6, "ki67": 20.0} for fold in range(FOLDS)}
    return MethodResult(label, pd.concat(parts, ignore_index=True), constants, "ok", 10.0, 100)


def results(*methods: MethodResult, truth: pd.DataFrame | None = None) -> Results:
    return Results(
        tasks=TASKS,
        cohort="toy",
        cohort_title="Toy",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="",
        split="external_cv",
        split_title="Folds",
        estimand="Site-adapted cross-validation.",
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=truth_table() if truth is None else truth,
        methods=methods,
    )


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
    return {(its.first, its.second): its for its in found if its.task.name == task}


def test_the_difference_of_areas_is_the_paired_delong(three):
    its = by_task(compare(three, ["full", "part"]))["full", "part"]
    rows = [
        m.predictions.query("task == 'er'").set_index("case_id")["prediction"][three.truth.index].to_numpy()
        for m in three.methods[:2]
    ]
    truth, fold = three.truth["er"].to_numpy(), np.arange(N) % FOLDS
    expected = auc_difference(truth, rows[0][None], rows[1][None], fold)
    assert its.difference.value == pytest.approx(expected.value)
    assert its.difference.interval == pytest.approx(expected.interval)
    assert its.adjusted_p == its.difference.p == pytest.approx(expected.p)


def test_the_difference_of_mean_errors_is_near_the_paired_t_interval(three):
    its = by_task(compare(three, ["full", "part"]), "ki67")["full", "part"]
    losses = [
        np.abs(m.predictions.query("task == 'ki67'").set_index("case_id")["prediction"] - three.truth["ki67"])
        for m in three.methods[:2]
    ]
    gain = (losses[1] - losses[0]).to_numpy()
    expected = stats.t.interval(0.95, N - 1, gain.mean(), stats.sem(gain))
    assert its.difference.value == pytest.approx(gain.mean())
    assert its.difference.interval == pytest.approx(expected, rel=0.12)
    assert its.error == pytest.approx(stats.sem(gain))
    assert its.detectable == detectable_difference(its.error)


def test_the_values_are_those_of_the_board(three):
    board = {(s.method, s.task.name): s.value for s in score_results(three)}
    for its in compare(three, ["full", "part"]):
        assert its.first_value == board["full", its.task.name]
        assert its.second_value == board["part", its.task.name]


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
    assert {its.family for its in found} == {"2 methods against full"}
    everything = compare(three, ["full", "part", "like"], reference="full", family="all")
    assert set(by_task(everything)) == {("part", "full"), ("like", "full"), ("part", "like")}
    assert {its.family for its in everything} == {"all 3 pairs of 3 methods"}
    assert {its.family for its in compare(three, ["full", "part"])} == {"a single comparison"}


def test_an_adjusted_p_is_never_below_p(three):
    for its in compare(three, ["full", "part", "like"]):
        assert its.adjusted_p >= its.difference.p


def test_the_verdict_never_contradicts_the_interval_of_a_single_comparison():
    truth = truth_table()
    seen = set()
    for salt in range(12):
        both = results(method("a", truth, 1.0, salt=salt), method("b", truth, 0.4, salt=100 + salt))
        for its in compare(both, ["a", "b"], draws=200):
            low, high = its.difference.interval
            assert ("is better than" in its.verdict) == (low > 0 or high < 0)
            seen.add("is better than" in its.verdict)
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
    (its, *_) = compare(three, ["full", "part"])
    clear = replace(its, adjusted_p=1 / 2001, family_size=3, family="all 3 pairs of 3 methods")
    assert clear.verdict.endswith("(adjusted p < 0.001, all 3 pairs of 3 methods)")
    clear = replace(clear, difference=clear.difference._replace(p=4.7e-20))
    assert json.loads(to_json(comparison_table(three, [clear])))["rows"][0]["p"] == 4.7e-20


def test_equal_predictions_do_not_differ_on_any_case(three):
    twin = replace(three, methods=(three.methods[0], replace(three.methods[0], label="twin")))
    for its in compare(twin, ["full", "twin"]):
        said = (its.difference.value, its.difference.p, its.probability)
        assert said == pytest.approx((0.0, 1.0, 0.5), abs=1e-12)
        assert its.verdict == f"no difference on any of {its.n} cases"
        assert its.cases_needed is None
        assert its.verdict == "no difference on any of 120 cases"


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
    its = by_task(compare(unlabelled, ["full", "part"]))["full", "part"]
    assert its.verdict == "not compared: both not scored: no tested case has a known label"


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
    its = by_task(compare(ranked, ["full", "part"]))["full", "part"]
    assert its.verdict == "not separable: fewer than 10 patients, or 10 in a class"
    assert {score.rank for score in score_results(ranked) if score.task.name == "er"} == {1}


def test_patients_with_cases_of_both_classes_are_enough(three):
    paired = three.truth.assign(er=(np.arange(N) % 2).astype(float), patient_id=np.arange(N) // 2)
    its = by_task(compare(replace(three, truth=paired), ["full", "part"]))["full", "part"]
    assert np.isfinite(its.difference.p)


def test_a_correlation_has_no_unit(three):
    by_rank = replace(three, metrics={"ki67": METRICS["spearman"]})
    found = compare(by_rank, ["full", "part"])
    (its,) = [its for its in found if its.task.name == "ki67"]
    assert "percentage points" not in its.verdict
    assert "Spearman ↑ (pp)" not in to_markdown(comparison_table(by_rank, found))


def test_nine_positive_cases_are_too_few_for_a_verdict(three):
    few = three.truth.assign(er=(np.arange(N) < 9).astype(float))
    its = by_task(compare(replace(three, truth=few), ["full", "part"]))["full", "part"]
    assert np.isnan([its.difference.p, *its.difference.interval, its.detectable]).all()
    assert its.verdict == "not separable: fewer than 10 patients, or 10 in a class"


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["full"], {}, "at least two methods, got: full"),
        (["full", "full"], {}, "each method once, got: full, full"),
        (["full", "prat"], {}, "unknown method of this cohort and split 'prat': did you mean part?"),
        (["full", "part"], {"family": "reference"}, "add --reference NAME, or use --family all"),
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


def test_an_ensemble_averages_logits_and_values():
    truth = truth_table()
    both = results(method("a", truth, 1.0, seeds=3), method("b", truth, 1.0))
    labels = [its.label for its in with_ensembles(both).methods]
    assert labels == ["a", "a (ensemble of 3 seeds)", "b"]
    found = with_ensembles(both).methods[1]
    for task, forth in (("er", lambda x: np.log(x / (1 - x))), ("ki67", lambda x: x)):
        said = (
            both.methods[0]
            .predictions.query(f"task == '{task}'")
            .pivot(index="case_id", columns="seed", values="prediction")
        )
        mine = found.predictions.query(f"task == '{task}'").set_index("case_id")["prediction"]
        np.testing.assert_allclose(forth(mine.loc[said.index]), forth(said).mean(axis=1), rtol=1e-9)
    assert (found.fit_seconds, found.parameters) == (30.0, 300)


def test_an_ensemble_beats_the_mean_of_its_members_where_their_errors_are_independent():
    truth = truth_table()
    made = with_ensembles(results(method("a", truth, 1.0, seeds=5)))
    for its in compare(made, [m.label for m in made.methods]):
        assert its.verdict.startswith("a (ensemble of 5 seeds) is better than a by")


def test_an_ensemble_is_finished_and_has_no_threshold_of_its_own():
    truth = truth_table()
    cuts = [Threshold("er", 0, fold, YOUDEN, 0.2, VALIDATION, 30) for fold in range(FOLDS)]
    one = replace(method("a", truth, 1.0, seeds=3), thresholds=cuts, seeds=(0, 1, 2))
    made = with_ensembles(results(one))
    ensemble = at_chance(made).methods[1]
    assert not ensemble.imputed and ensemble.status == "ok"
    decided = metric_scores(made, made.tasks[0], METRICS["balanced_accuracy"], draws=50)[1]
    assert decided.status.startswith("no threshold: ")


def test_certain_probabilities_stay_finite_in_an_ensemble():
    truth = truth_table()
    its = method("a", truth, 1.0, seeds=2)
    sure = its.predictions.assign(prediction=its.predictions["prediction"].round())
    said = with_ensembles(results(replace(its, predictions=sure))).methods[1].predictions
    assert said.query("task == 'er'")["prediction"].between(0, 1).all()


def test_a_case_that_one_seed_lacks_makes_the_ensemble_incomplete():
    its = method("a", truth_table(), 1.0, seeds=2)
    short = replace(its, predictions=its.predictions.iloc[1:])
    scores = {(s.method, s.task.name): s for s in score_results(with_ensembles(results(short)))}
    assert scores["a (ensemble of 2 seeds)", "er"].status == "incomplete: no prediction for 1 of 120 cases"


def test_the_spread_between_sites_is_dersimonian_and_lairds():
    values, errors = np.array([1.0, 1.4, 3.6]), np.array([0.5, 0.25, 1.0])
    weight = [4.0, 16.0, 1.0]
    mean = sum(w * y for w, y in zip(weight, values, strict=True)) / 21
    q = sum(w * (y - mean) ** 2 for w, y in zip(weight, values, strict=True))
    expected = np.sqrt((q - 2) / (21 - (16 + 256 + 1) / 21))
    found = between_sites(values, errors)
    assert found.tau == pytest.approx(expected)
    assert found.share == pytest.approx(1 - 2 / q)


def test_tau_recovers_the_spread_and_is_about_0_for_equal_sites():
    rng = np.random.default_rng(3)
    errors = rng.uniform(0.1, 0.4, 400)
    spread = between_sites(rng.standard_normal(400) * 0.5 + errors * rng.standard_normal(400), errors)
    assert spread.tau == pytest.approx(0.5, abs=0.05)
    assert between_sites(errors * rng.standard_normal(400), errors).tau < 0.1


def test_fewer_than_three_sites_have_no_tau():
    found = between_sites(np.array([0.5, 0.9, 0.7]), np.array([0.1, 0.1, 0.0]))
    assert np.isnan(found.tau) and found.sites == 2


def test_sites_have_their_own_values_beside_those_of_the_board():
    truth = truth_table(sites=3)
    both = results(method("a", truth, 1.5), truth=truth)
    board = {score.task.name: score for score in score_results(both)}
    for its in site_scores(both):
        assert [site.site for site in its.sites] == ["s0", "s1", "s2"]
        assert sum(site.n for site in its.sites) == its.overall.n == N
        assert its.overall.value == pytest.approx(board[its.task.name].value)
        assert its.overall.interval == pytest.approx(board[its.task.name].interval)
        values = {site.site: its.metric.sign * site.value for site in its.sites}
        assert its.worst == min(values, key=values.get)
    er = site_scores(both)[0]
    assert er.within.value == pytest.approx(board["er"].within_site)
    assert er.pooled == pytest.approx(board["er"].pooled)


def test_a_site_with_one_positive_case_is_named_and_has_no_area():
    truth = truth_table(sites=3)
    rare = truth["er"].where(truth["site"] != "s1", 0.0)
    rare[rare.index[1]] = 1.0
    both = results(method("a", truth, 1.5), truth=truth.assign(er=rare))
    er = site_scores(both)[0]
    assert er.sites[1].status == "no value: 1 positive and 39 negative cases, expected 2 of each"
    assert np.isnan(er.sites[1].value)
    text = to_markdown(site_table(both, site_scores(both)))
    assert "1 positive and 39 negative cases" in text
    assert "tau needs 3 sites with a standard error, there are 2" in text


def test_nadeau_and_bengio_on_one_repeat_short_of_the_correction_is_the_t_test():
    differences = np.random.default_rng(4).standard_normal((3, 5)) + 0.2
    found = nadeau_bengio(differences, train_size=1e12, test_size=1)
    expected = stats.ttest_1samp(differences.ravel(), 0.0)
    assert found.difference.p == pytest.approx(expected.pvalue)
    assert found.difference.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_repeated_cross_validation_widens_by_the_correlation_of_folds():
    differences = np.random.default_rng(5).standard_normal((10, 5))
    found = nadeau_bengio(differences, train_size=80, test_size=20)
    plain = stats.ttest_1samp(differences.ravel(), 0.0).confidence_interval()
    width = found.difference.interval.high - found.difference.interval.low
    # Folds of a fifth share 2 x .8 x .2 of their variance, not the .2 of Nadeau and Bengio.
    assert (found.ratio, found.freedom) == (pytest.approx(0.32 / 0.68), 49)
    assert width / (plain.high - plain.low) == pytest.approx(np.sqrt((1 / 50 + 0.32 / 0.68) * 50))


def test_one_repeat_is_no_repeated_cross_validation():
    with pytest.raises(SplitError, match=r"at least \(2, 2\), got \(1, 5\)"):
        nadeau_bengio(np.zeros((1, 5)), 80, 20)


def test_only_cross_validation_of_one_population_has_a_corrected_t_test(tiny):
    cuts = [make_split(tiny, load_split_config("internal_cv"), seed) for seed in range(2)]
    learned, tested = one_population(cuts)
    assert learned / tested == pytest.approx(4, rel=0.02)
    external = make_split(tiny, load_split_config("external_cv"))
    with pytest.raises(
        SplitError, match=r"'external_cv' \(external_cv\) does not cross-validate one population"
    ):
        one_population([external, external])
    with pytest.raises(SplitError, match="at least two different cuts of the same cases, got 2 splits"):
        one_population([cuts[0], cuts[0]])
