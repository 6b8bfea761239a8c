"""What the training cases covered, and what of an exam lies outside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.deploy.facts import APPEARANCE, DIGEST

# Of the training cases themselves this share lies nearer to their mean than the limit.
APPEARANCE_QUANTILE = 0.99
MAX_NAMED = 5


@dataclass(frozen=True)
class Coverage:
    """What the training cases covered.

    Parameters
    ----------
    cases
        How many they were.
    bounds
        Quantity to its lowest and highest value.
    categories
        Covariate to the words that it took.
    centre, precision, limit
        Mean and inverse covariance of the appearance in the regions, and the Mahalanobis distance that 99 %
        of the training cases stay within; empty where the cases have no images.
    """

    cases: int
    bounds: Mapping[str, tuple[float, float]]
    categories: Mapping[str, tuple[str, ...]]
    centre: Sequence[float] = ()
    precision: Sequence[Sequence[float]] = ()
    limit: float = np.nan


def coverage_of(facts: pd.DataFrame) -> Coverage:
    """What these cases cover, from :func:`bench.deploy.facts.exam_facts` of them."""
    plain = facts.drop(columns=[DIGEST, *APPEARANCE], errors="ignore")
    numbers = plain.select_dtypes("number").dropna(axis=1, how="all")
    words = plain.select_dtypes(exclude="number")
    centre, precision, limit = _appearance(facts)
    return Coverage(
        cases=len(facts),
        bounds={str(name): (float(held.min()), float(held.max())) for name, held in numbers.items()},
        categories={
            str(name): tuple(sorted(map(str, held.dropna().unique()))) for name, held in words.items()
        },
        centre=centre,
        precision=precision,
        limit=limit,
    )


def outside(coverage: Coverage, exam: Mapping[str, Any]) -> list[str]:
    """What of an exam, one row of the facts, the training cases did not cover: a sentence for each."""
    return [*_far_numbers(coverage, exam), *_new_words(coverage, exam), *_odd_appearance(coverage, exam)]


def _far_numbers(coverage: Coverage, exam: Mapping[str, Any]) -> Iterator[str]:
    far, unknown = [], []
    for name, (low, high) in coverage.bounds.items():
        value = float(exam.get(name, np.nan))
        if np.isnan(value):
            unknown.append(name)
        elif not low <= value <= high:
            far.append(f"{name} is {value:.4g}, in training {low:.4g} to {high:.4g}")
    yield from far[:MAX_NAMED]
    if len(far) > MAX_NAMED:
        yield f"{len(far) - MAX_NAMED} more quantities lie outside what training covered"
    if unknown:
        yield f"not known of this exam: {', '.join(unknown[:MAX_NAMED])}{_more(unknown)}"


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""


def _new_words(coverage: Coverage, exam: Mapping[str, Any]) -> Iterator[str]:
    for name, known in coverage.categories.items():
        word = exam.get(name)
        if word is None or word != word:
            yield f"{name} is not known of this exam"
        elif str(word) not in known:
            yield f"{name} is {str(word)!r}, in training {', '.join(known[:MAX_NAMED])}{_more(known)}"


def _odd_appearance(coverage: Coverage, exam: Mapping[str, Any]) -> Iterator[str]:
    if not len(coverage.centre):
        return
    seen = np.array([float(exam.get(name, np.nan)) for name in APPEARANCE])
    if np.isnan(seen).any():
        yield "the lesion has an empty region, so its appearance cannot be compared with training"
        return
    distance = float(_distances(seen[None], np.array(coverage.centre), np.array(coverage.precision))[0])
    if distance > coverage.limit:
        yield (
            f"the intensities in core, rim and peritumoural region are unlike those of training (Mahalanobis "
            f"distance {distance:.3g}; {APPEARANCE_QUANTILE:.0%} of the training cases within "
            f"{coverage.limit:.3g}): another phase or another scaling?"
        )


def _appearance(facts: pd.DataFrame) -> tuple[list[float], list[list[float]], float]:
    """Mean, inverse covariance and limit; empty without images or with too few cases for a covariance."""
    seen = facts[list(APPEARANCE)].dropna().to_numpy(float) if APPEARANCE[0] in facts else np.empty((0, 0))
    if len(seen) <= 2 * len(APPEARANCE):
        return [], [], np.nan
    centre = seen.mean(axis=0)
    precision = np.linalg.pinv(np.cov(seen, rowvar=False))
    limit = float(np.quantile(_distances(seen, centre, precision), APPEARANCE_QUANTILE))
    return centre.tolist(), precision.tolist(), limit


def _distances(seen: np.ndarray, centre: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Mahalanobis distance of each row, shape (case,)."""
    away = seen - centre
    return np.asarray(np.sqrt(np.einsum("ci,ij,cj->c", away, precision, away)))
