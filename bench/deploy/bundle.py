"""A bundle: the fitted models of a method with what their predictions need, as a value and as a folder."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from bench.deploy.coverage import Coverage
from bench.deploy.embedding import Embedding
from bench.errors import StoreError
from bench.predictions.thresholds import Threshold
from bench.task import Task

FORMAT = 2
FILE, MODELS, EMBEDDINGS = "bundle.json", "models", "embeddings.safetensors"


@dataclass(frozen=True)
class Model:
    """One fitted model.

    Parameters
    ----------
    seed, fold
        Of the cell that fitted it.
    folder
        What the method's ``save`` wrote; relative to the bundle's folder in a file.
    learned_from
        Hashes of the exams that it learned from, its validation cases among them, see
        :data:`bench.deploy.facts.DIGEST`.
    checksum
        SHA-256 over the files of the folder.
    """

    seed: int
    fold: int
    folder: Path
    learned_from: frozenset[str] = field(repr=False)
    checksum: str = ""

    @property
    def name(self) -> str:
        """Of its folder in a bundle."""
        return f"seed{self.seed}_fold{self.fold}"


@dataclass(frozen=True)
class CardScore:
    """A test value of the method as its card states it; ``low`` and ``high`` are the 95 % interval."""

    task: str
    metric: str
    value: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True)
class Bundle:
    """The models of one method on one split, and what is known of them.

    Parameters
    ----------
    method, label, target, params, code
        The method, its row, where its class is, its hyperparameters and the fingerprint of its code.
    cohort, cohort_title, synthetic, licence, citation, label_rule, split, split_title, estimand
        On what it was fitted and tested.
    tasks
        What it predicts.
    roles
        Covariate to its role, ``acquisition`` or ``clinical``.
    models
        One a seed and fold.
    thresholds
        Of the binary tasks, one a task, seed, fold and rule.
    coverage
        What its training cases covered.
    scores
        Its test values.
    versions
        Package to version, as the cells recorded them.
    embeddings
        Where the training cases of each model lie in its own embedding, by :attr:`Model.name`; none of a
        method without one. They are written to a file of their own.
    embeddings_checksum
        SHA-256 of that file; empty where there is none.
    """

    method: str
    label: str
    target: str
    params: Mapping[str, Any]
    code: str
    cohort: str
    cohort_title: str
    synthetic: bool
    licence: str
    citation: str
    label_rule: str
    split: str
    split_title: str
    estimand: str
    tasks: tuple[Task, ...]
    roles: Mapping[str, str]
    models: tuple[Model, ...]
    thresholds: tuple[Threshold, ...]
    coverage: Coverage
    scores: tuple[CardScore, ...]
    versions: Mapping[str, str]
    embeddings: Mapping[str, Embedding] = field(default_factory=dict, repr=False, compare=False)
    embeddings_checksum: str = ""
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """The bundle as a JSON object but for the embeddings; folders of models as they are here."""
        content = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "embeddings"}
        content |= {name: [asdict(value) for value in content[name]] for name in _LISTS}
        content["coverage"] = asdict(self.coverage)
        for model in content["models"]:
            model |= {"folder": model["folder"].as_posix(), "learned_from": sorted(model["learned_from"])}
        plain: dict[str, Any] = _without_nan(content)
        return plain

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The bundle of a JSON object; raises StoreError for a newer format or a field that is not known."""
        if content.get("format", FORMAT) > FORMAT:
            raise StoreError(
                f"the bundle has format {content['format']}, this version reads up to {FORMAT}; upgrade "
                "dcebench"
            )
        try:
            values = dict(content)
            values["tasks"] = tuple(Task(**_task(task)) for task in content["tasks"])
            values["models"] = tuple(_model(model) for model in content["models"])
            values["thresholds"] = tuple(Threshold(**_numbers(one, "value")) for one in content["thresholds"])
            values["scores"] = tuple(
                CardScore(**_numbers(one, "value", "low", "high")) for one in content["scores"]
            )
            values["coverage"] = Coverage(**_numbers(content["coverage"], "limit"))
            return cls(**values)
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError(
                f"{FILE} is not of a bundle of this version: {type(error).__name__}: {error}; make it again "
                "with `bench bundle`"
            ) from error


_LISTS = ("tasks", "models", "thresholds", "scores")


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle's folder; raises StoreError where it is none, or a model's files are not as written."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} is not a bundle: {FILE}: {error}; `bench bundle` writes one") from error
    bundle = Bundle.from_json(content)
    for model in bundle.models:
        if not (folder / model.folder).resolve().is_relative_to(folder.resolve()):
            raise StoreError(f"{folder / FILE} names a model outside the bundle: {model.folder}")
        if checksum_of(folder / model.folder) != model.checksum:
            raise StoreError(
                f"the model {folder / model.folder} is not as it was written; make the bundle again"
            )
    placed = (Model(**vars(model) | {"folder": folder / model.folder}) for model in bundle.models)
    return Bundle(**vars(bundle) | {"models": tuple(placed), "embeddings": _embeddings(bundle, folder)})


def _embeddings(bundle: Bundle, folder: Path) -> dict[str, Embedding]:
    """The embeddings in a bundle's folder; raises StoreError where their file is not as it was written."""
    if not bundle.embeddings_checksum:
        return {}
    path = folder / EMBEDDINGS
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != bundle.embeddings_checksum:
        raise StoreError(f"{path} is not as it was written; make the bundle again")
    from safetensors.numpy import load_file

    by_model: dict[str, dict[str, np.ndarray]] = {}
    for key, values in load_file(path).items():
        model, _, name = key.partition("/")
        by_model.setdefault(model, {})[name] = values
    return {model: Embedding.of_arrays(arrays) for model, arrays in by_model.items()}


def checksum_of(folder: Path) -> str:
    """SHA-256 over names and content of the files in a folder; of nothing where there is no folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _task(content: Mapping[str, Any]) -> dict[str, Any]:
    low, high = content["range"]
    return {**content, "range": (-np.inf if low is None else low, np.inf if high is None else high)}


def _model(content: Mapping[str, Any]) -> Model:
    changed = {"folder": Path(content["folder"]), "learned_from": frozenset(content["learned_from"])}
    return Model(**{**content, **changed})


def _numbers(content: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The content, with NaN for the named numbers that JSON has as null."""
    return {**content, **{name: np.nan for name in names if content[name] is None}}


def _without_nan(value: Any) -> Any:
    """The value as JSON can say it: null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(held) for held in value]
    if isinstance(value, Iterable) and not isinstance(value, str):
        return sorted(value)
    return None if isinstance(value, float) and not np.isfinite(value) else value
