"""A task is ranked by the metric that is declared or asked for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cohorts.checking.check import check_folder
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError, UsageError
from bench.methods.ranking_metric import ranking_metrics
from bench.metrics import Metric
from bench.running.experiment import Experiment
from bench.running.plan import make_plan
from tests.command import bench
from tests.metrics.plugin_metrics import TASKS, plugin


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
        (["eer=auc"], "unknown task in `metric` 'eer': did you mean er"),
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
            "`metric` takes one metric a kind of task, got rmse, r2; name the task: task=metric",
        ),
    ],
)
def test_what_cannot_rank_is_refused_with_the_remedy(wanted: list[str], message: str):
    with pytest.raises(UsageError) as error:
        ranking_metrics(TASKS, wanted)
    assert message in str(error.value)


def test_a_metric_of_a_kind_that_the_cohort_lacks_is_refused():
    with pytest.raises(UsageError, match="metric=rmse is for continuous tasks, and the cohort has none"):
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
    assert any(message in violation.detail for violation in check_folder(folder, quiet=True).violations)


def test_a_declared_metric_that_no_plugin_offers_is_refused_by_a_run(tmp_path: Path):
    found = load_folder(cohort_folder(tmp_path, er='"f2_of_nobody"'))
    with pytest.raises(UsageError, match="unknown metric 'f2_of_nobody'"):
        ranking_metrics(found.tasks)


@pytest.mark.slow
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
