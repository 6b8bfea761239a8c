"""The table of estimators: a row for every interval that a metric may declare."""

from dataclasses import replace

import numpy as np
import pytest

from bench.inference import Bootstrap
from bench.metrics import METRICS
from bench.metrics.metric import INTERVALS
from bench.scoring.estimators import ESTIMATORS, estimator_of
from bench.scoring.evidence import Resamples
from bench.scoring.sample import sample_of
from tests.metrics.plugin_metrics import method, results


def test_every_interval_that_a_metric_may_declare_has_an_estimator():
    assert set(ESTIMATORS) == set(INTERVALS)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.case_loss])
def test_the_loss_of_cases_gives_the_influence_values_of_the_jackknife(name):
    metric = METRICS[name]
    made = results(method("one", 1.0), method("two", 0.2))
    task = next(task for task in made.tasks if task.kind == metric.kind)
    sample = replace(sample_of(made, task, metric), variance_factor=1.7)
    known, left_out = (
        estimator_of(entry).influence(entry, sample) for entry in (metric, replace(metric, case_loss=None))
    )
    np.testing.assert_allclose(known, left_out, atol=1e-12)
    np.testing.assert_allclose(
        estimator_of(metric).errors(sample, known), np.sqrt((left_out**2).sum(axis=1) / 1.7)
    )


@pytest.mark.parametrize(("name", "draws"), [("auc", False), ("mae", True)])
def test_resamples_are_drawn_where_an_interval_is_made_of_them(name, draws):
    made = results(method("one", 1.0))
    task = next(task for task in made.tasks if task.kind == METRICS[name].kind)
    resamples = Resamples(METRICS[name], sample_of(made, task), Bootstrap(50))
    influence = estimator_of(METRICS[name]).influence(METRICS[name], resamples.sample)
    assert len(estimator_of(METRICS[name]).intervals(resamples, influence)) == 1
    assert ("drawn" in vars(resamples)) == draws
