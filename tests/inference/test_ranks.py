"""Ranks shared by methods that do not differ significantly."""

import numpy as np
import pytest

from bench.inference import (
    Bootstrap,
    auc_adjusted_p,
    delong,
    patients_of,
)
from bench.inference.ranks import rank_sets
from bench.metrics import auc
from tests.inference.scored_cases import cases, one_seed


def auc_ranks(truth, scores, fold):
    patients = patients_of(np.arange(len(truth)), truth)
    adjusted = auc_adjusted_p(truth, one_seed(scores), fold, patients, bootstrap=Bootstrap(1000))
    return [ranks.best for ranks in rank_sets(delong(truth, one_seed(scores), fold).auc, adjusted)]


def test_equal_methods_share_the_first_rank_and_the_coin_does_not():
    rng = np.random.default_rng(10)
    truth, fold = (rng.random(177) < 0.5).astype(float), np.arange(177) % 5
    good = rng.standard_normal((3, 177)) + 1.5 * truth
    scores = np.vstack([good, good[:1], np.full((1, 177), 0.5)])
    assert auc_ranks(truth, scores, fold) == [1, 1, 1, 1, 5]


def test_the_order_of_methods_does_not_change_their_ranks():
    rng = np.random.default_rng(11)
    truth, fold = (rng.random(177) < 0.5).astype(float), np.arange(177) % 5
    scores = rng.standard_normal((6, 177)) + np.linspace(0, 3, 6)[:, None] * truth
    ranks = auc_ranks(truth, scores, fold)
    assert auc_ranks(truth, scores[::-1], fold) == ranks[::-1]
    assert ranks[-1] == 1
    assert ranks[0] > 2


def test_the_truth_stands_alone_at_the_top():
    truth, scores = cases(n=177)
    assert auc_ranks(truth, np.vstack([truth, scores]), np.arange(177) % 5) == [1, 2, 2]


def test_a_rank_is_one_plus_the_number_of_significantly_better_methods():
    adjusted = np.array([[1.0, 0.2, 0.01], [0.2, 1.0, 0.04], [0.01, 0.04, 1.0]])
    assert [ranks.best for ranks in rank_sets(np.array([0.9, 0.8, 0.6]), adjusted)] == [1, 1, 3]


def test_areas_of_delong_and_of_the_metric_are_the_same():
    truth, scores = cases(levels=2)
    fold = np.arange(80) % 5
    assert delong(truth, one_seed(scores), fold).auc[0] == pytest.approx(auc(truth, scores[0], fold))
