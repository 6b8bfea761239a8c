"""Every check is silent on clean cohorts with honest methods."""

import pytest

from bench.audit.audit import worst
from bench.audit.check import DEEP
from bench.cohorts.cohort import Cohort
from tests.audit.audited import alarms, cut, honest, results_of, verdicts
from tests.splits.random_cohorts import COHORTS

SPLITS = ["internal_cv", "external_cv", "external_frozen"]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("cohort", COHORTS)
def test_random_cohorts_raise_no_alarm(cohort: Cohort, split: str) -> None:
    found = verdicts(
        cohort, cut(cohort, split), results_of(cohort, cut(cohort, split), one=honest, two=honest)
    )
    assert alarms(found) == {}
    assert worst(list(found.values())) == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_the_small_phantom_raises_no_alarm(tiny: Cohort, split: str) -> None:
    results = results_of(tiny, cut(tiny, split), one=honest, two=honest)
    found = verdicts(tiny, cut(tiny, split), results, deep=True)
    assert alarms(found) == {}
    assert found["BA005"].outcome == found["BA018"].outcome == found["BA023"].outcome == "pass"


def test_what_does_not_apply_says_why() -> None:
    cohort = COHORTS[0].values[0]
    assert isinstance(cohort, Cohort)
    reasons = {code: one.reason for code, one in verdicts(cohort, cut(cohort)).items() if one.reason}
    assert reasons["BA005"] == DEEP
    assert reasons["BA006"] == "the cohort has neither covariates nor features"
    assert reasons["BA012"] == "no results are audited; --store names a run store"
