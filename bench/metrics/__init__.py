"""Metrics: pure functions of truth and prediction, and their values in many resamples at once.

A stratum is a set of cases whose predictions are comparable: those of one fold, since every fold has a
model of its own. Only metrics of order (AUC, average precision, Spearman) look at it.
"""

from bench.metrics.area import (
    TIE,
    auc,
    pair_counts,
    placements,
    resampled_auc,
    score_levels,
    sort_keys,
    stratum_codes,
)
from bench.metrics.calibration import (
    CALIBRATION_BINS,
    bin_shares,
    calibration_error,
    corrected_mean,
    plain_calibration_error,
)
from bench.metrics.catalogue import METRICS
from bench.metrics.continuous import (
    bias,
    concordance,
    lower_limit,
    mae,
    r2,
    resampled_mae,
    rmse,
    spearman,
    upper_limit,
)
from bench.metrics.decision import (
    balanced_accuracy,
    mcc,
    npv,
    ppv,
    sensitivity,
    specificity,
)
from bench.metrics.metric import (
    DRAWS_AT_ONCE,
    Array,
    Codes,
    Context,
    Metric,
    Resample,
    resampled_by_repetition,
    unfit_to_rank,
)
from bench.metrics.precision import average_precision, coin_average_precision, resampled_average_precision
from bench.metrics.probability import (
    CLIP,
    NET_BENEFIT_RANGE,
    brier,
    brier_skill,
    calibration_intercept,
    calibration_slope,
    decision_curve,
    log_loss,
    net_benefit,
)

__all__ = [
    "CALIBRATION_BINS",
    "CLIP",
    "DRAWS_AT_ONCE",
    "METRICS",
    "NET_BENEFIT_RANGE",
    "TIE",
    "Array",
    "Codes",
    "Context",
    "Metric",
    "Resample",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "bias",
    "bin_shares",
    "brier",
    "brier_skill",
    "calibration_error",
    "calibration_intercept",
    "calibration_slope",
    "coin_average_precision",
    "concordance",
    "corrected_mean",
    "decision_curve",
    "log_loss",
    "lower_limit",
    "mae",
    "mcc",
    "net_benefit",
    "npv",
    "pair_counts",
    "placements",
    "plain_calibration_error",
    "ppv",
    "r2",
    "resampled_auc",
    "resampled_average_precision",
    "resampled_by_repetition",
    "resampled_mae",
    "rmse",
    "score_levels",
    "sensitivity",
    "sort_keys",
    "spearman",
    "specificity",
    "stratum_codes",
    "unfit_to_rank",
    "upper_limit",
]
