"""The stored models of a row, and which of them explain a case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.deploy.bundle import Bundle
from bench.deploy.collect import kept_models
from bench.deploy.facts import DIGEST, exam_facts
from bench.deploy.predict import model_loader
from bench.methods.method import Method
from bench.methods.registry import Registry
from bench.splits.fold import Fold
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


def models_of_bundle(bundle: Bundle, exams: Cohort, registry: Registry) -> RowModels:
    """The models of a bundle for exams: those that have not learned from an exam explain it.

    Parameters
    ----------
    exams
        What they are for; which of them a model has learned from is known by a hash of the voxels.

    Raises
    ------
    UsageError
        The installed code is not what fitted them, or the exams lack what the method needs.
    """
    load = model_loader(
        registry.spec(bundle.method), bundle.label, bundle.params, bundle.code, bundle.versions, exams
    )
    folders = {(model.seed, model.fold): model.folder for model in bundle.models}
    return RowModels(bundle.label, bundle.method, folders, _learned(bundle, exams), load)


def _learned(bundle: Bundle, exams: Cohort) -> Split:
    """The split of the models as far as the exams are concerned: in each fold those that it learned from."""
    facts = exam_facts(exams.blind())
    digests = facts[DIGEST].astype(str) if DIGEST in facts else facts.index.to_series().map(lambda _: "")
    sources = {model.fold: model.learned_from for model in bundle.models}
    folds = [
        Fold(fold, tuple(sorted(digests.index[digests.isin(sources.get(fold, ()))])), (), ())
        for fold in range(max(sources, default=-1) + 1)
    ]
    return Split(
        name=bundle.split,
        title=bundle.split_title,
        estimand=bundle.estimand,
        seed=0,
        validation_share=0.0,
        folds=tuple(folds),
        fingerprint="",
        protocol="",
    )
