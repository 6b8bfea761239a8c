"""Minimum redundancy, maximum relevance."""

import numpy as np
import pytest
from sklearn.feature_selection import f_classif, f_regression

from bench_zoo.classical.selection import select_features


def examples(binary: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(90, 12)) + rng.normal(size=(90, 1))
    values = features[:, 4] - features[:, 9] + rng.normal(size=90)
    return features, (values > 0.3).astype(float) if binary else values


@pytest.mark.parametrize("binary", [True, False])
def test_the_order_is_that_of_scikit_learns_f_over_the_mean_correlation(binary: bool) -> None:
    features, labels = examples(binary)
    relevance = (f_classif if binary else f_regression)(features, labels)[0]
    correlation = np.abs(np.corrcoef(features.T))
    order = [int(relevance.argmax())]
    while len(order) < 12:
        left = [at for at in range(12) if at not in order]
        order.append(max(left, key=lambda at: relevance[at] / correlation[at, order].mean()))
    np.testing.assert_array_equal(select_features(features, labels, 12), order)


def test_a_near_copy_of_the_best_feature_waits_for_a_weaker_one_of_its_own() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 400))
    labels = 2 * first + second + rng.normal(size=400)
    features = np.stack([first, first + 0.05 * rng.normal(size=400), second], axis=1)
    np.testing.assert_array_equal(select_features(features, labels, 2), [0, 2])


def test_a_smaller_count_is_the_beginning_of_a_larger_one() -> None:
    features, labels = examples(True)
    np.testing.assert_array_equal(
        select_features(features, labels, 3), select_features(features, labels, 8)[:3]
    )


def test_scale_and_sign_of_a_feature_do_not_matter() -> None:
    features, labels = examples(False)
    factors = np.random.default_rng(2).normal(size=12) * 50
    np.testing.assert_array_equal(
        select_features(features * factors + 7, labels, 6), select_features(features, labels, 6)
    )


def test_a_constant_feature_comes_last_and_no_feature_gives_none() -> None:
    features, labels = examples(True)
    features[:, 0] = 3.0
    assert select_features(features, labels, 12)[-1] == 0
    assert select_features(features[:, :0], labels, 5).shape == (0,)
