"""The stored models of a row, and which of them explain a case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.deploy.collect import kept_models
from bench.deploy.predict import model_loader
from bench.methods.method import Method
from bench.methods.registry import Registry
from bench.splits.split import Split
from bench.store.store import Store

Key = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RowModels:
    """The fitted models of a row by seed and fold, each read when it is first needed.

    Parameters
    ----------
    label, method
        Name of the row and of its method.
    folders
        Seed and fold to the folder of the model.
    split
        That the models were fitted on.
    load
        Reads a model.
    """

    label: str
    method: str
    folders: Mapping[Key, Path]
    split: Split
    load: Callable[[Path], Method] = field(repr=False)
    read: dict[Key, Method] = field(default_factory=dict, repr=False)

    def of_case(self, case_id: str) -> dict[Key, Method]:
        """The models that were tested on a case; where none was, those that have not learned from it.

        Where all have learned from it, all: :meth:`has_learned` tells.
        """
        folds = self.split.folds
        tested = {fold.index for fold in folds if case_id in fold.test}
        unseen = {fold.index for fold in folds if case_id not in (*fold.train, *fold.val)}
        for chosen in (tested, unseen, {fold.index for fold in folds}):
            keys = [key for key in self.folders if key[1] in chosen]
            if keys:
                break
        return {key: self._model(key) for key in keys}

    def has_learned(self, case_id: str) -> bool:
        """Whether every model has learned from the case, which it then remembers."""
        return all(
            case_id in (*self.split.folds[fold].train, *self.split.folds[fold].val)
            for _, fold in self.folders
        )

    def _model(self, key: Key) -> Method:
        if key not in self.read:
            self.read[key] = self.load(self.folders[key])
        return self.read[key]


def models_of_row(cohort: Cohort, split: Split, store: Store, label: str, registry: Registry) -> RowModels:
    """The fitted models of a row of the store.

    Raises
    ------
    UsageError
        There is no such row, it keeps no models, or the installed code is not what fitted them.
    """
    kept = kept_models(cohort, split, store, label)
    record, _ = kept[0]
    identity = record.identity
    name = str(identity["method"])
    packages = (record.environment or {}).get("packages", {})
    load = model_loader(
        registry.spec(name), label, identity["params"], str(identity["code"]), packages, cohort
    )
    folders = {(one.seed, one.fold): folder for one, folder in kept}
    return RowModels(label, name, folders, split, load)
