"""Intervals, paired differences and shared ranks. What is resampled is the patient, never the image.

Two ways to a standard error: structural components (DeLong et al. 1988) for the area under the ROC curve, and
the bootstrap for everything else. Several training seeds enter as the mean over seeds on the same cases.
Coverage and error rates are measured by ``tests/simulations``.
"""

from bench.inference.bootstrap import (
    DRAW_SEED,
    DRAWS,
    FEWEST_PATIENTS,
    Patients,
    draw_patients,
    effective_patients,
    is_undecided,
    jackknife_influence,
    mean_influence,
    patients_of,
    seed_influence,
)
from bench.inference.calibration import calibration_interval
from bench.inference.delong import (
    MOST_CORRECTED_PAIRS,
    DeLong,
    auc_difference,
    auc_difference_error,
    auc_influence,
    auc_interval,
    auc_p,
    delong,
    from_constant,
)
from bench.inference.estimate import ALPHA, LEVEL, NEGLIGIBLE, NO_INTERVAL, Difference, Interval
from bench.inference.intervals import (
    bca_interval,
    logit_interval,
    percentile_interval,
    reach_factor,
    root_interval,
    studentised_difference,
    studentised_interval,
    wilson_interval,
)
from bench.inference.multiplicity import adjusted_p, area_adjusted_p, shared_ranks
from bench.inference.power import POWER, cases_needed, detectable_difference, probability_better

__all__ = [
    "ALPHA",
    "DRAWS",
    "DRAW_SEED",
    "FEWEST_PATIENTS",
    "LEVEL",
    "MOST_CORRECTED_PAIRS",
    "NEGLIGIBLE",
    "NO_INTERVAL",
    "POWER",
    "DeLong",
    "Difference",
    "Interval",
    "Patients",
    "adjusted_p",
    "area_adjusted_p",
    "auc_difference",
    "auc_difference_error",
    "auc_influence",
    "auc_interval",
    "auc_p",
    "bca_interval",
    "calibration_interval",
    "cases_needed",
    "delong",
    "detectable_difference",
    "draw_patients",
    "effective_patients",
    "from_constant",
    "is_undecided",
    "jackknife_influence",
    "logit_interval",
    "mean_influence",
    "patients_of",
    "percentile_interval",
    "probability_better",
    "reach_factor",
    "root_interval",
    "seed_influence",
    "shared_ranks",
    "studentised_difference",
    "studentised_interval",
    "wilson_interval",
]
