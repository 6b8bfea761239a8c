"""Metrics come in through the plugin door, and a task is ranked by the one that is declared or asked for."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import fbeta_score

from bench.cohorts.check import check_folder
from bench.cohorts.cohort import Cohort, Task
from bench.cohorts.folder import load_folder
from bench.comparison import compare
from bench.config import Experiment
from bench.errors import CohortError, PluginError, UsageError
from bench.experiment import make_plan
from bench.inference import (
    Interval,
    adjusted_p,
    draw_patients,
    jackknife_influence,
    patients_of,
    shared_ranks,
)
from bench.intervals import bootstrap_interval, share_interval
from bench.leaderboard import MethodResult, Results, leaderboard, result_table, score_results
from bench.metric_table import metric_list
from bench.metrics import METRICS, Metric
from bench.metrics.guarded import guarded
from bench.ranking_metric import ranking_metrics
from bench.registry import load_registry
from bench.report import to_markdown
from bench.scores import metric_influence, metric_scores, of_methods, sample_of

PLUGIN = '''
"""A local plugin with a metric."""
from bench.hookspecs import hookimpl
from bench.metrics import Metric

def f2(truth, decision, beside):
    hits, errors = sum(truth * decision), sum(truth != decision)
    misses = sum(truth * (1 - decision))
    return 5 * hits / (5 * hits + 3 * misses + errors) if hits else 0.0

@hookimpl
def bench_metrics():
    return [Metric("{name}", "F2", "binary", best=1, higher_is_better=True, value=f2, takes="{takes}",
                   summary="Recall counts twice")]
'''

TASKS = (
    Task("er", "binary", "ER"),
    Task("her2", "binary", "HER2"),
    Task("ki67", "continuous", "Ki-67", unit="percentage points", range=(0, 100)),
)


def plugin(folder: Path, file: str, name: str, takes: str = "decision") -> Path:
    path = folder / f"{file}.py"
    path.write_text(PLUGIN.format(name=name, takes=takes))
    return path


def results(*methods: MethodResult, n: int = 120) -> Results:
    """The truth of two tasks on which methods with so much signal are scored."""
    return Results(
        tasks=(TASKS[0], TASKS[2]),
        cohort="phantom",
        cohort_title="Phantom",
        cohort_fingerprint="ab" * 32,
        synthetic=True,
        licence="",
        split="internal_cv",
        split_title="Five folds",
        estimand="Internal validation.",
        split_seed=0,
        split_fingerprint="cd" * 32,
        truth=truth_table(n),
        methods=methods,
    )


def truth_table(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ids = pd.Index([f"case{i:04d}" for i in range(n)], name="case_id")
    er = (rng.random(n) < 0.6).astype(float)
    columns = {"patient_id": ids, "site": "a", "group": "internal", "er": er, "ki67": rng.gamma(2, 10, n)}
    return pd.DataFrame(columns, index=ids)


def method(label: str, signal: float, salt: int = 0, n: int = 120, seeds: int = 1) -> MethodResult:
    truth = truth_table(n)
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        logit = signal * (truth["er"] - 0.5) + rng.standard_normal(n)
        ki67 = signal * truth["ki67"] / 3 + 20 * (1 - signal / 3) + 3 * rng.standard_normal(n)
        for task, values in (("er", 1 / (1 + np.exp(-logit))), ("ki67", np.clip(ki67, 0, 100))):
            columns = {"seed": seed, "fold": np.arange(n) % 5, "case_id": truth.index, "task": task}
            parts.append(pd.DataFrame({**columns, "prediction": values}))
    constants = {fold: {"er": 0.55 + fold / 50, "ki67": 15.0 + fold} for fold in range(5)}
    return MethodResult(label, pd.concat(parts, ignore_index=True), constants)


# The door.


def test_our_metrics_are_there_without_a_plugin():
    registry = load_registry()
    assert list(registry.metrics)[: len(METRICS)] == list(METRICS)
    assert registry.metric_plugins["auc"] == "bench"


def test_a_local_file_offers_a_metric_that_is_listed_like_ours(tmp_path: Path):
    path = plugin(tmp_path, "metric_one", "f2_one")
    rows = {row["metric"]: row for row in metric_list(load_registry([path]))}
    assert rows["f2_one"] == {
        "metric": "f2_one",
        "kind": "binary",
        "better": "↑",
        "takes": "decision",
        "ranks": "yes",
        "plugin": str(path),
        "summary": "Recall counts twice",
    }
    assert (rows["calibration_slope"]["better"], rows["calibration_slope"]["ranks"]) == ("→1", "no")


def test_a_plugins_metric_without_a_resampled_form_is_that_of_the_repeated_cases(tmp_path: Path):
    metric = load_registry([plugin(tmp_path, "metric_two", "f2_two")]).metrics["f2_two"]
    rng = np.random.default_rng(0)
    truth, decided = (rng.random((2, 50)) < 0.5).astype(float)
    drawn = rng.integers(50, size=(20, 50))
    weights = np.stack([np.bincount(row, minlength=50) for row in drawn], axis=1).astype(float)
    expected = [fbeta_score(truth[row], decided[row], beta=2) for row in drawn]
    np.testing.assert_allclose(metric.resampled(truth, decided[None], None, weights)[0], expected)


def test_a_broken_metric_is_listed_with_its_error_and_harms_nobody(tmp_path: Path):
    broken = plugin(tmp_path, "metric_broken", "f2_broken", takes="logit")
    registry = load_registry([broken, plugin(tmp_path, "metric_three", "f2_three")])
    assert "f2_three" in registry.metrics and "constant" in registry.specs
    assert [its.plugin for its in registry.broken] == [str(broken)]
    assert "takes must be score or decision, got 'logit'" in registry.broken[0].error


def test_what_is_no_metric_is_refused(tmp_path: Path):
    path = tmp_path / "metric_odd.py"
    path.write_text(
        "from bench.hookspecs import hookimpl\n@hookimpl\ndef bench_metrics():\n    return ['f2']\n"
    )
    assert "bench_metrics must return Metric values, got 'f2'" in load_registry([path]).broken[0].error


def test_one_name_from_two_plugins_is_an_error_naming_both(tmp_path: Path):
    files = [plugin(tmp_path, "twin_metric_a", "twin"), plugin(tmp_path, "twin_metric_b", "twin")]
    with pytest.raises(
        PluginError,
        match=r"two plugins offer a metric named 'twin': .*twin_metric_a\.py and .*twin_metric_b\.py",
    ):
        load_registry(files)
    with pytest.raises(PluginError, match=r"a metric named 'auc': bench and .*own_auc\.py"):
        load_registry([plugin(tmp_path, "own_auc", "auc")])


# Which metric ranks.


def names(chosen: dict[str, Metric]) -> dict[str, str]:
    return {task: metric.name for task, metric in chosen.items()}


def test_the_declared_metric_ranks_where_nothing_else_is_asked():
    declared = (replace(TASKS[0], metric="average_precision"), *TASKS[1:])
    assert names(ranking_metrics(declared)) == {"er": "average_precision", "her2": "auc", "ki67": "mae"}


def test_a_metric_goes_to_the_tasks_of_its_kind_and_one_with_a_task_to_that():
    assert names(ranking_metrics(TASKS, ["rmse"])) == {"er": "auc", "her2": "auc", "ki67": "rmse"}
    chosen = ranking_metrics(TASKS, ["brier", "er=average_precision", "ki67=spearman"])
    assert names(chosen) == {"er": "average_precision", "her2": "brier", "ki67": "spearman"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["auk"], "unknown metric 'auk': did you mean auc"),
        (["er=auk"], "unknown metric 'auk': did you mean auc"),
        (["eer=auc"], "unknown task in --metric 'eer': did you mean er"),
        (
            ["er=mae"],
            "task 'er': metric 'mae' is for continuous tasks, this one is binary; choose one of auc,",
        ),
        (
            ["calibration_slope"],
            "metric 'calibration_slope' is best at 1, neither high nor low: it is shown by `bench metrics` "
            "and cannot rank; choose one of auc,",
        ),
        (["ki67=bias"], "metric 'bias' is best at 0, neither high nor low"),
        (
            ["rmse", "r2"],
            "--metric takes one metric a kind of task, got rmse, r2; name the task: task=metric",
        ),
    ],
)
def test_what_cannot_rank_is_refused_with_the_remedy(wanted: list[str], message: str):
    with pytest.raises(UsageError) as error:
        ranking_metrics(TASKS, wanted)
    assert message in str(error.value)


def test_a_metric_of_a_kind_that_the_cohort_lacks_is_refused():
    with pytest.raises(UsageError, match="--metric rmse is for continuous tasks, and the cohort has none"):
        ranking_metrics(TASKS[:2], ["rmse"])


def test_a_plugins_metric_ranks_once_its_plugin_is_given(tmp_path: Path):
    path = plugin(tmp_path, "metric_four", "f2_four")
    assert names(ranking_metrics(TASKS, ["er=f2_four"], [path]))["er"] == "f2_four"
    with pytest.raises(UsageError, match="unknown metric 'f2_four'"):
        ranking_metrics(TASKS, ["er=f2_four"])


def test_a_run_looks_the_metric_up_before_anything_is_fitted(tiny: Cohort):
    asked = Experiment(methods=("constant",), cohort="phantom-tiny", split="internal_cv", metric=("er=mae",))
    with pytest.raises(UsageError, match="'mae' is for continuous tasks"):
        make_plan(asked, quiet=True)
    plan = make_plan(replace(asked, metric=("rmse",)), quiet=True)
    assert plan.metrics["ki67"].name == "rmse" and plan.metrics["er"].name == "auc"


# The declaration in cohort.toml.


def cohort_folder(folder: Path, **declared: str) -> Path:
    tasks = [("er", "binary"), ("ki67", "continuous")]
    text = 'name = "mine"\nsynthetic = false\n'
    for name, kind in tasks:
        metric = f"metric = {declared[name]}\n" if name in declared else ""
        text += f'[tasks.{name}]\nkind = "{kind}"\n{metric}'
    (folder / "cohort.toml").write_text(text)
    (folder / "cases.csv").write_text("case_id,patient_id,site,group,er,ki67\na,a,s,internal,1,20\n")
    return folder


def test_a_cohort_declares_the_metric_of_a_task(tmp_path: Path):
    found = load_folder(cohort_folder(tmp_path, er='"average_precision"'))
    assert [task.metric for task in found.tasks] == ["average_precision", "mae"]


@pytest.mark.parametrize(
    ("task", "metric", "message"),
    [
        ("er", '"rmse"', "[tasks.er]: metric 'rmse' is for continuous tasks, this one is binary"),
        ("ki67", '"bias"', "[tasks.ki67]: metric 'bias' is best at 0, neither high nor low"),
        ("er", "3", "[tasks.er]: metric must be the name of one, got 3"),
    ],
)
def test_a_declared_metric_that_cannot_rank_the_task_is_refused(
    tmp_path: Path, task: str, metric: str, message: str
):
    folder = cohort_folder(tmp_path, **{task: metric})
    with pytest.raises(CohortError) as error:
        load_folder(folder)
    assert message in str(error.value) and "bench metrics --list" in str(error.value)
    assert any(message in fault.detail for fault in check_folder(folder, quiet=True).faults)


def test_a_declared_metric_that_no_plugin_offers_is_refused_by_a_run(tmp_path: Path):
    found = load_folder(cohort_folder(tmp_path, er='"f2_of_nobody"'))
    with pytest.raises(UsageError, match="unknown metric 'f2_of_nobody'"):
        ranking_metrics(found.tasks)


# Scores by any metric.


# A calibration error tells no good method from a poor one that is as well calibrated.
RANKING = [
    metric
    for metric in METRICS.values()
    if metric.ranks and metric.takes == "score" and metric.name != "calibration_error"
]


@pytest.mark.parametrize("metric", RANKING, ids=[its.name for its in RANKING])
def test_the_better_of_two_methods_has_rank_1_alone_and_equal_ones_share_it(metric: Metric):
    task = next(task for task in results().tasks if task.kind == metric.kind)
    made = results(method("good", 2.8), method("good_too", 2.8, salt=1), method("poor", 0.2))
    scores = {its.method: its for its in metric_scores(made, task, metric, draws=400)}
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
        [metric.value(sample.truth, its[0], sample.fold) for its in sample.predictions.values()]
    )
    drawn = draw_patients(sample.patients, 1000)
    unknown = replace(metric, name="unknown", interval="percentile")
    influence = metric.sign * metric_influence(unknown, sample)
    found = adjusted_p(metric.sign * values, influence, sample.patients, drawn)
    scores = metric_scores(made, task, metric, draws=1000)
    assert shared_ranks(metric.sign * values, found) == [score.rank for score in scores]


def test_the_interval_of_another_metric_is_that_of_the_patient_bootstrap():
    made = results(method("one", 1.5))
    metric = METRICS["brier_skill"]
    sample = sample_of(made, TASKS[0], metric)
    drawn = draw_patients(sample.patients, 300)
    values = metric.resampled(sample.truth, sample.predictions["one"], sample.constant, drawn)
    (score,) = metric_scores(made, TASKS[0], metric, draws=300)
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
        (declared,) = metric_scores(made, task, metric, draws=300)
        (plain,) = metric_scores(made, task, replace(metric, interval="percentile"), draws=300)
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
    return bootstrap_interval(metric, value, resampled(drawn)[0], influence, patients, drawn)


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
    (score,) = metric_scores(made, task, metric, draws=300)
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
    once = share_interval(metric, right / of, truth, decision[None], patients_of(np.arange(60)))
    assert once == pytest.approx((expected.low, expected.high), abs=1e-12)
    twice = np.tile(truth, 2), np.tile(decision, 2)[None], patients_of(np.tile(np.arange(60), 2))
    assert share_interval(metric, right / of, *twice) == pytest.approx(once)


def test_the_difference_from_the_constant_is_that_of_a_comparison():
    made = results(method("one", 1.5), method("constant", 0.0))
    one, flat = made.methods
    said = [one.constants[its.fold][its.task] for its in flat.predictions.itertuples()]
    made = replace(made, methods=(one, replace(flat, predictions=flat.predictions.assign(prediction=said))))
    for task, name in ((TASKS[0], "average_precision"), (TASKS[-1], "rmse")):
        score = metric_scores(made, task, METRICS[name], draws=300)[0]
        by_it = replace(made, metrics={task.name: METRICS[name]})
        (pair,) = [its for its in compare(by_it, ["one", "constant"], draws=300) if its.task == task]
        assert (score.gain.value, score.gain.p) == pytest.approx((pair.difference.value, pair.difference.p))
        assert score.gain.interval == pytest.approx(pair.difference.interval)


def test_a_metric_that_cannot_rank_has_an_interval_and_no_gain():
    (score,) = metric_scores(results(method("one", 1.5)), TASKS[0], METRICS["calibration_slope"], draws=200)
    assert score.interval.low < score.value < score.interval.high
    assert np.isnan(score.gain.value)


def test_a_method_without_a_value_says_so_and_the_others_are_scored():
    single = method("one", 2.0)
    flat = replace(single, label="flat", predictions=single.predictions.assign(prediction=0.5))
    one, other = metric_scores(results(single, flat), TASKS[0], METRICS["calibration_slope"], draws=100)
    assert one.rank is not None
    assert other.status == "not scored: Calibration slope has no value on these cases"


def test_a_board_names_its_metric_and_gives_a_unit_to_what_has_one():
    made = results(method("one", 2.0), method("two", 0.3))
    by_it = replace(made, metrics={"er": METRICS["brier"], "ki67": METRICS["r2"]})
    text = to_markdown(leaderboard(by_it, draws=100))
    assert "## ER, Brier ↓\n" in text and "## Ki-67, R2 ↑\n" in text
    assert "Brier: Mean squared error of the probability." in text
    assert {its["metric"] for its in result_table(by_it, draws=100).records} == {"brier", "r2"}
    assert "MAE ↓ (pp)" in to_markdown(leaderboard(made, draws=100))


def test_the_scores_of_the_declared_metrics_are_as_before():
    made = results(method("one", 2.0))
    again = replace(made, metrics={"er": METRICS["auc"], "ki67": METRICS["mae"]})
    assert str(score_results(made, draws=100)) == str(score_results(again, draws=100))


def test_a_table_of_unknown_methods_suggests_the_nearest():
    with pytest.raises(UsageError, match="unknown method of this cohort and split 'oen': did you mean one"):
        of_methods(results(method("one", 2.0)), ["oen"])


# The commands.


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, check=False
    )


def test_the_commands_show_metrics_and_thresholds_and_rank_by_what_is_asked(tiny: Cohort, tmp_path: Path):
    path = plugin(tmp_path, "metric_cli", "f2_cli")
    where = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(tmp_path / "runs"))
    ran = bench("run", "--method", "constant,clinical", *where, "--inner-folds", "2", "--metric", "rmse")
    assert ran.returncode == 0, ran.stderr
    assert "RMSE" in ran.stdout
    listed = json.loads(bench("metrics", "--list", "--plugin", str(path), "--format", "json").stdout)
    assert {"auc", "f2_cli"} <= {row["metric"] for row in listed}
    board = bench(
        *("leaderboard", *where, "--plugin", str(path), "--metric", "er=f2_cli", "--metric", "ki67=spearman"),
        *("--rule", "sensitivity_90", "--format", "md"),
    )
    assert board.returncode == 0, board.stderr
    unknown = bench("leaderboard", *where, "--metric", "auk")
    assert unknown.returncode == 2 and "did you mean auc" in unknown.stderr
    assert "F2 ↑" in board.stdout and "Spearman ↑" in board.stdout and "AUC ↑" in board.stdout
    table = bench("metrics", *where, "--method", "clinical", "--format", "json")
    assert table.returncode == 0, table.stderr
    shown = json.loads(table.stdout)["rows"]
    assert {row["method"] for row in shown} == {"clinical"}
    assert {"auc", "sensitivity", "mae"} <= {row["metric"] for row in shown}
    rows = json.loads(bench("thresholds", *where, "--rule", "youden", "--format", "json").stdout)
    assert {row["source"] for row in rows} == {"inner cross-validation"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("metrics",), "name a split"),
        (("thresholds", "--split", "internal_cv", "--rule", "yuden"), "did you mean youden"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(tiny: Cohort, arguments: tuple[str, ...], message: str):
    asked = (*arguments, "--cohort", "phantom-tiny")
    done = bench(*asked)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


# A metric of a stranger that does wrong.

ODD = """
import numpy as np
from bench.hookspecs import hookimpl
from bench.metrics import METRICS, Metric

def odd(truth, prediction, beside):
    {code}

@hookimpl
def bench_metrics():
    return [Metric("{name}", "Odd", "binary", best=1, higher_is_better=True, value=odd)]
"""

WRONG = {
    "odd_raises": ("raise RuntimeError('boom')", "metric 'odd_raises' raised RuntimeError: boom"),
    "odd_text": ("return 'high'", "metric 'odd_text' returned 'high', expected a number"),
    "odd_array": (
        "return np.zeros(3)",
        "metric 'odd_array' returned an array of shape (3,), expected a number",
    ),
    "odd_none": ("return None", "metric 'odd_none' returned None, expected a number"),
    "odd_nan": ("return float('nan')", "Odd has no value on these cases"),
}


def odd_metric(folder: Path, name: str, code: str) -> Metric:
    path = folder / f"{name}_plugin.py"
    path.write_text(ODD.format(name=name, code=code))
    return load_registry([path]).metrics[name]


@pytest.mark.parametrize("name", WRONG)
def test_what_a_metric_does_wrong_is_the_status_of_its_rows_and_other_rows_stand(tmp_path: Path, name: str):
    code, told = WRONG[name]
    odd = odd_metric(tmp_path, name, code)
    of_two = replace(results(method("a", 2.0), method("b", 0.5, salt=1)), metrics={"er": odd})
    scores = {(its.task.name, its.method): its for its in score_results(of_two, 200)}
    for label in ("a", "b"):
        assert scores["er", label].status == f"not scored: {told}"
        assert np.isnan(scores["er", label].value) and scores["er", label].rank is None
        assert scores["ki67", label].status == "ok" and scores["ki67", label].value > 0
    assert told in to_markdown(leaderboard(of_two, 200))


def test_a_metric_that_is_right_has_the_values_it_returns(tmp_path: Path):
    mine = odd_metric(tmp_path, "odd_right", "return np.float32(np.mean((prediction > 0.5) == truth))")
    of_one = replace(results(method("a", 2.0)), metrics={"er": mine})
    score = next(its for its in score_results(of_one, 200) if its.task.name == "er")
    rows = of_one.methods[0].predictions
    said = rows[rows["task"] == "er"].set_index("case_id")["prediction"]
    assert score.status == "ok"
    assert score.value == pytest.approx(np.mean((said > 0.5) == of_one.truth.loc[said.index, "er"]), abs=1e-6)
    assert score.interval.low < score.value < score.interval.high


@pytest.mark.parametrize("code", ["raise RuntimeError('boom')", "return 'high'", "return np.zeros(3)"])
def test_resamples_of_a_metric_that_go_wrong_are_no_resamples(code: str):
    namespace = {"np": np}
    exec(f"def wrong(truth, predictions, beside, weights):\n    {code}", namespace)
    metric = guarded(replace(METRICS["brier"], resampled=namespace["wrong"]))
    found = metric.resampled(np.zeros(4), np.zeros((2, 4)), None, np.ones((4, 7)))
    assert found.shape == (2, 7) and np.isnan(found).all()


@pytest.mark.parametrize("name", METRICS)
def test_our_own_metrics_are_offered_as_they_are(name: str):
    assert guarded(METRICS[name]).value is METRICS[name].value
