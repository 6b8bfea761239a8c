"""``site_only``."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.testing import check_method
from bench_zoo.baselines.site_only.method import SiteOnly


@pytest.fixture
def two_sites(tiny: Cohort) -> Cohort:
    """Twelve cases of site a, nine of them ER positive, four negative ones of b, four of c without label."""
    table = tiny.table.iloc[:20].assign(
        site=["a"] * 12 + ["b"] * 4 + ["c"] * 4,
        er=[1.0] * 9 + [0.0] * 7 + [np.nan] * 4,
        ki67=[10.0] * 12 + [50.0] * 8,
    )
    return replace(tiny, table=table)


def predicted(cohort: Cohort, prior_cases: float, folder: Path) -> dict[str, np.ndarray]:
    method = SiteOnly(prior_cases).fit(cohort, cohort.take(()), Run(0, "cpu", 1, folder))
    return method.predict(cohort.blind())


def test_a_site_gets_its_own_prevalence_drawn_towards_that_of_all(two_sites: Cohort, tmp_path: Path) -> None:
    everywhere = 9 / 16
    found = predicted(two_sites, 4.0, tmp_path)["er"]
    assert found[0] == pytest.approx(0.75 * 0.75 + 0.25 * everywhere)
    assert found[12] == pytest.approx(0.5 * everywhere)
    assert found[16] == pytest.approx(everywhere)


def test_a_continuous_task_gets_medians(two_sites: Cohort, tmp_path: Path) -> None:
    found = predicted(two_sites, 0.0, tmp_path)["ki67"]
    np.testing.assert_array_equal(found, two_sites.labels("ki67"))


def test_a_site_that_training_lacks_gets_the_prevalence_of_all(two_sites: Cohort, tmp_path: Path) -> None:
    method = SiteOnly().fit(two_sites, two_sites.take(()), Run(0, "cpu", 1, tmp_path))
    other = replace(two_sites, table=two_sites.table.assign(site="d"))
    np.testing.assert_allclose(method.predict(other.blind())["er"], 9 / 16)


@pytest.mark.slow
def test_site_only_keeps_the_contract() -> None:
    check_method("site_only")
