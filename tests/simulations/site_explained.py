"""How often a value is said to be explained by the site, where it is not and where it is.

    python tests/simulations/site_explained.py --repeats 4000

Cases of four sites; scores hold the label, the site's prevalence, or both. ``flagged``: share of methods
whose area within sites is clearly below that over all pairs (:mod:`bench.scoring.confounding`), each one of
``--methods`` on a board; 5 % or less of the boards is aimed at where no score holds the site.
"""

import argparse

import numpy as np

from bench.inference import patients_of
from bench.metrics import Array
from bench.scoring.confounding import clearly_lower
from bench.scoring.sample import Sample
from bench.task import Task

SITES = 4
SETTINGS = ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 3.0))


def drawn(rng: np.random.Generator, n: int, own: float, site_part: float, methods: int, folds: int) -> Sample:
    """Cases whose prevalence differs between sites, and methods of the same kind."""
    site = rng.integers(SITES, size=n)
    prevalence = np.array([0.35, 0.5, 0.65, 0.8])[site]
    truth = (rng.random(n) < prevalence).astype(float)
    noise = rng.standard_normal((methods, 1, n))
    scores: Array = own * truth + site_part * (prevalence - prevalence.mean()) * 5 + noise
    return Sample(
        task=Task("er", "binary"),
        truth=truth,
        fold=np.arange(n) % folds,
        site=site,
        patients=patients_of(np.arange(n), truth),
        predictions={str(index): row for index, row in enumerate(scores)},
        statuses={},
        constant=np.full(n, 0.5),
        ceiling=None,
    )


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--methods", type=int, default=8)
    asked = parser.parse_args()
    print("| n | folds | own signal | site part | flagged | any of the board |\n|---|---|---|---|---|---|")
    for n in (74, 177):
        for folds in (1, 5):
            for own, site_part in SETTINGS:
                rng = np.random.default_rng([n, folds])
                found = np.array(
                    [
                        clearly_lower(drawn(rng, n, own, site_part, asked.methods, folds))
                        for _ in range(asked.repeats)
                    ]
                )
                shares = f"{found.mean():.3f} | {found.any(axis=1).mean():.3f}"
                print(f"| {n} | {folds} | {own} | {site_part} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
