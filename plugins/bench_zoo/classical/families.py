"""Eight families of classifiers, each with what is nearest to it for a continuous label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

SHRINKAGES = (0.9, 0.5, 0.1)
RIDGES = (1000.0, 100.0, 10.0)
NEIGHBOURS = (45, 25, 11)
COSTS = (0.1, 1.0, 10.0)
TUBE = 0.1
DEPTHS = (1, 2, 4)
LEAST_LEAF = 10
LEAST_FOREST_LEAF = 3
STUMP_RATES = (0.1, 0.5)
BOOST_RATES = (0.02, 0.1)
BOOST_DEPTH = 2
CASES_SHARE = 0.8


@dataclass(frozen=True)
class Sample:
    """What an estimator must know before it is fitted.

    Parameters
    ----------
    binary
        Kind of the task.
    cases
        Number of cases it is fitted to.
    trees
        Number of trees of an ensemble.
    seed
        The one source of randomness.
    """

    binary: bool
    cases: int
    trees: int
    seed: int


class Family(Protocol):
    """Unfitted estimators of one kind, as many whatever the sample, the simplest first."""

    def __call__(self, sample: Sample) -> list[Any]:
        """Estimators of scikit-learn, to choose one from."""


def ridge(sample: Sample) -> list[Any]:
    """Logistic regression with a ridge penalty; ridge regression."""
    if sample.binary:
        return [LogisticRegression(C=1 / penalty) for penalty in RIDGES]
    return [Ridge(penalty) for penalty in RIDGES]


def discriminant(sample: Sample) -> list[Any]:
    """Linear discriminant analysis with a shrunken covariance.

    Continuous: ridge regression, whose direction for two classes is that of a discriminant with a ridge.
    """
    if sample.binary:
        return [LinearDiscriminantAnalysis(solver="lsqr", shrinkage=share) for share in SHRINKAGES]
    return [Ridge(penalty) for penalty in RIDGES]


def naive_bayes(sample: Sample) -> list[Any]:
    """Gaussian naive Bayes.

    Continuous: the first component of partial least squares. Like naive Bayes with equal variances it weighs
    each feature by its own covariance with the label, as if the features were independent.
    """
    return [GaussianNB() if sample.binary else PLSRegression(n_components=1, scale=False)]


def neighbours(sample: Sample) -> list[Any]:
    """The nearest cases in Euclidean distance, of equal weight: their share of positives, their mean."""
    kind = KNeighborsClassifier if sample.binary else KNeighborsRegressor
    return [kind(n_neighbors=min(count, sample.cases)) for count in NEIGHBOURS]


def support_vectors(sample: Sample) -> list[Any]:
    """A support vector machine with a Gaussian kernel as wide as scikit-learn's ``scale``."""
    if sample.binary:
        return [SVC(C=cost) for cost in COSTS]
    return [SVR(C=cost, epsilon=TUBE) for cost in COSTS]


def tree(sample: Sample) -> list[Any]:
    """One tree by Gini impurity, or by absolute error."""
    common: dict[str, Any] = {"min_samples_leaf": LEAST_LEAF, "random_state": sample.seed}
    if sample.binary:
        return [DecisionTreeClassifier(max_depth=depth, **common) for depth in DEPTHS]
    return [DecisionTreeRegressor(criterion="absolute_error", max_depth=depth, **common) for depth in DEPTHS]


def forest(sample: Sample) -> list[Any]:
    """Trees of bootstrap samples, each split among the root of the number of features."""
    kind = RandomForestClassifier if sample.binary else RandomForestRegressor
    return [
        kind(
            n_estimators=sample.trees,
            max_features="sqrt",
            min_samples_leaf=LEAST_FOREST_LEAF,
            random_state=sample.seed,
        )
    ]


def adaboost(sample: Sample) -> list[Any]:
    """Reweighted trees: stumps (SAMME), or trees of three splits from root to leaf (AdaBoost.R2)."""
    kind = AdaBoostClassifier if sample.binary else AdaBoostRegressor
    return [
        kind(n_estimators=sample.trees, learning_rate=rate, random_state=sample.seed) for rate in STUMP_RATES
    ]


def boosting(sample: Sample) -> list[Any]:
    """Gradient boosting of small trees: log loss, or absolute error."""
    common: dict[str, Any] = {
        "n_estimators": sample.trees,
        "max_depth": BOOST_DEPTH,
        "subsample": CASES_SHARE,
        "random_state": sample.seed,
    }
    if sample.binary:
        return [GradientBoostingClassifier(learning_rate=rate, **common) for rate in BOOST_RATES]
    return [
        GradientBoostingRegressor(loss="absolute_error", learning_rate=rate, **common) for rate in BOOST_RATES
    ]


FAMILIES: Mapping[str, Family] = {
    "ridge": ridge,
    "lda": discriminant,
    "naive_bayes": naive_bayes,
    "knn": neighbours,
    "svm": support_vectors,
    "tree": tree,
    "forest": forest,
    "adaboost": adaboost,
    "boosting": boosting,
}
