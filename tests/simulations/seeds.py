"""Type-I error of the difference of two methods that were trained with several seeds, by simulation.

    python tests/simulations/seeds.py --repeats 4000

Two methods are equally good on average over training seeds; each seed moves the true AUC of a method (by a
standard deviation of ``moved``) and gives its scores a noise of their own. Share of the tests at 5 % that
reject, without the variance between seeds and with it.
"""

import argparse
from itertools import product

import numpy as np
from scipy.special import ndtri

from bench.inference import auc_difference, delong
from bench.inference.delong import _difference_error
from bench.inference.estimate import two_sided


def scores(truth: np.ndarray, seeds: int, area: float, moved: float, rng: np.random.Generator) -> np.ndarray:
    """Scores, shape (seed, case): a part that seeds share, a part of their own, a strength of their own."""
    strengths = np.sqrt(2) * ndtri(np.clip(area + moved * rng.standard_normal(seeds), 0.02, 0.98))
    shared, own = rng.standard_normal(len(truth)), rng.standard_normal((seeds, len(truth)))
    return strengths[:, None] * truth + np.sqrt(0.7) * shared + np.sqrt(0.3) * own


def p_without(truth: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """What the test gives when the seeds are read as if there were no others."""
    sample = delong(truth, [one, other], seeds=[range(len(one)), range(len(one))])
    fixed = delong(truth, [one, other])
    quiet = type(fixed)(**{**vars(sample), "seeds": np.zeros((2, 1))})
    error, freedom = _difference_error(quiet, truth, one, other, None)
    return two_sided(float(sample.auc[0] - sample.auc[1]) / error, freedom)


def main() -> None:
    """Print one row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("   n  seeds  moved   without   with")
    for n, seeds, moved in product((74, 177), (2, 3), (0.0, 0.02, 0.05)):
        rng = np.random.default_rng([n, seeds, round(100 * moved)])
        truth = (np.arange(n) < n // 2).astype(float)
        rows = []
        for _ in range(repeats):
            one, other = (scores(truth, seeds, 0.7, moved, rng) for _ in range(2))
            rows.append((p_without(truth, one, other), auc_difference(truth, one, other).p))
        shares = (np.array(rows) < 0.05).mean(axis=0)
        print(f"{n:4d}{seeds:7d}{moved:7.2f}{shares[0]:10.3f}{shares[1]:7.3f}", flush=True)


if __name__ == "__main__":
    main()
