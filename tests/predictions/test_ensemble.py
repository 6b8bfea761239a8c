"""Ensembles over seeds."""

from dataclasses import replace

import numpy as np

from bench.inference import Bootstrap
from bench.metrics import METRICS
from bench.predictions.ensemble import with_ensembles
from bench.predictions.missing import at_chance
from bench.predictions.thresholds import VALIDATION, YOUDEN, Threshold
from bench.scoring.comparison import compare
from bench.scoring.scores import metric_scores, score_results
from tests.scoring.comparable_results import FOLDS, method, results, truth_table


def test_an_ensemble_averages_logits_and_values():
    truth = truth_table()
    both = results(method("a", truth, 1.0, seeds=3), method("b", truth, 1.0))
    labels = [entry.label for entry in with_ensembles(both).methods]
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
    for entry in compare(made, [m.label for m in made.methods]):
        assert entry.verdict.startswith("a (ensemble of 5 seeds) is better than a by")


def test_an_ensemble_is_finished_and_has_no_threshold_of_its_own():
    truth = truth_table()
    cuts = [Threshold("er", 0, fold, YOUDEN, 0.2, VALIDATION, 30) for fold in range(FOLDS)]
    one = replace(method("a", truth, 1.0, seeds=3), thresholds=cuts, seeds=(0, 1, 2))
    made = with_ensembles(results(one))
    ensemble = at_chance(made).methods[1]
    assert not ensemble.imputed and ensemble.status == "ok"
    decided = metric_scores(made, made.tasks[0], METRICS["balanced_accuracy"], Bootstrap(50))[1]
    assert decided.status.startswith("no threshold: ")


def test_certain_probabilities_stay_finite_in_an_ensemble():
    truth = truth_table()
    entry = method("a", truth, 1.0, seeds=2)
    sure = entry.predictions.assign(prediction=entry.predictions["prediction"].round())
    said = with_ensembles(results(replace(entry, predictions=sure))).methods[1].predictions
    assert said.query("task == 'er'")["prediction"].between(0, 1).all()


def test_a_case_that_one_seed_lacks_makes_the_ensemble_incomplete():
    entry = method("a", truth_table(), 1.0, seeds=2)
    short = replace(entry, predictions=entry.predictions.iloc[1:])
    scores = {(s.method, s.task.name): s for s in score_results(with_ensembles(results(short)))}
    assert scores["a (ensemble of 2 seeds)", "er"].status == "incomplete: no prediction for 1 of 120 cases"
