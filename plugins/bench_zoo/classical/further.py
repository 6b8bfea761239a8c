"""Families of other libraries that tables of medical features are compared with: CatBoost and RealMLP.

CatBoost (Prokhorenkova et al., arXiv 1706.09516): ordered boosting of oblivious trees. RealMLP (Holzmüller et
al., arXiv 2407.04491): a multilayer perceptron whose defaults were meta-learned; it has no pretrained
weights. Taken over: both as catboost and pytabkit (Apache-2.0) have them, RealMLP with the defaults TD-S.
Chosen here: features are screened, selected and calibrated as for all families
(:mod:`bench_zoo.classical.fitting`); 150 trees of depth 4 at two rates; 24 features for RealMLP, whose early
stopping takes a fifth of the training cases at random. One thread each: their thread counts are their own.
620 cases take about 20 CPU seconds with CatBoost and 60 with RealMLP, once features are measured. No
reproduction of published numbers.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.errors import unknown_name
from bench_zoo.classical.families import Family, Sample
from bench_zoo.classical.fitting import Choice
from bench_zoo.classical.sources import CarriedTable, RadiomicsTable
from bench_zoo.classical.table_model import TableModel

RATES = (0.03, 0.1)
DEPTH = 4
LIGHTNING = ("lightning.pytorch", "pytorch_lightning", "lightning.fabric")


def catboost(sample: Sample) -> list[Any]:
    """Ordered boosting: log loss, or absolute error."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    common: dict[str, Any] = {
        "iterations": sample.trees,
        "depth": DEPTH,
        "random_seed": sample.seed,
        "thread_count": 1,
        "verbose": False,
        "allow_writing_files": False,
    }
    if sample.binary:
        return [CatBoostClassifier(learning_rate=rate, **common) for rate in RATES]
    return [CatBoostRegressor(loss_function="MAE", learning_rate=rate, **common) for rate in RATES]


class Quiet:
    """An estimator of pytabkit without the messages and warnings of the library that trains it."""

    def __init__(self, network: Any):
        self.network = network

    def fit(self, features: Any, labels: Any) -> "Quiet":
        """As the estimator's own."""
        _quietly(self.network.fit, features, labels)
        return self

    def __getattr__(self, name: str) -> Any:
        return partial(_quietly, getattr(self.network, name))


def _quietly(act: Callable[..., Any], *values: Any) -> Any:
    for name in LIGHTNING:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return act(*values)


def realmlp(sample: Sample) -> list[Any]:
    """A perceptron: cross entropy, or squared error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of what pytabkit imports
        from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor
    kind = RealMLP_TD_S_Classifier if sample.binary else RealMLP_TD_S_Regressor
    return [Quiet(kind(device="cpu", random_state=sample.seed, n_threads=1, verbosity=0))]


FURTHER: Mapping[str, Family] = {"catboost": catboost, "realmlp": realmlp}


def further_choice(method: TableModel) -> Choice:
    """What a method of these families tries; raises UsageError for a family that does not exist."""
    if method.family not in FURTHER:
        raise unknown_name("family", method.family, FURTHER)
    return Choice(FURTHER[method.family], method.counts, method.trees, method.seed)


@dataclass
class FurtherRadiomics(RadiomicsTable):
    """Radiomics in CatBoost or RealMLP."""

    family: str = "catboost"

    def choice(self) -> Choice:
        """See :func:`further_choice`."""
        return further_choice(self)


@dataclass
class FurtherCarried(CarriedTable):
    """The cohort's own feature table in CatBoost or RealMLP."""

    family: str = "catboost"

    def choice(self) -> Choice:
        """See :func:`further_choice`."""
        return further_choice(self)
