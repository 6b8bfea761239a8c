"""Coverage of the intervals of subgroups, new sites, agreement, margins and claims, by simulation.

    python tests/simulations/group_intervals.py --repeats 2000

``gap``: the interval of the largest gap between the shares of groups (at least 95 %, on the safe side).
``difference``: MOVER on Wilson's intervals of two groups. ``new site``: how often the true value of a
further site lies in the prediction interval. ``ICC``: McGraw & Wong's interval of absolute agreement.
``margin``: share of pairs called not inferior whose true difference is the margin itself (at most .025),
with the normal interval. ``claim``: among simulated claims with about the stated probability of being
false, the share that is false, with true differences from a wide normal prior.
"""

import argparse

import numpy as np

from bench.inference import outperformance
from bench.inference.agreement import absolute_agreement
from bench.inference.heterogeneity import between_sites
from bench.inference.shares import difference_interval, largest_gap, wilson


def gaps(repeats: int, rng: np.random.Generator) -> None:
    """Largest gap and difference of groups."""
    for counts, truth in (
        ((30, 30), (0.7, 0.7)),
        ((20, 60), (0.9, 0.7)),
        ((25, 25, 40), (0.6, 0.6, 0.6)),
        ((20, 30, 50), (0.9, 0.7, 0.6)),
    ):
        largest = max(truth) - min(truth)
        held = pairs = 0
        for _ in range(repeats):
            shares = rng.binomial(counts, truth) / counts
            _, (low, high) = largest_gap(list(shares), list(counts))
            held += low <= largest <= high
            alone = [wilson(share, n) for share, n in zip(shares[:2], counts[:2], strict=True)]
            low, high = difference_interval(shares[0], alone[0], shares[1], alone[1])
            pairs += low <= truth[0] - truth[1] <= high
        print(f"gap {counts} {truth}: {held / repeats:.3f}; difference {pairs / repeats:.3f}", flush=True)


def new_sites(repeats: int, rng: np.random.Generator) -> None:
    """Prediction intervals of another site."""
    for sites, tau in ((3, 0.0), (3, 0.3), (5, 0.3), (10, 0.3), (10, 0.6)):
        held = 0
        for _ in range(repeats):
            errors = rng.uniform(0.15, 0.45, sites)
            values = 1.0 + tau * rng.standard_normal(sites) + errors * rng.standard_normal(sites)
            low, high = between_sites(values, errors).new_site
            held += low <= 1.0 + tau * rng.standard_normal() <= high
        print(f"new site, {sites} sites, tau {tau}: {held / repeats:.3f}", flush=True)


def agreements(repeats: int, rng: np.random.Generator) -> None:
    """Intervals of the ICC, whose second measurement has an offset drawn anew as that of a random rater."""
    for n, true in ((20, 0.75), (40, 0.75), (40, 0.9), (40, 0.5)):
        held = 0
        noise = 1 / true - 1
        for _ in range(repeats):
            people = rng.standard_normal(n)
            first, second = people + np.sqrt(noise) * rng.standard_normal((2, n))
            low, high = absolute_agreement(first, second).interval
            held += low <= true <= high
        print(f"ICC {true}, {n} patients: {held / repeats:.3f}", flush=True)


def margins(repeats: int, rng: np.random.Generator) -> None:
    """Type-I error of non-inferiority at the margin: AUC of two binormal methods."""
    from statistics import NormalDist

    from bench.inference import auc_difference

    for n, positives, better, worse in ((74, 53, 0.80, 0.75), (200, 80, 0.80, 0.75)):
        truth = (np.arange(n) < positives).astype(float)
        claimed = 0
        for _ in range(repeats):
            shared = rng.standard_normal(n)
            rows = [
                np.sqrt(0.5) * shared
                + np.sqrt(0.5) * rng.standard_normal(n)
                + np.sqrt(2) * NormalDist().inv_cdf(auc) * truth
                for auc in (worse, better)
            ]
            found = auc_difference(truth, rows[0][None], rows[1][None], np.zeros(n, int), np.arange(n))
            claimed += found.interval.low > -(better - worse)
        print(f"margin {better - worse:.2f}, n {n}: {claimed / repeats:.4f}", flush=True)


def claims(repeats: int, rng: np.random.Generator) -> None:
    """Calibration of the probability that a claim is false."""
    stated, false = [], []
    for _ in range(10 * repeats):
        true = 0.15 * rng.standard_normal()
        error = outperformance(0.8, 0.75, 74, 53, 0.5).error
        seen = true + error * rng.standard_normal()
        if not 0 < seen < 0.2:
            continue
        stated.append(outperformance(0.75 + seen, 0.75, 74, 53, 0.5).false)
        false.append(true <= 0)
    said, was = np.array(stated), np.array(false)
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.3), (0.3, 0.5)):
        chosen = (said >= low) & (said < high)
        print(f"claims stated at {said[chosen].mean():.3f}: {was[chosen].mean():.3f} false ({chosen.sum()})")


def main() -> None:
    """Print a line a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    for part, examine in enumerate((gaps, new_sites, agreements, margins, claims)):
        examine(repeats, np.random.default_rng(part))


if __name__ == "__main__":
    main()
