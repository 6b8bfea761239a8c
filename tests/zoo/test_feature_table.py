"""Methods of a cohort's own feature table."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench_zoo.hyperparameters import hyperparameters
from bench_zoo.radiomics import boosted, linear
from bench_zoo.radiomics.boosted import RadiomicsXGB
from bench_zoo.radiomics.carried import FeatureTable, numeric_features
from bench_zoo.radiomics.carried_trees import FeatureTrees
from bench_zoo.radiomics.ridge import RadiomicsLR


@pytest.mark.parametrize(
    "method",
    [FeatureTable(), FeatureTable(strengths=(0.3, 0.1, 0.03), l1_ratios=(0.5, 0.9)), FeatureTrees()],
    ids=["ridge", "elastic net", "trees"],
)
def test_the_feature_that_decides_is_found_and_the_saved_model_predicts_alike(
    carried: Cohort, method: FeatureTable | FeatureTrees, tmp_path: Path
) -> None:
    train, val, test = (carried.take(carried.case_ids[a:b]) for a, b in ((0, 160), (160, 200), (200, 300)))
    fitted = method.fit(train, val, Run(0, "cpu", 1, tmp_path))
    predicted = fitted.predict(test.blind())
    known = ~np.isnan(test.labels("er"))
    assert roc_auc_score(test.labels("er")[known], predicted["er"][known]) > 0.8  # scikit-learn: .85
    assert np.abs(predicted["ki67"] - test.labels("ki67")).mean() < 0.7
    fitted.save(tmp_path)
    again = type(method).load(tmp_path).predict(test.blind())
    for task, values in predicted.items():
        np.testing.assert_array_equal(again[task], values)


def test_columns_of_words_are_left_out_with_a_warning(
    carried: Cohort, caplog: pytest.LogCaptureFixture
) -> None:
    assert "shape" not in numeric_features(carried)
    assert "1 columns of the feature table hold words and are left out: ['shape']" in caplog.text


@pytest.mark.parametrize(
    ("on_images", "on_table", "module"),
    [(RadiomicsLR, FeatureTable, linear), (RadiomicsXGB, FeatureTrees, boosted)],
    ids=["lr", "xgb"],
)
def test_what_stands_in_on_a_table_is_the_radiomics_method_of_the_same_features(
    carried: Cohort, on_images: type, on_table: type, module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "feature_table", lambda cohort, *_: numeric_features(cohort))
    train, val, test = (carried.take(carried.case_ids[a:b]) for a, b in ((0, 160), (160, 200), (200, 300)))
    run = Run(3, "cpu", 1, carried.folder)
    measured, read = (kind().fit(train, val, run).predict(test.blind()) for kind in (on_images, on_table))
    for task, values in measured.items():
        np.testing.assert_array_equal(read[task], values)


def test_the_trees_of_both_have_one_set_of_defaults_and_one_search() -> None:
    own = hyperparameters(FeatureTrees())
    assert own.items() <= hyperparameters(RadiomicsXGB()).items()
    assert FeatureTrees.search_space() == RadiomicsXGB.search_space()


def test_every_radiomics_method_has_one_that_stands_in_on_a_table() -> None:
    specs = load_registry().specs
    of_images = [spec for name, spec in specs.items() if name.startswith("radiomics_")]
    assert len(of_images) > 10
    for spec in of_images:
        assert specs[spec.on_table].needs == ("features",), spec.name
