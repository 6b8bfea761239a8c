"""Few features that say much of a label and little of each other."""

import numpy as np

# Correlations nearer to 1 or 0 than this are rounding.
ROUNDING = 1e-9


def select_features(features: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    r"""Places of features in the order of minimum redundancy and maximum relevance.

    The first has the largest :math:`F`. Each next one :math:`j` has the largest

    .. math:: F_j \Big/ \frac1{|S|} \sum_{s \in S} |r_{js}|,
              \qquad F_j = (n - 2) \frac{r_{jy}^2}{1 - r_{jy}^2}

    over the features :math:`S` chosen before, with Pearson's correlation :math:`r`: the F-test correlation
    quotient of Ding and Peng (J Bioinform Comput Biol 3:185, 2005). Of two classes, labelled 0 and 1,
    :math:`F` is the statistic of the analysis of variance, so one formula serves both kinds of task. Ties go
    to the earlier column; there is no randomness.

    Parameters
    ----------
    features
        Finite, shape (case, feature).
    labels
        Finite, shape (case,).
    count
        Most features to choose.

    Returns
    -------
    numpy.ndarray
        Shape (min(count, feature),), int. The first k places are what a smaller count k gives.
    """
    unit = _unit(features)
    between: np.ndarray = np.abs(unit.T @ unit).clip(min=ROUNDING)
    square = np.square(unit.T @ _unit(labels[:, None])[:, 0]).clip(max=1 - ROUNDING)
    relevance = (len(labels) - 2) * square / (1 - square)
    chosen: list[int] = []
    redundancy = np.ones(len(relevance))
    while len(chosen) < min(count, len(relevance)):
        worth = relevance / redundancy
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        redundancy = between[:, chosen].mean(axis=1)
    return np.array(chosen, dtype=int)


def _unit(columns: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and length 1; a constant column becomes 0."""
    centred = columns - columns.mean(axis=0)
    return np.asarray(centred / np.linalg.norm(centred, axis=0).clip(min=ROUNDING))
