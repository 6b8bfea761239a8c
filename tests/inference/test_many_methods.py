"""Step-down p of many methods, against the rule that every step looks at every later pair."""

from collections.abc import Iterator

import numpy as np
import pytest

from bench.inference import (
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    draw_patients,
    mean_influence,
    multiplicity,
    patients_of,
)
from bench.metrics import Array, Codes


def equal_together(first: Codes, second: Codes, methods: int) -> Iterator[Codes]:
    """Which pairs, from the k-th on, can be equal together with it, each held against all rejected ones."""
    differ = np.zeros((methods, methods), dtype=bool)
    for step, (one, other) in enumerate(zip(first, second, strict=True)):
        later = np.arange(step, len(first))
        ends = first[later], second[later]
        third = np.zeros(len(later), dtype=bool)
        for shared, mine in ((one, other), (other, one)):
            for end, theirs in (ends, ends[::-1]):
                third |= (end == shared) & differ[mine, theirs]
        yield later[~third]
        differ[one, other] = differ[other, one] = True


def pair_by_pair(
    null: Array, needed: Codes, family: multiplicity._Steps, steps: Codes, observed: Array
) -> Codes:
    """How many resamples reach each step, from the pairs that it is tested with, one step at a time."""
    together = list(equal_together(family.first, family.second, len(family.place)))
    np.testing.assert_array_equal(needed, np.unique(np.concatenate([together[step] for step in steps])))
    rows = [np.searchsorted(needed, together[step]) for step in steps]
    reached = [(null[row].max(axis=0) >= observed[step]).sum() for row, step in zip(rows, steps, strict=True)]
    return np.array(reached)


@pytest.mark.parametrize("levels", [(), (0.05, 0.0125)])
@pytest.mark.parametrize("spread", [0.0, 0.4, 1.5])
def test_p_of_aucs_are_those_of_the_rule_pair_by_pair(
    monkeypatch: pytest.MonkeyPatch, spread: float, levels: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(4)
    truth = (rng.random(120) < 0.5).astype(float)
    scores = rng.standard_normal((9, 1, 120)) + truth * np.linspace(0.5, 0.5 + spread, 9)[:, None, None]
    patients = patients_of(np.arange(120), truth)

    def found() -> Array:
        given = (truth, list(scores), np.zeros(120), patients)
        return auc_adjusted_p(*given, bootstrap=Bootstrap(300, 5), levels=levels)

    ours = found()
    monkeypatch.setattr(multiplicity, "_reached", pair_by_pair)
    np.testing.assert_array_equal(ours, found())


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_p_of_a_family_of_some_pairs_with_equal_and_constant_methods(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    rng = np.random.default_rng(6)
    loss = rng.standard_normal((12, 40)) + np.linspace(0, 2, 12)[:, None]
    loss[3], loss[7] = loss[2], loss[6] + 1  # equal, and better by the same on every case
    pairs = [pair for pair in zip(*np.triu_indices(12, k=1), strict=True) if rng.random() < share]
    patients = patients_of(np.arange(40))
    given = (loss.mean(axis=1), mean_influence(loss, patients), patients, draw_patients(patients, 300), pairs)
    ours = adjusted_p(*given)
    monkeypatch.setattr(multiplicity, "_reached", pair_by_pair)
    np.testing.assert_array_equal(ours, adjusted_p(*given))
