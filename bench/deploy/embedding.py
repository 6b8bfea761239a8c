"""How far an exam lies from the training cases in a network's own embedding."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.deploy.offers import embeddings
from bench.files import cache_dir, replacing
from bench.methods.method import Method
from bench.splits.fold import Fold

FEWEST = 20
"""Training cases below which a covariance is not estimated."""
QUANTILE = 0.99
FOLDER = "embeddings"


@dataclass(frozen=True, eq=False)
class Embedding:
    """Where the training cases of one model lie in its own embedding.

    Parameters
    ----------
    centre, precision
        Mean, shape (feature,), and inverse of the shrunk covariance (Ledoit and Wolf, J Multivar Anal 88:365,
        2004), shape (feature, feature), of its training cases alone.
    limit
        Mahalanobis distance of which its validation cases, to which no weight was fitted, say how rarely an
        exam like them lies beyond.
    beyond
        That share: at most 1 %, or 1 in n + 1 where there are too few validation cases for it.
    held_out
        Number n of validation cases.
    """

    centre: np.ndarray
    precision: np.ndarray
    limit: float
    beyond: float
    held_out: int

    def distances(self, seen: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of each row of embeddings (case, feature), shape (case,)."""
        away = seen - self.centre
        return np.asarray(np.sqrt(np.einsum("ci,ij,cj->c", away, self.precision, away)))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Its values as arrays by name."""
        numbers = np.array([self.limit, self.beyond, self.held_out], np.float64)
        return {"centre": self.centre, "precision": self.precision, "numbers": numbers}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Embedding":
        """What :meth:`to_arrays` gave."""
        limit, beyond, held_out = map(float, arrays["numbers"])
        return cls(arrays["centre"], arrays["precision"], limit, beyond, int(held_out))


def embedding_of(
    load: Callable[[Path], Method], folder: Path, cohort: Cohort, fold: Fold
) -> Embedding | None:
    """Where the training cases of a fitted model lie; None for a method without an embedding.

    Parameters
    ----------
    load, folder
        Reads the model, and where it lies.
    cohort, fold
        The fold that it was fitted on.

    Returns
    -------
    Embedding or None
        None too where there are fewer than :data:`FEWEST` training cases, or no validation case.
    """
    if len(fold.train) < FEWEST or not fold.val:
        return None
    method = load(folder)
    learned = embeddings(method, cohort.take(fold.train).blind())
    held_out = embeddings(method, cohort.take(fold.val).blind())
    return None if learned is None or held_out is None else measured(learned, held_out)


def measured(learned: np.ndarray, held_out: np.ndarray) -> Embedding:
    """The embedding's range, from those of training and of validation cases, shape (case, feature)."""
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(learned.astype(np.float64))
    count = len(held_out)
    place = min(math.ceil((count + 1) * QUANTILE), count)
    found = Embedding(fitted.location_, fitted.precision_, math.nan, 1 - place / (count + 1), count)
    limit = float(np.sort(found.distances(held_out))[place - 1])
    return Embedding(found.centre, found.precision, limit, found.beyond, count)


def kept_embedding(
    checksum: str, cohort: Cohort, fold: Fold, make: Callable[[], Embedding | None]
) -> Embedding | None:
    """What ``make`` gives of a model with this checksum on these cases, from the cache where it is there."""
    from safetensors.numpy import load_file, save_file

    recipe = json.dumps([checksum, cohort.fingerprint, fold.train, fold.val])
    path = cache_dir() / FOLDER / f"{hashlib.sha256(recipe.encode()).hexdigest()[:32]}.safetensors"
    if path.is_file():
        return Embedding.of_arrays(load_file(path))
    found = make()
    if found is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            save_file(found.to_arrays(), aside)
    return found


def far_from_training(ranges: Sequence[Embedding], seen: Sequence[np.ndarray]) -> str:
    """A sentence where more than half of the models find an exam beyond their limit; else empty.

    Parameters
    ----------
    ranges, seen
        Of each model that counts for the exam: the range of its training, and its embedding of the exam,
        shape (feature,).
    """
    if not ranges:
        return ""
    far = [
        (distance, one)
        for one, row in zip(ranges, seen, strict=True)
        if (distance := float(one.distances(row[None])[0])) > one.limit
    ]
    if len(far) <= len(ranges) / 2:
        return ""
    distance, one = max(far, key=lambda pair: pair[0] / pair[1].limit)
    return (
        "the network's own embedding of the exam lies farther from those of its training cases than those of "
        f"validation cases do, by {len(far)} of {len(ranges)} models (Mahalanobis distance {distance:.3g}, "
        f"limit {one.limit:.3g} by {one.held_out} validation cases, beyond which {one.beyond:.1%} of exams "
        "like these lie for each model): the exam may be unlike those of training, which does not say what "
        "differs, nor that the prediction is wrong"
    )
