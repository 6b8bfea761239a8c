"""Phantoms of other sizes by name."""

import pytest

from bench.cohorts.catalogue import open_cohort, open_listed, phantom_folder
from bench.cohorts.phantom import SCENARIOS
from bench.errors import UsageError


@pytest.mark.parametrize(("name", "cases"), [("phantom", 4000), ("phantom-tiny", 13), ("phantom-null", 400)])
def test_a_sized_phantom_has_so_many_cases_in_the_shares_of_the_sites(name: str, cases: int) -> None:
    cohort = open_listed(f"{name}:n={cases}@2", quiet=True)
    assert len(cohort) == cases and cohort.name == f"{name}:n={cases}@2"
    scenario = SCENARIOS[name]
    total = sum(scenario.counts.values())
    for site, count in scenario.counts.items():
        assert abs((cohort.sites == site).sum() / cases - count / total) < 2 * scenario.draws / cases


def test_the_own_number_of_cases_is_the_phantom_itself() -> None:
    assert (
        open_listed("phantom:n=960", quiet=True).fingerprint == open_listed("phantom", quiet=True).fingerprint
    )
    assert phantom_folder("phantom").name == "phantom"


def test_numbers_that_leave_a_site_or_a_draw_without_cases_are_refused() -> None:
    with pytest.raises(UsageError, match="so many that each of the 4 sites has one; name another number"):
        open_cohort("phantom:n=3")
    with pytest.raises(UsageError, match="in 4 equal draws"):
        open_cohort("phantom-null:n=401")
