"""Adjusted p-values of families of comparisons, against the algorithm written out."""

import numpy as np

from bench.inference import (
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    auc_influence,
    delong,
    draw_patients,
    mean_influence,
    patients_of,
    studentised_difference,
)
from tests.inference.scored_cases import cases, one_seed


def groupings(methods):
    """Every way to part the methods into groups of equals."""
    if not methods:
        yield []
        return
    for rest in groupings(methods[1:]):
        yield [[methods[0]], *rest]
        for place, group in enumerate(rest):
            yield [*rest[:place], [methods[0], *group], *rest[place + 1 :]]


def stepped_down(statistics, null, pairs):
    """Adjusted p of each pair, from every grouping of the methods that the rejected pairs leave possible."""
    possible = []
    for groups in groupings(sorted({method for pair in pairs for method in pair})):
        equal = [at for at, pair in enumerate(pairs) if any(set(pair) <= set(group) for group in groups)]
        possible.append(set(equal))
    left, floor, result = list(range(len(statistics))), 0.0, np.zeros(len(statistics))
    while left:
        top = max(left, key=lambda index: statistics[index])
        together = set().union(*(entry for entry in possible if top in entry and entry <= set(left)))
        maxima = null[sorted(together)].max(axis=0)
        floor = max(floor, (1 + (maxima >= statistics[top]).sum()) / (1 + null.shape[1]))
        result[top] = floor
        left.remove(top)
    return result


def test_adjusted_p_is_romano_and_wolfs_algorithm_with_shaffers_constraints():
    rng = np.random.default_rng(9)
    loss = rng.standard_normal((5, 60)) + np.array([0.0, 0.1, 0.4, 0.4, 0.9])[:, None]
    patients = patients_of(np.arange(60))
    drawn = draw_patients(patients, draws=400)
    first, second = np.triu_indices(5, k=1)
    differences = loss[first] - loss[second]
    null = []
    for held in drawn.T.astype(int):
        sample = np.repeat(differences, held, axis=1)
        moved = sample.mean(axis=1) - differences.mean(axis=1)
        null.append(np.abs(moved) / (sample.std(axis=1, ddof=1) / np.sqrt(60)))
    statistics = np.abs(differences.mean(axis=1)) / (differences.std(axis=1, ddof=1) / np.sqrt(60))
    expected = stepped_down(statistics, np.array(null).T, [*zip(first, second, strict=True)])
    found = adjusted_p(loss.mean(axis=1), mean_influence(loss, patients), patients, drawn, levels=())
    np.testing.assert_allclose(found[first, second], expected, atol=2.5e-3)
    np.testing.assert_array_equal(found, found.T)


def single_pair_variance(truth, first, second, fold):
    """What pairs add to the variance of a difference beyond both of their cases, pair by pair."""
    total, count = 0.0, 0
    for code in np.unique(fold):
        rows = [
            [
                float(first[i] > first[j]) - float(second[i] > second[j])
                for j in np.flatnonzero((fold == code) & (truth == 0))
            ]
            for i in np.flatnonzero((fold == code) & (truth == 1))
        ]
        table = np.array(rows)
        means = table.mean(axis=1)[:, None] + table.mean(axis=0) - table.mean()
        freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
        total += table.size * ((table - means) ** 2).sum() / freedom
        count += table.size
    return total / count**2


def test_adjusted_p_of_areas_counts_pairs_once_and_draws_as_many_patients_as_folds_leave():
    truth, scores = cases(n=90, prevalence=0.3, methods=4, seed=12)
    scores[0] += 0.8 * truth
    fold, folds = np.arange(90) % 3, 3
    patients = patients_of(np.arange(90), truth)
    sample = delong(truth, one_seed(scores), fold)
    first, second = np.triu_indices(4, k=1)
    pairs = [*zip(first, second, strict=True)]
    parts = auc_influence(sample)[first] - auc_influence(sample)[second]
    single = [single_pair_variance(truth, scores[i], scores[j], fold) for i, j in pairs]
    kept = 1 - np.sum(single) / (parts**2).sum()
    statistics = np.abs(sample.auc[first] - sample.auc[second]) / np.sqrt(kept * (parts**2).sum(axis=1))
    null = []
    for held in draw_patients(patients, 500, seed=3, fewer=folds - 1).T.astype(int):
        moved, variance = np.zeros(len(pairs)), np.zeros(len(pairs))
        for label in (0, 1):
            drawn = np.repeat(parts[:, truth == label], held[truth == label], axis=1)
            size = int((truth == label).sum())
            assert drawn.shape[1] == size - folds + 1
            moved += size * drawn.mean(axis=1)
            variance += size**2 * drawn.var(axis=1, ddof=1) / drawn.shape[1]
        null.append(np.abs(moved) / np.sqrt(variance))
    expected = stepped_down(statistics, np.array(null).T, pairs)
    found = auc_adjusted_p(truth, one_seed(scores), fold, patients, bootstrap=Bootstrap(500, 3), levels=())
    np.testing.assert_allclose(found[first, second], expected, atol=1e-12)
    assert 0.5 < kept < 0.97
    assert expected.min() < 0.05 < expected.max()


def test_a_family_of_one_has_the_p_of_the_difference_itself():
    loss = np.random.default_rng(16).standard_normal((3, 40)) + np.array([0.0, 0.3, 0.1])[:, None]
    patients = patients_of(np.arange(40))
    drawn, influence = draw_patients(patients, draws=500), mean_influence(loss, patients)
    adjusted = adjusted_p(loss.mean(axis=1), influence, patients, drawn, [(1, 0)])
    value = loss[1].mean() - loss[0].mean()
    alone = studentised_difference(value, influence[1] - influence[0], patients, drawn)
    assert adjusted[1, 0] == adjusted[0, 1] == alone.p
    assert np.isnan(adjusted[2, 0])


def test_a_smaller_family_never_has_a_larger_adjusted_p():
    loss = np.random.default_rng(17).standard_normal((5, 60)) + np.linspace(0, 0.8, 5)[:, None]
    patients = patients_of(np.arange(60))
    drawn, influence = draw_patients(patients, draws=500), mean_influence(loss, patients)
    everything = adjusted_p(loss.mean(axis=1), influence, patients, drawn)
    reference = adjusted_p(loss.mean(axis=1), influence, patients, drawn, [(row, 0) for row in range(1, 5)])
    assert (reference[1:, 0] <= everything[1:, 0]).all()
    assert (reference[1:, 0] < everything[1:, 0]).any()


def test_unanimous_differences_pay_for_the_size_of_their_family():
    patients = patients_of(np.arange(6))
    values, influence = np.arange(10.0), np.zeros((10, 6))
    drawn = draw_patients(patients, 500)
    alone = adjusted_p(values[:2], influence[:2], patients, drawn)[0, 1]
    assert alone == 2 * 0.5**6
    assert adjusted_p(values, influence, patients, drawn)[0, 1] == 1
