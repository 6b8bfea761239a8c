"""Latent biology of the phantom: receptor status and Ki-67 of a lesion.

ER, PR and HER2 are three correlated standard normals cut at their prevalences; Ki-67 is a normal on the
logit scale whose mean depends on the receptors. The prevalences are those of large unselected breast-cancer
series: ER about 74 %, PR about 65 %, HER2 about 18 % (Howlader et al., J Natl Cancer Inst 106:dju055, 2014;
Clark et al., npj Breast Cancer 7:150, 2021). Ki-67 is higher in triple-negative and in HER2-positive
cancers than in luminal ones (Cheang et al., J Natl Cancer Inst 101:736, 2009).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

RECEPTORS = ("er", "pr", "her2")
TASKS = (*RECEPTORS, "ki67")
CORRELATION = np.array([[1.0, 0.75, -0.30], [0.75, 1.0, -0.25], [-0.30, -0.25, 1.0]])
PATTERNS = np.array(list(product((0, 1), repeat=3)), dtype=float)
PAIR_CORRELATION = 0.7

_TRIPLE_NEGATIVE, _HER2_POSITIVE, _SPREAD = 0.95, 0.55, 0.75
_SCORE_CENTRE, _SCORE_SCALE = float(logit(0.25)), 0.8
SCORE_SD = _SPREAD / _SCORE_SCALE


@dataclass(frozen=True)
class Population:
    """Whom a site sees.

    Parameters
    ----------
    er, pr, her2
        Prevalence of a positive receptor, 0-1.
    ki67
        Median Ki-67 index of receptor-positive, HER2-negative lesions, 0-1.
    """

    er: float = 0.74
    pr: float = 0.65
    her2: float = 0.18
    ki67: float = 0.21

    @property
    def cuts(self) -> np.ndarray:
        """Latent value above which each receptor is positive, shape (3,)."""
        return -np.asarray(ndtri([self.er, self.pr, self.her2]))


def ki67_score(index: np.ndarray) -> np.ndarray:
    """Ki-67 index (percentage points, 0-100) on the scale on which it drives appearance: about N(0, 1)."""
    return np.asarray((logit(np.asarray(index) / 100.0) - _SCORE_CENTRE) / _SCORE_SCALE)


def ki67_index(score: np.ndarray) -> np.ndarray:
    """Inverse of :func:`ki67_score`: percentage points, 0-100."""
    return np.asarray(100.0 * expit(_SCORE_CENTRE + _SCORE_SCALE * np.asarray(score)))


def mean_score(receptors: np.ndarray, population: Population) -> np.ndarray:
    """Mean Ki-67 score given receptor status (..., 3); its standard deviation is ``SCORE_SD``."""
    triple_negative = 1.0 - np.max(receptors, axis=-1)
    mean = logit(population.ki67) + _TRIPLE_NEGATIVE * triple_negative + _HER2_POSITIVE * receptors[..., 2]
    return np.asarray((mean - _SCORE_CENTRE) / _SCORE_SCALE)


def latents(normals: np.ndarray) -> np.ndarray:
    """Latents (..., 4) of ER, PR, HER2 and the Ki-67 residual from independent normals (..., 4)."""
    mixing = np.eye(4)
    # Rounded, and summed without BLAS: the same label on every processor, however near to its cut.
    mixing[:3, :3] = np.linalg.cholesky(CORRELATION).round(12)
    return np.asarray(np.sum(normals[..., None, :] * mixing, axis=-1))


def labels(latent: np.ndarray, population: Population) -> np.ndarray:
    """ER, PR, HER2 (0 or 1) and Ki-67 (percentage points), shape (..., 4), of latents (..., 4)."""
    receptors = (latent[..., :3] > population.cuts).astype(float)
    score = mean_score(receptors, population) + SCORE_SD * latent[..., 3]
    return np.concatenate([receptors, ki67_index(score)[..., None]], axis=-1)


def pattern_probabilities(population: Population, nodes: int = 200) -> np.ndarray:
    """Probability of each of the eight ``PATTERNS``, shape (8,), by Gauss-Legendre quadrature.

    ER and PR are integrated over a rectangle of latent values, HER2 given both in closed form.
    """
    cuts, chol = population.cuts, np.linalg.cholesky(CORRELATION)
    points, weights = np.polynomial.legendre.leggauss(nodes)

    def stretch(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        return low + (high - low) * (points + 1) / 2, weights * (high - low) / 2

    probabilities = []
    for er, pr, her2 in PATTERNS:
        x, wx = stretch(cuts[0], 9.0) if er else stretch(-9.0, cuts[0])
        y, wy = stretch(cuts[1], 9.0) if pr else stretch(-9.0, cuts[1])
        u, v = x[:, None], (y[None, :] - chol[1, 0] * x[:, None]) / chol[1, 1]
        below = ndtr((cuts[2] - chol[2, 0] * u - chol[2, 1] * v) / chol[2, 2])
        density = np.exp(-(u**2 + v**2) / 2) / (2 * np.pi * chol[1, 1])
        probabilities.append(wx @ (density * (1 - below if her2 else below)) @ wy)
    return np.array(probabilities)
