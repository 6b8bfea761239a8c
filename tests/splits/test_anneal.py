"""Exchanges that are looked at together are those of one at a time."""

import numpy as np
import pytest

from bench.splits import anneal as annealing
from bench.splits.anneal import anneal, found


def imbalance(counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray) -> float:
    wanted = shares[:, None] * counts.sum(axis=0)
    return float(((found(counts, part_of, len(shares)) - wanted) ** 2 / wanted).sum())


def one_at_a_time(
    counts: np.ndarray, part_of: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The rule in its plain form: exchange two patients where the imbalance rises by less than tolerated."""
    part_of = part_of.copy()
    for temperature in annealing._temperatures():
        ones, others = rng.integers(len(counts), size=(2, len(counts)))
        tolerated = -temperature * np.log1p(-rng.random(len(ones))) - annealing.MIN_GAIN
        for one, other, most in zip(ones, others, tolerated, strict=True):
            swapped = part_of.copy()
            swapped[[one, other]] = part_of[[other, one]]
            rise = imbalance(counts, swapped, shares) - imbalance(counts, part_of, shares)
            if part_of[one] != part_of[other] and rise < most:
                part_of = swapped
    return part_of


@pytest.mark.parametrize("shares", [[0.2] * 5, [0.8, 0.2], [0.7, 0.1, 0.2]], ids=["5", "2", "3"])
def test_the_placement_is_that_of_the_plain_rule(
    shares: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annealing, "AT_ONCE", 16)
    rng = np.random.default_rng(len(shares))
    counts = np.column_stack([np.ones(40), *(rng.integers(0, 3, (4, 40)) + (np.arange(40) == 0))])
    start, ratio = rng.integers(len(shares), size=40), np.array(shares)
    plain = one_at_a_time(counts, start, ratio, np.random.default_rng(1))
    together = anneal(counts, start, ratio, np.random.default_rng(1))
    np.testing.assert_array_equal(together, plain)
    assert imbalance(counts, together, ratio) < imbalance(counts, start, ratio)
