"""CatBoost and RealMLP on tables of features, where they are installed."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.method import Run
from bench_zoo.classical.further import FurtherCarried

MODULES = {"catboost": "catboost", "realmlp": "pytabkit"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("family", MODULES)
def test_a_family_finds_the_feature_that_decides_and_predicts_alike_when_loaded(
    family: str, carried: Cohort, tmp_path: Path
) -> None:
    pytest.importorskip(MODULES[family], reason=f"pip install 'dcebench[{family}]'")
    train, test = carried.take(carried.case_ids[:200]), carried.take(carried.case_ids[200:])
    method = FurtherCarried(family, (8,), trees=30)
    fitted = method.fit(train, train, Run(0, "cpu", 1, tmp_path))
    predicted = fitted.predict(test.blind())
    known = ~np.isnan(test.labels("er"))
    assert roc_auc_score(test.labels("er")[known], predicted["er"][known]) > 0.75
    error = np.abs(predicted["ki67"] - test.labels("ki67")).mean()
    assert error < 0.8 * np.abs(np.median(train.labels("ki67")) - test.labels("ki67")).mean()
    fitted.save(tmp_path)
    for task, said in FurtherCarried.load(tmp_path).predict(test.blind()).items():
        np.testing.assert_array_equal(said, predicted[task])


def test_a_family_of_scikit_learn_is_none_of_these(carried: Cohort, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown family 'forest'"):
        FurtherCarried("forest").fit(carried, carried, Run(0, "cpu", 1, tmp_path))
