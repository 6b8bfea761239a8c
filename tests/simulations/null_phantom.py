"""How often the interval of size alone excludes an AUC of 0.5 on ``phantom-null``, over many draws of it.

    python tests/simulations/null_phantom.py --seeds 100

The true radius stands in for the measured one, so nothing is rendered; its direction is learnt on the
training part of ``internal``. Nominal: 5 % of the intervals and a mean AUC of 0.5; more would mean a leak.
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
from bench.split import load_split_config, make_split

NULL = SCENARIOS["phantom-null"]
RADIUS = list(ATTRIBUTES).index("size_radius")


def main() -> None:
    """Print the share of intervals that exclude 0.5, and the mean AUC."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    cohort = open_cohort("phantom-null")
    found = np.array([row for seed in range(seeds) for row in read_by_size(cohort, seed)])
    print(
        f"{len(found)} intervals, {100 * found[:, 1].mean():.1f} % exclude 0.5; "
        f"mean AUC {found[:, 0].mean():.4f}"
    )


def read_by_size(cohort: Cohort, seed: int) -> list[tuple[float, bool]]:
    """AUC of the radius on the test part, and whether its interval excludes 0.5, a receptor."""
    drawn, radius = draw(cohort, seed)
    fold = make_split(drawn, load_split_config("internal")).folds[0]
    train, test = drawn.take(fold.train), drawn.take(fold.test)
    return [score(train, test, radius, receptor) for receptor in RECEPTORS]


def draw(cohort: Cohort, seed: int) -> tuple[Cohort, pd.Series]:
    """The null cohort of a seed, without images, and the radius parameter of every case."""
    lesions = draw_lesions(NULL, seed, NULL.counts)
    index = pd.Index([lesion.case_id for lesion in lesions], name="case_id")
    labels = np.array([np.where(lesion.known, lesion.truth, np.nan) for lesion in lesions])
    table = pd.DataFrame(labels, index, TASKS).assign(
        patient_id=[lesion.patient_id for lesion in lesions],
        site=[lesion.site for lesion in lesions],
        group=["external" if lesion.site in EXTERNAL else "internal" for lesion in lesions],
    )
    radius = pd.Series([lesion.parameters[RADIUS] for lesion in lesions], index)
    return replace(cohort, table=table, fingerprint=f"null {seed}"), radius


def score(train: Cohort, test: Cohort, radius: pd.Series, receptor: str) -> tuple[float, bool]:
    """AUC on the test part in the direction that the training part shows."""
    learnt = train.labels(receptor)
    known = ~np.isnan(learnt)
    direction = np.sign(auc(learnt[known], radius[list(train.case_ids)].to_numpy()[known]) - 0.5)
    truth = test.labels(receptor)
    known = ~np.isnan(truth)
    values = direction * radius[list(test.case_ids)].to_numpy()
    sample = delong(truth[known], [values[None, known]], patient=test.patient_ids[known].astype(str))
    interval = auc_interval(sample, 0)
    return float(sample.auc[0]), not interval.low <= 0.5 <= interval.high


if __name__ == "__main__":
    main()
