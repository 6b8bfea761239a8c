"""What each feature of a case adds to what a model of tables says of it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from bench.cohorts.cohort import Cohort
from bench_zoo.baselines.tumour_size.method import FEATURES, TumourSize, size_features
from bench_zoo.classical.table_model import TableModel
from bench_zoo.radiomics.boosted import RadiomicsXGB
from bench_zoo.radiomics.carried import FeatureTable, numeric_features
from bench_zoo.radiomics.extraction import settings_of
from bench_zoo.radiomics.linear import LinearRadiomics
from bench_zoo.radiomics.table import feature_table
from bench_zoo.tabular.covariates import CovariateModel, Encoding
from bench_zoo.targets import Target

COLUMNS = ("case", "task", "feature", "value", "contribution")


def contributions(method: Any, cohort: Cohort) -> pd.DataFrame | None:
    """What each feature adds to each prediction, a row a case, task and feature; None for other methods.

    On the model's scale: log odds of a binary task, the standardised logit of a bounded value. Columns are
    :data:`COLUMNS`; ``value`` is the feature as it was measured. Features that add 0 are left out.
    """
    for kind, explain in KINDS:
        if isinstance(method, kind):
            table: pd.DataFrame = explain(method, cohort)
            return table[table["contribution"] != 0].reset_index(drop=True)
    return None


def _linear_radiomics(method: LinearRadiomics, cohort: Cohort) -> pd.DataFrame:
    return _screened(method, feature_table(cohort, settings_of(method), method.report), cohort)


def _feature_table(method: FeatureTable, cohort: Cohort) -> pd.DataFrame:
    return _screened(method, numeric_features(cohort), cohort)


def _screened(method: LinearRadiomics | FeatureTable, raw: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Weight times score of a linear model behind a screen."""
    names = method.screen.features
    kept = raw.reindex(columns=list(names)).to_numpy(float)
    scores = method.screen.apply(raw)
    added = [scores * weights[:-1] for weights in method.weights]
    return _rows(cohort.case_ids, method.targets, names, kept, added)


def _tumour_size(method: TumourSize, cohort: Cohort) -> pd.DataFrame:
    sizes = size_features(cohort)
    normal = (sizes - method.mean) / method.scale
    added = [normal * weights[:-1] for weights in method.weights]
    return _rows(cohort.case_ids, method.targets, FEATURES, sizes, added)


def _covariates(method: CovariateModel, cohort: Cohort) -> pd.DataFrame:
    encoded = method._features(cohort.covariates(method.role))
    names = [name for one in method.encodings for name in _encoded_names(one)]
    added = [encoded * weights[:-1] for weights in method.weights]
    return _rows(cohort.case_ids, method.targets, names, encoded, added)


def _encoded_names(one: Encoding) -> list[str]:
    names = [f"{one.column}={level}" for level in one.levels] or [one.column]
    return [*names, f"{one.column} missing"] if one.missing else names


def _boosted(method: RadiomicsXGB, cohort: Cohort) -> pd.DataFrame:
    """Tree SHAP values (Lundberg et al. 2020), whose sum with the bias is the booster's output."""
    raw = feature_table(cohort, settings_of(method), method.report)
    names = method.screen.features
    cases = xgboost.DMatrix(method.screen.apply(raw))
    added = [
        method.boosters[target.task].predict(cases, pred_contribs=True)[:, :-1]
        if target.learnable
        else np.zeros((len(cohort), len(names)))
        for target in method.targets
    ]
    return _rows(
        cohort.case_ids, method.targets, names, raw.reindex(columns=list(names)).to_numpy(float), added
    )


def _estimators(method: TableModel, cohort: Cohort) -> pd.DataFrame:
    """Change of the output where one feature becomes that of the median training case: any estimator."""
    raw = method.measure(cohort)
    names = method.screen.features
    scores = method.screen.apply(raw)
    added = []
    for task in method.tasks:
        output, found = task.outputs(scores), np.zeros(scores.shape)
        for column in task.columns if task.estimator is not None else ():
            without = scores.copy()
            without[:, column] = 0.0
            found[:, column] = output - task.outputs(without)
        added.append(found)
    return _rows(
        cohort.case_ids, method.targets, names, raw.reindex(columns=list(names)).to_numpy(float), added
    )


def _rows(
    case_ids: Sequence[str],
    targets: Sequence[Target],
    names: Sequence[str],
    values: np.ndarray,
    added: Sequence[np.ndarray],
) -> pd.DataFrame:
    """A row a case, task and feature; ``values`` and each of ``added`` have shape (case, feature)."""
    parts = [
        pd.DataFrame(
            {
                "case": np.repeat(np.array(case_ids, object), len(names)),
                "task": target.task,
                "feature": np.tile(np.array(names, object), len(case_ids)),
                "value": values.ravel(),
                "contribution": np.asarray(one, float).ravel(),
            }
        )
        for target, one in zip(targets, added, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


KINDS: tuple[tuple[type, Callable[[Any, Cohort], pd.DataFrame]], ...] = (
    (LinearRadiomics, _linear_radiomics),
    (FeatureTable, _feature_table),
    (RadiomicsXGB, _boosted),
    (TableModel, _estimators),
    (TumourSize, _tumour_size),
    (CovariateModel, _covariates),
)
