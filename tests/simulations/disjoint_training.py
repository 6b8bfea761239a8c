"""Type-I error where no two folds learn from the same case, as across the draws of a population.

    python tests/simulations/disjoint_training.py

Four draws of ``n`` cases; two nearest-mean classifiers of equal strength (0: nothing can be learned) read
different features, learn from one draw and are tested on the next, in a circle. Prints how often 0 lies
outside the 95 % interval of the difference of their AUC, with the variance of the fitted models times the
factor of :func:`bench.splits.shared_training.variance_factor` (2 here), times 1, and times the 5 that the
mean size of a training part would give; and the same share for the first classifier against an AUC of 0.5,
where strength is 0.
"""

import argparse
from itertools import product

import numpy as np

DRAWS, FEATURES = 4, 4
FACTORS = (1.0, 2.0, 5.0)


def main() -> None:
    """Print a row a number of cases and strength."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    repeats = parser.parse_args().repeats
    print("cases a draw, prevalence, strength: error of the difference / of one AUC, by factor 1, 2, 5")
    for n, prevalence, strength in product((74, 222), (0.18, 0.74), (0.0, 0.2, 0.5)):
        rng = np.random.default_rng([n, round(100 * prevalence), round(10 * strength)])
        found = np.array([deviations(n, prevalence, strength, rng) for _ in range(repeats)])
        errors = [np.mean(np.abs(found) > 1.96 * np.sqrt(factor), axis=0) for factor in FACTORS]
        both = [" ".join(f"{error[column]:.3f}" for error in errors) for column in range(2)]
        alone = both[1] if strength == 0 else "-"
        print(f"{n:4d}  {prevalence:.2f}  {strength:.1f}   {both[0]} / {alone}", flush=True)


def deviations(n: int, prevalence: float, strength: float, rng: np.random.Generator) -> tuple[float, float]:
    """Difference of the two AUC, and the first less 0.5, in standard errors given the models."""
    truth = np.zeros((DRAWS, n), dtype=bool)
    truth[:, : round(prevalence * n)] = True
    features = rng.standard_normal((2, DRAWS, n, FEATURES)) + strength * truth[None, :, :, None]
    values, influence = [], []
    for learn in range(DRAWS):
        test = (learn + 1) % DRAWS
        scores = np.stack([_scores(features[k], truth, learn, test) for k in range(2)])
        area, parts = _components(scores, truth[test])
        values.append(area)
        influence.append(parts)
    area = np.mean(values, axis=0)
    parts = np.concatenate(influence, axis=1) / DRAWS
    errors = np.sqrt([((parts[0] - parts[1]) ** 2).sum(), (parts[0] ** 2).sum()])
    return float((area[0] - area[1]) / errors[0]), float((area[0] - 0.5) / errors[1])


def _scores(features: np.ndarray, truth: np.ndarray, learn: int, test: int) -> np.ndarray:
    """Projection of a draw on the difference of the class means of another."""
    ill, well = features[learn][truth[learn]], features[learn][~truth[learn]]
    projected: np.ndarray = features[test] @ (ill.mean(axis=0) - well.mean(axis=0))
    return projected


def _components(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUC of each row of scores (method, case), and what each case adds to it (DeLong's components)."""
    above = (scores[:, truth][:, :, None] > scores[:, ~truth][:, None, :]).astype(float)
    area = above.mean(axis=(1, 2))
    ill = (above.mean(axis=2) - area[:, None]) / np.sqrt(truth.sum() * (truth.sum() - 1))
    well = (above.mean(axis=1) - area[:, None]) / np.sqrt((~truth).sum() * ((~truth).sum() - 1))
    return area, np.concatenate([ill, well], axis=1)


if __name__ == "__main__":
    main()
