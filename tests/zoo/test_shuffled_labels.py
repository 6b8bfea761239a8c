"""``shuffled_labels``."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.testing import check_method
from bench_zoo.baselines.shuffled_labels.method import ShuffledLabels, with_shuffled_labels
from bench_zoo.baselines.tumour_size.method import size_features
from bench_zoo.radiomics.ridge import RadiomicsLR


def labels_of(cohort: Cohort) -> pd.DataFrame:
    return cohort.table[[task.name for task in cohort.tasks]].astype(float)


def test_the_labels_of_a_case_stay_together_and_follow_the_seed(tiny: Cohort) -> None:
    first, again, other = (
        labels_of(with_shuffled_labels(tiny, np.random.default_rng(seed))) for seed in (0, 0, 1)
    )
    before = labels_of(tiny)
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(before) and not first.equals(other)
    ordered = [table.sort_values(list(table)).to_numpy() for table in (before, first)]
    np.testing.assert_array_equal(*ordered)


@pytest.mark.slow
def test_a_label_that_follows_size_is_found_with_its_labels_and_not_with_shuffled_ones(
    tiny: Cohort, tmp_path: Path
) -> None:
    pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)
    volume = size_features(tiny)[:, 0]
    cohort = replace(tiny, table=tiny.table.assign(er=(volume > np.median(volume)).astype(float)))
    train, test = cohort.take(cohort.case_ids[::2]), cohort.take(cohort.case_ids[1::2])
    aucs = [
        roc_auc_score(
            test.labels("er"),
            kind(spacing_mm=2.0).fit(train, train, Run(seed, "cpu", 1, tmp_path)).predict(test.blind())["er"],
        )
        for kind, seed in ((RadiomicsLR, 0), *((ShuffledLabels, seed) for seed in range(10)))
    ]
    assert aucs[0] > 0.9
    assert abs(np.mean(aucs[1:]) - 0.5) < 0.2


@pytest.mark.thorough
def test_shuffled_labels_keep_the_contract() -> None:
    pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)
    check_method("shuffled_labels", {"spacing_mm": 2.0})
