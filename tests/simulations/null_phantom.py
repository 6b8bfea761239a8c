"""How often the interval of size alone excludes an AUC of 0.5 on ``phantom-null``, over many draws of it.

    python tests/simulations/null_phantom.py --seeds 100

The true radius stands in for the measured one, so nothing is rendered; its direction is learnt on the
training part of each fold, of ``internal`` (a fifth is tested) and of ``across_draws`` (every internal case
is). Nominal: 5 % of the intervals and a mean AUC of 0.5; more would mean a leak. The standard deviation of
the AUC says how far off a chance finding lies.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.cohorts.phantom import SCENARIOS
from bench.cohorts.phantom.biology import RECEPTORS, TASKS
from bench.cohorts.phantom.draw import draw_lesions
from bench.cohorts.phantom.scenarios import ATTRIBUTES, EXTERNAL
from bench.inference import auc_interval, delong
from bench.metrics import auc
from bench.splits.config import load_split_config
from bench.splits.fold import Fold
from bench.splits.make import make_split

NULL = SCENARIOS["phantom-null"]
RADIUS = list(ATTRIBUTES).index("size_radius")
SPLITS = ("internal", "across_draws")


def main() -> None:
    """Print, a line a split, the share of intervals that exclude 0.5, and mean and spread of the AUC."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    cohort = open_cohort("phantom-tiny")
    for split in SPLITS:
        found = np.array([row for seed in range(seeds) for row in read_by_size(cohort, seed, split)])
        print(
            f"{split}: {len(found)} intervals, {100 * found[:, 1].mean():.1f} % exclude 0.5; "
            f"AUC {found[:, 0].mean():.4f}, standard deviation {found[:, 0].std():.4f}",
            flush=True,
        )


def read_by_size(cohort: Cohort, seed: int, split: str) -> list[tuple[float, bool]]:
    """AUC of the radius on the tested cases, and whether its interval excludes 0.5, a receptor."""
    drawn, radius = draw(cohort, seed)
    folds = make_split(drawn, load_split_config(split)).folds
    return [score(drawn, folds, radius, receptor) for receptor in RECEPTORS]


def draw(cohort: Cohort, seed: int) -> tuple[Cohort, pd.Series]:
    """The null cohort of a seed, without images, and the radius parameter of every case."""
    lesions = draw_lesions(NULL, seed)
    index = pd.Index([lesion.case_id for lesion in lesions], name="case_id")
    labels = np.array([lesion.labels for lesion in lesions])
    table = pd.DataFrame(labels, index, TASKS).assign(
        patient_id=[lesion.patient_id for lesion in lesions],
        site=[lesion.site for lesion in lesions],
        group=["external" if lesion.site in EXTERNAL else "internal" for lesion in lesions],
        draw=[lesion.draw for lesion in lesions],
    )
    radius = pd.Series([lesion.parameters[RADIUS] for lesion in lesions], index)
    return replace(cohort, table=table, fingerprint=f"null {seed}"), radius


def score(cohort: Cohort, folds: tuple[Fold, ...], radius: pd.Series, receptor: str) -> tuple[float, bool]:
    """AUC within folds, each in the direction that its training part shows."""
    labels = cohort.table[receptor].dropna()
    pieces = []
    for fold in folds:
        learnt, test = (labels.index.intersection(list(part)) for part in (fold.train, fold.test))
        direction = np.sign(auc(labels[learnt].to_numpy(), radius[learnt].to_numpy()) - 0.5)
        pieces.append(pd.DataFrame({"value": direction * radius[test], "fold": fold.index}))
    said = pd.concat(pieces)
    patients = cohort.table.loc[said.index, "patient_id"].to_numpy(dtype=str)
    values = said["value"].to_numpy()[None]
    sample = delong(labels[said.index].to_numpy(), [values], said["fold"].to_numpy(), patients)
    interval = auc_interval(sample, 0)
    return float(sample.auc[0]), not interval.low <= 0.5 <= interval.high


if __name__ == "__main__":
    main()
