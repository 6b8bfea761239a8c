"""False alarms of the audit on tables of features, and what it finds after whole-cohort preparations.

    python tests/simulations/prepared_features.py --repeats 2000

Correlated features at sites that do or do not differ. ``clean``: share of tables in which BA026 (means of
sites too alike) or BA024 (mixtures of rows) is raised, nominally at most 0.001 and 0. ``combat``: share in
which BA026 is raised after features were centred and scaled at each site over all cases. ``smote``: share of
added rows that BA024 names.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd

from bench.audit.copies import mixtures
from bench.audit.prepared import ERROR, too_alike


def features(patients: int, columns: int, correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Features with a common factor, half of them skewed, shape (patient, feature)."""
    shared = rng.standard_normal((patients, 1))
    own = rng.standard_normal((patients, columns))
    values = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    values[:, ::2] = np.exp(values[:, ::2])
    return values


def with_mixtures(values: np.ndarray, added: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of SMOTE behind the others: between a row and one of its five nearest neighbours."""
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    rows = []
    for row in rng.integers(0, len(values), added):
        near = np.argsort(((scaled - scaled[row]) ** 2).sum(axis=1))[1:6]
        rows.append(values[row] + rng.random() * (values[rng.choice(near)] - values[row]))
    return np.vstack([values, rows])


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    print("patients features sites correlation   clean BA026   clean BA024   combat BA026   smote rows found")
    for patients, columns, sites, correlation in product((80, 300), (10, 100), (2, 5), (0.2, 0.8)):
        rng = np.random.default_rng([patients, columns, sites, round(10 * correlation)])
        clean = alarms = combat = found = 0
        thorough = max(repeats // 20, 1)
        for repeat in range(repeats):
            values, site = features(patients, columns, correlation, rng), rng.integers(0, sites, patients)
            clean += too_alike(values, site) < ERROR
            if repeat < thorough:
                alarms += bool(mixtures(pd.DataFrame(values)))
                added = mixtures(pd.DataFrame(with_mixtures(values, patients // 5, rng)))
                found += sum(name >= patients for name, _, _ in added) / (patients // 5)
                moved = (
                    pd.DataFrame(values).groupby(site).transform(lambda one: (one - one.mean()) / one.std())
                )
                combat += too_alike(moved.to_numpy(), site) < ERROR
        print(
            f"{patients:8d} {columns:8d} {sites:5d} {correlation:11.1f}   {clean / repeats:11.4f}   "
            f"{alarms / thorough:11.4f}   {combat / thorough:12.3f}   {found / thorough:16.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
