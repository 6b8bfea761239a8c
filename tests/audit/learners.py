"""Methods with a planted fault, and honest ones, that the audit fits again."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from bench.metrics import auc


def known(cohort, task):
    return ~np.isnan(cohort.labels(task))


@dataclass
class Memory:
    """The label of the training case whose marker is nearest."""

    def fit(self, train, val, run):
        self.markers = {task.name: train.table.loc[known(train, task.name), "marker"] for task in train.tasks}
        self.labels = {task.name: train.labels(task.name)[known(train, task.name)] for task in train.tasks}
        return self

    def predict(self, cohort):
        marker = cohort.table["marker"].to_numpy(dtype=float)
        return {
            task: labels[np.abs(self.markers[task].to_numpy() - marker[:, None]).argmin(axis=1)]
            for task, labels in self.labels.items()
        }


@dataclass
class Deaf:
    """Reads no covariate although it says so."""

    def fit(self, train, val, run):
        self.middle = {task.name: np.nanmean(train.labels(task.name)) for task in train.tasks}
        return self

    def predict(self, cohort):
        noise = np.random.default_rng(0).random(len(cohort)) / 100
        return {task: middle + noise for task, middle in self.middle.items()}


@dataclass
class BestColumn(Deaf):
    """The covariate that orders the training labels best."""

    def fit(self, train, val, run):
        self.best = {}
        for task in train.tasks:
            rows = known(train, task.name)
            labels = train.labels(task.name)[rows]
            labels = labels > np.median(labels) if task.kind == "continuous" else labels == 1
            areas = {
                name: auc(labels.astype(float), train.table.loc[rows, name].to_numpy(dtype=float), None) - 0.5
                for name in train.covariates("clinical")
            }
            name = max(areas, key=lambda name: abs(areas[name]))
            self.best[task.name] = (name, np.sign(areas[name]))
        return self

    def predict(self, cohort):
        return {
            task: sign * cohort.table[name].to_numpy(dtype=float) for task, (name, sign) in self.best.items()
        }


@dataclass
class PerScanner:
    """The marker with the sign that it had in training on the same scanner, else on most of them."""

    def fit(self, train, val, run):
        self.signs = {task.name: self._signs(train, task.name) for task in train.tasks}
        return self

    def _signs(self, train, task):
        table = train.table[known(train, task)]
        labels = table[task] - table[task].median() if table[task].nunique() > 2 else table[task] - 0.5
        return (table["marker"] * labels).groupby(table["scanner"]).mean().map(np.sign)

    def predict(self, cohort):
        return {
            task: cohort.table["marker"] * cohort.table["scanner"].map(signs).fillna(signs.mode()[0])
            for task, signs in self.signs.items()
        }


@dataclass
class Ruler:
    """A number measured in each image, the same for all tasks; ``what`` says which."""

    what: str = "diameter"

    def fit(self, train, val, run):
        self.tasks = [task.name for task in train.tasks]
        return self

    def predict(self, cohort):
        measured = np.array([self._measure(cohort.volume(case_id)) for case_id in cohort.case_ids])
        return dict.fromkeys(self.tasks, measured)

    def _measure(self, volume):
        image, mask = volume.array("image"), volume.array("mask") > 0
        if self.what == "volume":
            return float(mask.sum()) ** 2
        if self.what == "noise":
            return float(np.abs(np.diff(image, axis=2)).mean())
        if self.what == "side":
            half = image.shape[2] // 2
            return float(image[..., :half].mean() - image[..., half:].mean())
        return float((mask.sum() * np.prod(volume.spacing_mm)) ** (1 / 3))


@dataclass
class Linear:
    """Penalised regression on the covariates, or on the diameter of the lesion where ``measured``."""

    measured: bool = False

    def fit(self, train, val, run):
        values = self._values(train)
        self.centre, self.spread = values.mean(axis=0), values.std(axis=0)
        self.models, self.ranges = {}, {task.name: task.range for task in train.tasks}
        for task in train.tasks:
            rows = known(train, task.name)
            model = Ridge(10.0) if task.kind == "continuous" else LogisticRegression(C=0.1)
            scaled = (values[rows] - self.centre) / self.spread
            self.models[task.name] = model.fit(scaled, train.labels(task.name)[rows])
        return self

    def predict(self, cohort):
        values = (self._values(cohort) - self.centre) / self.spread
        return {
            task: model.predict_proba(values)[:, 1]
            if isinstance(model, LogisticRegression)
            else np.clip(model.predict(values), *self.ranges[task])
            for task, model in self.models.items()
        }

    def _values(self, cohort):
        if not self.measured:
            return cohort.covariates("clinical").to_numpy(dtype=float)
        ruler = Ruler()
        return np.array([[ruler._measure(cohort.volume(case_id))] for case_id in cohort.case_ids])
