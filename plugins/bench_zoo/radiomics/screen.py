"""From raw features to what a model can use, learnt from the training cases alone."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bench.errors import CohortError

# Quantiles of the training cases that a feature's scale is made of.
QUANTILES = 101
# A feature that fewer training cases than this share have is dropped.
LEAST_KNOWN = 0.5
# A feature that has one value in more training cases than this share is dropped.
MOST_EQUAL = 0.95


@dataclass(frozen=True, eq=False)
class Screen:
    """The features kept and each one's scale.

    A value becomes the standard normal quantile of its place among the training cases (van der Waerden
    scores, interpolated between the training cases' percentiles, and no farther than theirs): features of
    texture span powers of ten, and an unheard-of value shall not outvote the rest. A missing value becomes
    0, the training median.

    Parameters
    ----------
    features
        Names of the columns kept.
    scales
        For each of them, increasing raw values and the scores they stand for, each of shape (quantile,).
    """

    features: tuple[str, ...]
    scales: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def of(cls, table: pd.DataFrame, most_correlated: float) -> Self:
        """The screen that training cases define.

        Parameters
        ----------
        table
            Raw features, shape (case, feature), NaN where missing. Those that most cases lack or that hardly
            vary (:func:`varies`) are dropped.
        most_correlated
            A feature whose scores have a larger absolute correlation with one kept before it, in the order
            of the columns, is dropped.

        Raises
        ------
        CohortError
            No feature is left.
        """
        known = {name: table[name].dropna().to_numpy() for name in table.columns}
        kept_values = {
            name: values
            for name, values in known.items()
            if len(values) >= LEAST_KNOWN * len(table) and varies(values)
        }
        varying = {name: normal_scale(values) for name, values in kept_values.items()}
        if not varying:
            raise CohortError(
                f"radiomics: no feature varies over the {len(table)} training cases; the log names "
                "cases whose features could not be measured, and why"
            )
        names = tuple(varying)
        kept = uncorrelated(cls(names, tuple(varying.values())).apply(table), most_correlated)
        return cls(tuple(names[at] for at in kept), tuple(varying[names[at]] for at in kept))

    def apply(self, table: pd.DataFrame) -> np.ndarray:
        """Scores, finite, shape (case, feature kept); a column that the table lacks counts as missing."""
        raw = table.reindex(columns=list(self.features)).to_numpy(dtype=float)
        scored = np.zeros(raw.shape)
        for at, (values, scores) in enumerate(self.scales):
            scored[:, at] = np.interp(raw[:, at], values, scores)
        return np.where(np.isnan(raw), 0.0, scored)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        scales = [[values.tolist(), scores.tolist()] for values, scores in self.scales]
        return {"features": list(self.features), "scales": scales}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """The screen that :meth:`as_json` wrote."""
        scales = tuple((np.array(values), np.array(scores)) for values, scores in state["scales"])
        return cls(tuple(state["features"]), scales)


def varies(known: np.ndarray) -> bool:
    """Whether the known values, shape (case,), are not nearly constant: no value fills 95 % of the cases.

    A value that fills most cases is their median; sums of floating point that differ in the last digits are
    one value.
    """
    return (
        bool(known.size)
        and float(np.isclose(known, np.median(known), rtol=1e-9, atol=0).mean()) <= MOST_EQUAL
    )


def normal_scale(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct percentiles of the known values, shape (case,), increasing, and their normal scores.

    Percentiles that coincide share their mean score.
    """
    ranks = (np.arange(QUANTILES) + 0.5) / QUANTILES
    values, place = np.unique(np.quantile(known, ranks), return_inverse=True)
    return values, np.bincount(place, weights=ndtri(ranks)) / np.bincount(place)


def uncorrelated(scores: np.ndarray, most: float) -> list[int]:
    """Columns of scores, shape (case, feature), that correlate at most so with every one kept before."""
    centred = scores - scores.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=0).clip(min=1e-12)
    correlation = np.abs(unit.T @ unit)
    kept: list[int] = []
    for column in range(scores.shape[1]):
        if not kept or correlation[column, kept].max() <= most:
            kept.append(column)
    return kept
