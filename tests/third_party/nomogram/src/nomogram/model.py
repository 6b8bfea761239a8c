"""Logistic and ridge regression of scikit-learn on covariates."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench import Cohort, Float, Run, Task


@dataclass
class Nomogram:
    """One regression a task.

    Parameters
    ----------
    penalty
        Of the squared weights.
    """

    penalty: float = 1.0

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        return {"penalty": Float(0.01, 100.0, log=True)}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        table = train.covariates("clinical")
        self.numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
        self.words = [name for name in table if name not in self.numbers]
        self.models = {
            task.name: self._fitted(task, self._readable(table), train.labels(task.name))
            for task in train.tasks
        }
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        table = self._readable(cohort.covariates("clinical"))
        return {task.name: self._predicted(task, table) for task in cohort.tasks}

    def _fitted(self, task: Task, table: pd.DataFrame, labels: np.ndarray) -> Pipeline:
        known = np.isfinite(labels)
        if not known.any():
            return self._pipeline(DummyRegressor(strategy="constant", constant=sum(task.bounds) / 2)).fit(
                table, np.zeros(len(table))
            )
        if len(set(labels[known])) == 1:
            return self._pipeline(DummyRegressor()).fit(table[known], labels[known])
        if task.kind == "binary":
            model = LogisticRegression(C=1 / self.penalty, max_iter=1000)
            return self._pipeline(model).fit(table[known], labels[known].astype(int))
        return self._pipeline(Ridge(self.penalty)).fit(table[known], labels[known])

    def _predicted(self, task: Task, table: pd.DataFrame) -> np.ndarray:
        model = self.models[task.name]
        if hasattr(model, "predict_proba"):
            return model.predict_proba(table)[:, 1]
        return model.predict(table).clip(*task.bounds)

    def _pipeline(self, model: Any) -> Pipeline:
        numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
        words = OneHotEncoder(handle_unknown="ignore")
        parts = [("numbers", numbers, self.numbers), ("words", words, self.words)]
        return make_pipeline(ColumnTransformer(parts), model)

    def _readable(self, table: pd.DataFrame) -> pd.DataFrame:
        """Numbers as floats, and words with one for what is missing."""
        numbers = table[self.numbers].apply(pd.to_numeric, errors="coerce").astype(float)
        return numbers.join(table[self.words].astype(object).fillna("missing").astype(str))
