"""Sites that a split tests without having learned from them."""

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.splits.split import Split


def learned_sites(cohort: Cohort, split: Split) -> frozenset[str]:
    """Sites that some fold tests and learns from: none for ``external_frozen`` and ``leave_site_out``."""
    sites = pd.Series(cohort.sites, index=list(cohort.case_ids))
    return frozenset(
        site
        for fold in split.folds
        for site in set(sites[[*fold.train, *fold.val]]) & set(sites[list(fold.test)])
    )
