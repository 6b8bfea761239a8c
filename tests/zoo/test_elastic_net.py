"""LASSO and elastic net against scikit-learn's own solvers and their definition."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LogisticRegression

from bench_zoo.tabular.elastic_net import sparse_path

STRENGTHS = (0.2, 0.05, 0.01)


def examples(cases: int = 120, features: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features and values of which two features decide."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(cases, 8))
    values = shared @ rng.normal(size=(8, features)) + 2 * rng.normal(size=(cases, features))
    scores = (values - values.mean(axis=0)) / values.std(axis=0)
    return scores, 1.5 * scores[:, 3] - scores[:, 17] + rng.normal(size=cases)


def objective(model: np.ndarray, binary: bool, strength: float, ratio: float) -> float:
    scores, values = examples()
    outputs = scores @ model[:-1] + model[-1]
    signs = np.where(values > 0, 1, -1)
    loss = np.log1p(np.exp(-signs * outputs)) if binary else (outputs - values) ** 2 / 2
    size = np.abs(model[:-1]).sum() + (1 - ratio) / (2 * ratio) * (model[:-1] ** 2).sum()
    return float(loss.mean() + strength * size)


@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.1])
def test_logistic_models_reach_the_objective_of_scikit_learns_saga(ratio: float) -> None:
    scores, values = examples()
    labels = (values > 0).astype(float)
    for model, strength in zip(
        sparse_path(True, STRENGTHS, (ratio,))(scores, labels), STRENGTHS, strict=True
    ):
        saga = LogisticRegression(
            solver="saga", l1_ratio=ratio, C=ratio / (strength * len(labels)), tol=1e-8, max_iter=20_000
        ).fit(scores, labels)
        other = np.append(saga.coef_, saga.intercept_)
        assert objective(model, True, strength, ratio) == pytest.approx(
            objective(other, True, strength, ratio), abs=1e-6
        )
        np.testing.assert_allclose(model, other, atol=5e-3)


def test_a_continuous_model_is_scikit_learns_lasso_moved_to_the_median_of_the_residuals() -> None:
    scores, values = examples()
    for model, strength in zip(sparse_path(False, STRENGTHS, (1.0,))(scores, values), STRENGTHS, strict=True):
        other = Lasso(alpha=strength, tol=1e-8, max_iter=50_000).fit(scores, values)
        np.testing.assert_allclose(model[:-1], other.coef_, atol=1e-3)
        assert np.median(values - scores @ model[:-1] - model[-1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("binary", [True, False])
def test_the_strongest_penalty_leaves_no_weight_and_weaker_ones_leave_more(binary: bool) -> None:
    scores, values = examples()
    labels = (values > 0).astype(float) if binary else values
    models = sparse_path(binary, (0.02, 5.0, 0.1), (1.0,))(scores, labels)
    kept = (models[:, :-1] != 0).sum(axis=1)
    assert kept[0] == 0 < kept[1] < kept[2]
    constant = np.log(labels.mean() / (1 - labels.mean())) if binary else np.median(labels)
    assert models[0, -1] == pytest.approx(constant)


def test_models_come_strongest_first_and_a_smaller_l1_ratio_keeps_more_features() -> None:
    scores, values = examples()
    models = sparse_path(True, (0.05, 0.1), (0.1, 1.0))(scores, (values > 0).astype(float))
    kept = (models[:, :-1] != 0).sum(axis=1)
    assert kept[0] < kept[1] and kept[2] < kept[3] and kept[0] < kept[2]


def test_separable_classes_do_not_break_the_newton_steps() -> None:
    scores, _ = examples()
    labels = (scores[:, 0] > 1.5).astype(float)
    models = sparse_path(True, (0.1, 1e-4), (1.0,))(scores, labels)
    assert np.isfinite(models).all()
    assert ((scores @ models[-1, :-1] + models[-1, -1] > 0) == (labels > 0)).all()
