"""Thresholds come from validation or inner predictions by a stated rule, and from no test case."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score, roc_curve

from bench.predictions.thresholds import (
    INNER,
    MIN_POSITIVES,
    RULES,
    VALIDATION,
    LabelledScores,
    Threshold,
    candidate_thresholds,
    choose_threshold,
    decisions,
    reaches,
    sensitivity_90,
    youden,
)


def cases(n: int = 80, levels: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(float)
    score = 1 / (1 + np.exp(-rng.standard_normal(n) - truth))
    return truth, score if levels is None else np.round(score * levels) / levels


def judged(positives: int, negatives: int = 30) -> LabelledScores:
    rng = np.random.default_rng(positives)
    truth = np.repeat([1.0, 0.0], [positives, negatives])
    return LabelledScores(truth, np.round(rng.random(len(truth)) + truth, 2) / 2)


# The rules.


@pytest.mark.parametrize("levels", [None, 6])
@pytest.mark.parametrize("seed", range(4))
def test_youden_reaches_the_highest_point_above_the_diagonal_of_scikit_learns_curve(levels, seed):
    truth, score = cases(levels=levels, seed=seed)
    false, true, _ = roc_curve(truth, score)
    decided = score >= youden(truth, score)
    gained = recall_score(truth, decided) + recall_score(truth, decided, pos_label=0) - 1
    assert gained == pytest.approx((true - false).max(), abs=1e-12)


@pytest.mark.parametrize("levels", [None, 6])
@pytest.mark.parametrize("seed", range(4))
def test_sensitivity_90_is_the_highest_threshold_that_finds_nine_in_ten(levels, seed):
    truth, score = cases(levels=levels, seed=seed)
    cut = sensitivity_90(truth, score)
    assert recall_score(truth, score >= cut) >= 0.9
    higher = [
        candidate_threshold
        for candidate_threshold in candidate_thresholds(score)
        if candidate_threshold > cut
    ]
    assert all(recall_score(truth, score >= entry) < 0.9 for entry in higher)


def test_18_of_20_positives_are_nine_in_ten():
    truth, score = np.ones(21), np.arange(21) / 20
    truth[0] = 0
    assert (score[1:] >= sensitivity_90(truth, score)).sum() == 18


def test_a_threshold_lies_midway_between_neighbouring_scores():
    truth, score = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])
    assert youden(truth, score) == pytest.approx(0.4)
    assert sensitivity_90(truth, score) == pytest.approx(0.4)
    assert candidate_thresholds(np.array([0.6, 0.2, 0.2])).tolist() == pytest.approx([0.2, 0.4])


def test_tied_scores_stay_together():
    truth, score = np.array([0.0, 1, 0, 1]), np.array([0.3, 0.3, 0.7, 0.7])
    for rule in RULES.values():
        assert rule(truth, score) in (pytest.approx(0.3), pytest.approx(0.5))


def test_of_equally_good_thresholds_youden_takes_the_most_sensitive():
    truth, score = np.array([1.0, 0, 1, 0]), np.array([0.2, 0.4, 0.6, 0.1])
    assert youden(truth, score) == pytest.approx(0.15)


@pytest.mark.parametrize("rule", RULES)
def test_a_constant_score_is_called_positive(rule):
    truth, _ = cases()
    assert RULES[rule](truth, np.full(80, 0.37)) == 0.37


@pytest.mark.parametrize("rule", RULES)
def test_scores_that_differ_by_rounding_alone_are_one_score(rule):
    low = 0.3
    high = np.nextafter(low, 1)
    cut = RULES[rule](np.array([0.0, 1]), np.array([low, high]))
    assert reaches(np.array([low, high]), cut).all()


@pytest.mark.parametrize("rule", RULES)
def test_scores_that_differ_by_more_than_rounding_are_told_apart(rule):
    low = 0.3
    high = low * (1 + 1e-9)
    cut = RULES[rule](np.array([0.0, 1]), np.array([low, high]))
    assert reaches(np.array([low, high]), cut).tolist() == [False, True]


@pytest.mark.parametrize("rule", RULES)
def test_a_threshold_follows_an_increasing_transform_in_what_it_decides(rule):
    truth, score = cases()
    assert ((score >= RULES[rule](truth, score)) == (score**3 >= RULES[rule](truth, score**3))).all()


@pytest.mark.parametrize("rule", RULES)
def test_duplicated_cases_and_another_order_change_no_threshold(rule):
    truth, score = cases(levels=20)
    order = np.random.default_rng(1).permutation(80)
    assert RULES[rule](truth[order], score[order]) == RULES[rule](truth, score)
    assert RULES[rule](np.tile(truth, 2), np.tile(score, 2)) == RULES[rule](truth, score)


# Which cases they are chosen on.


def test_twenty_positives_suffice_and_nineteen_need_inner_predictions():
    enough, inner = judged(MIN_POSITIVES), judged(150)
    first = choose_threshold("er", 0, 1, "youden", enough, inner)
    assert (first.source, first.positives, first.value) == (VALIDATION, 20, youden(*enough))
    second = choose_threshold("er", 0, 1, "youden", judged(MIN_POSITIVES - 1), inner)
    assert (second.source, second.positives, second.value) == (INNER, 150, youden(*inner))


def test_without_inner_predictions_there_is_no_threshold_and_the_reason_is_said():
    found = choose_threshold("er", 0, 1, "youden", judged(16), None)
    assert np.isnan(found.value) and found.source == ""
    assert found.reason == (
        "16 positives in the validation part of fold 1, 20 needed: run with --inner-folds 3"
    )
    without = choose_threshold("er", 0, 1, "youden", judged(30, negatives=0), None)
    assert without.reason.startswith("no negative case in the validation part of fold 1")
    older = choose_threshold("er", 0, 1, "youden", None, None)
    assert older.reason.startswith("no validation predictions are stored for fold 1")
    single = choose_threshold("er", 0, 1, "youden", judged(3), judged(30, negatives=0))
    assert single.reason == "the training part of fold 1 lacks a class"


def test_an_unknown_label_takes_no_part():
    known = judged(25)
    more = LabelledScores(np.append(known.truth, np.nan), np.append(known.score, 0.99))
    assert choose_threshold("er", 0, 0, "youden", more, None) == choose_threshold(
        "er", 0, 0, "youden", known, None
    )


def test_a_prediction_at_its_cells_threshold_is_positive():
    table = pd.DataFrame({"seed": [0, 0, 1], "fold": [0, 1, 0], "prediction": [0.4, 0.4, 0.4]})
    cuts = {(0, 0): 0.4, (0, 1): 0.41, (1, 0): 0.1}
    known = [Threshold("er", *cell, "youden", value, VALIDATION, 20) for cell, value in cuts.items()]
    found, reason = decisions(table, known, "youden")
    assert found["prediction"].tolist() == [1.0, 0.0, 1.0] and reason == ""
    assert decisions(table, known[:2], "youden")[1] == "none was chosen for seed 1, fold 0"
    assert decisions(table, known, "sensitivity_90")[1] == "none was chosen for seed 0, fold 0"
