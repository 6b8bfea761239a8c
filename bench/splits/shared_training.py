"""What cross-validation adds to a variance: training cases that folds share."""

from bench.splits.split import Split


def variance_factor(split: Split) -> float:
    r"""By what variances of fitted models are multiplied so that they speak of the procedure.

    .. math:: 1 + n_{tested} / \bar n_{learned}

    with the cases that all folds test and the mean number that a fold learns from, validation included: 2.25
    for five folds of one population, 1 + 74 / 680 where 74 external cases are cross-validated beside 620
    internal ones that every fold learns from. It is the correction of Nadeau & Bengio (2003), :math:`1 / J +
    n_2 / n_1`, for one round of J folds, relative to the 1 / J of fitted models.

    Where nothing can be learned the score of a case is a sum over those it was learned from, so each pair
    of cases appears twice, once from either side, and the variance given the models holds half of it: the
    factor is 2 for any number of folds. ``tests/simulations/procedures.py`` refits models: without a factor 7
    to 20 % of the tests of two equal procedures reject at 5 %, with it at most 6.5 %, and fewer the better
    the models are.

    Where no two folds learn from the same case, as across the draws of a population, what one learned says
    nothing of what another did: the mean over folds rests on all learned cases together, which take the place
    of the mean number. The factor is 2 where each case is learned from once and tested once
    (``tests/simulations/disjoint_training.py``).

    A split of one fold has the factor 1: its numbers are about the models that were fitted.
    """
    if len(split.folds) < 2:
        return 1.0
    tested = sum(len(fold.test) for fold in split.folds)
    learned = [case for fold in split.folds for case in (*fold.train, *fold.val)]
    apart = len(set(learned)) == len(learned)
    return 1.0 + tested / (len(learned) if apart else len(learned) / len(split.folds))
