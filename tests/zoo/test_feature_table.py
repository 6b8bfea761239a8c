"""Methods of a cohort's own feature table."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench_zoo.radiomics.carried import FeatureTable, numeric_features


@pytest.mark.parametrize(
    "method", [FeatureTable(), FeatureTable(strengths=(0.3, 0.1, 0.03), l1_ratios=(0.5, 0.9))]
)
def test_the_feature_that_decides_is_found_and_the_saved_model_predicts_alike(
    carried: Cohort, method: FeatureTable, tmp_path: Path
) -> None:
    train, val, test = (carried.take(carried.case_ids[a:b]) for a, b in ((0, 160), (160, 200), (200, 300)))
    fitted = method.fit(train, val, Run(0, "cpu", 1, tmp_path))
    predicted = fitted.predict(test.blind())
    known = ~np.isnan(test.labels("er"))
    assert roc_auc_score(test.labels("er")[known], predicted["er"][known]) > 0.8  # scikit-learn: .85
    assert np.abs(predicted["ki67"] - test.labels("ki67")).mean() < 0.7
    fitted.save(tmp_path)
    again = FeatureTable.load(tmp_path).predict(test.blind())
    for task, values in predicted.items():
        np.testing.assert_array_equal(again[task], values)


def test_columns_of_words_are_left_out_with_a_warning(
    carried: Cohort, caplog: pytest.LogCaptureFixture
) -> None:
    assert "shape" not in numeric_features(carried)
    assert "1 columns of the feature table hold words and are left out: ['shape']" in caplog.text
