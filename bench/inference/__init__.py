"""Intervals, paired differences and shared ranks. What is resampled is the patient, never the image.

Two ways to a standard error: structural components (DeLong et al. 1988) for the AUC, and
the bootstrap for everything else. Several training seeds enter as the mean over seeds on the same cases.
Coverage and error rates are measured by ``tests/simulations``.
"""

from bench.inference.bootstrap import (
    CLOSE,
    DRAW_SEED,
    DRAWS,
    MAX_DRAWS,
    MIN_PATIENTS,
    Bootstrap,
    Patients,
    draw_patients,
    effective_patients,
    is_close,
    jackknife_influence,
    mean_influence,
    patients_of,
    seed_influence,
)
from bench.inference.calibration import calibration_interval
from bench.inference.claims import Claim, outperformance
from bench.inference.delong import (
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
    logit_interval,
    percentile_interval,
    reach_factor,
    root_interval,
    studentised_difference,
    studentised_interval,
    wilson_interval,
)
from bench.inference.multiplicity import adjusted_p, auc_adjusted_p
from bench.inference.power import POWER, cases_needed, detectable_difference, probability_better
from bench.inference.single_pairs import MAX_CORRECTED_PAIRS

__all__ = [
    "ALPHA",
    "CLOSE",
    "DRAWS",
    "DRAW_SEED",
    "LEVEL",
    "MAX_CORRECTED_PAIRS",
    "MAX_DRAWS",
    "MIN_PATIENTS",
    "NEGLIGIBLE",
    "NO_INTERVAL",
    "POWER",
    "Bootstrap",
    "Claim",
    "DeLong",
    "Difference",
    "Interval",
    "Patients",
    "adjusted_p",
    "auc_adjusted_p",
    "auc_difference",
    "auc_difference_error",
    "auc_influence",
    "auc_interval",
    "auc_p",
    "calibration_interval",
    "cases_needed",
    "delong",
    "detectable_difference",
    "draw_patients",
    "effective_patients",
    "from_constant",
    "is_close",
    "jackknife_influence",
    "logit_interval",
    "mean_influence",
    "outperformance",
    "patients_of",
    "percentile_interval",
    "probability_better",
    "reach_factor",
    "root_interval",
    "seed_influence",
    "studentised_difference",
    "studentised_interval",
    "wilson_interval",
]
