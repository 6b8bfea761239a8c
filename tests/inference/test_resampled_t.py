"""The corrected resampled t-test of repeated cross-validation."""

import numpy as np
import pytest
from scipy import stats

from bench.errors import SplitError
from bench.inference.resampled_t import nadeau_bengio
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.splits.population import one_population


def test_nadeau_and_bengio_on_one_repeat_short_of_the_correction_is_the_t_test():
    differences = np.random.default_rng(4).standard_normal((3, 5)) + 0.2
    found = nadeau_bengio(differences, train_size=1e12, test_size=1)
    expected = stats.ttest_1samp(differences.ravel(), 0.0)
    assert found.difference.p == pytest.approx(expected.pvalue)
    assert found.difference.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_repeated_cross_validation_widens_by_the_correlation_of_folds():
    differences = np.random.default_rng(5).standard_normal((10, 5))
    found = nadeau_bengio(differences, train_size=80, test_size=20)
    plain = stats.ttest_1samp(differences.ravel(), 0.0).confidence_interval()
    width = found.difference.interval.high - found.difference.interval.low
    # Folds of a fifth share 2 x .8 x .2 of their variance, not the .2 of Nadeau and Bengio.
    assert (found.ratio, found.freedom) == (pytest.approx(0.32 / 0.68), 49)
    assert width / (plain.high - plain.low) == pytest.approx(np.sqrt((1 / 50 + 0.32 / 0.68) * 50))


def test_one_repeat_is_no_repeated_cross_validation():
    with pytest.raises(SplitError, match=r"at least \(2, 2\), got \(1, 5\)"):
        nadeau_bengio(np.zeros((1, 5)), 80, 20)


def test_only_cross_validation_of_one_population_has_a_corrected_t_test(tiny):
    cuts = [make_split(tiny, load_split_config("internal_cv"), seed) for seed in range(2)]
    learned, tested = one_population(cuts)
    assert learned / tested == pytest.approx(4, rel=0.02)
    external = make_split(tiny, load_split_config("external_cv"))
    with pytest.raises(
        SplitError, match=r"'external_cv' \(external_cv\) does not cross-validate one population"
    ):
        one_population([external, external])
    with pytest.raises(SplitError, match="at least two different cuts of the same cases, got 2 splits"):
        one_population([cuts[0], cuts[0]])
