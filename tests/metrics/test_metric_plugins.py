"""Metrics come in through the plugin door; one that is wrong harms its own rows alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from bench.errors import PluginError
from bench.inference import Bootstrap
from bench.methods.registry import load_registry
from bench.metrics import METRICS, Metric
from bench.metrics.guarded import guarded
from bench.report.board import leaderboard
from bench.report.formats.text import to_markdown
from bench.report.metrics import metric_list
from bench.scoring.scores import score_results
from tests.metrics.plugin_metrics import method, plugin, results

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
        "input": "decision",
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
    broken = plugin(tmp_path, "metric_broken", "f2_broken", input="logit")
    registry = load_registry([broken, plugin(tmp_path, "metric_three", "f2_three")])
    assert "f2_three" in registry.metrics and "constant" in registry.specs
    assert [entry.plugin for entry in registry.broken] == [str(broken)]
    assert "input must be score or decision, got 'logit'" in registry.broken[0].error


def test_what_is_no_metric_is_refused(tmp_path: Path):
    path = tmp_path / "metric_odd.py"
    path.write_text(
        "from bench.methods.hookspecs import hookimpl\n@hookimpl\ndef bench_metrics():\n    return ['f2']\n"
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


# A metric of a stranger that does wrong.
ODD = """
import numpy as np
from bench.methods.hookspecs import hookimpl
from bench.inference.ranks import rank_sets
from bench.metrics import METRICS, Metric

def odd(truth, prediction, context):
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
    scores = {
        (score_result.task.name, score_result.method): score_result
        for score_result in score_results(of_two, Bootstrap(200))
    }
    for label in ("a", "b"):
        assert scores["er", label].status == f"not scored: {told}"
        assert np.isnan(scores["er", label].value) and scores["er", label].rank is None
        assert scores["ki67", label].status == "ok" and scores["ki67", label].value > 0
    assert told in to_markdown(leaderboard(of_two, Bootstrap(200)))


def test_a_metric_that_is_right_has_the_values_it_returns(tmp_path: Path):
    mine = odd_metric(tmp_path, "odd_right", "return np.float32(np.mean((prediction > 0.5) == truth))")
    of_one = replace(results(method("a", 2.0)), metrics={"er": mine})
    score = next(
        score_result
        for score_result in score_results(of_one, Bootstrap(200))
        if score_result.task.name == "er"
    )
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
