"""Recalibration in the large: who recalibrates, by how much, and what stays."""

from dataclasses import replace

import numpy as np
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.predictions.recalibrated import recalibrated_label, recalibrating, with_recalibrated
from bench.predictions.results import Results
from bench.predictions.thresholds import Threshold
from bench.splits.apart import learned_sites
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from tests.scoring.comparable_results import method, results, truth_table

LABEL = recalibrated_label("a", 0.3)


def carried(cases_a_patient: int = 1) -> Results:
    """One fitted model, far too sure of ER and 10 too high on Ki-67, at three sites."""
    truth = truth_table(sites=3)
    patients = [f"p{place // (3 * cases_a_patient)}-{place % 3}" for place in range(len(truth))]
    truth = truth.assign(patient_id=patients)
    one = method("a", truth, 1.0)
    er = one.predictions["task"] == "er"
    said = one.predictions["prediction"]
    said = (0.98 + 0.02 * said).where(er, said + 10)
    one = replace(one, predictions=one.predictions.assign(prediction=said, fold=0))
    tested = dict.fromkeys(truth.index, 0)
    return replace(results(one, truth=truth), tested=tested)


def column(found: Results, label: str, task: str) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Site, truth and prediction of a row."""
    table = found.predictions.query("method == @label and task == @task")
    return tuple(table[name].to_numpy() for name in ("site", "truth", "prediction"))  # type: ignore[return-value]


def test_the_cases_that_recalibrate_leave_every_row_with_their_patients() -> None:
    whole = carried(cases_a_patient=2)
    drawn, found = recalibrating(whole, 0.3), with_recalibrated(whole, 0.3, ())
    assert [row.label for row in found.methods] == ["a", LABEL]
    left = set(whole.truth.index[~whole.truth["patient_id"].isin(drawn)])
    for row in found.methods:
        assert set(row.predictions["case_id"]) == left == set(found.truth.index) == set(found.tested)
    per_site = whole.truth[whole.truth["patient_id"].isin(drawn)].groupby("site")["patient_id"].nunique()
    assert per_site.tolist() == [6, 6, 6]
    assert recalibrating(whole, 0.3) == drawn


def test_mean_probability_becomes_the_prevalence_of_the_cases_that_recalibrate() -> None:
    whole = carried()
    drawn = whole.truth["patient_id"].isin(recalibrating(whole, 0.3))
    found = with_recalibrated(whole, 0.3, ())
    before = whole.predictions.query("task == 'er'").set_index("case_id")["prediction"]
    site, _, after = column(found, LABEL, "er")
    for name in ("s0", "s1", "s2"):
        mine = whole.truth[drawn & (whole.truth["site"] == name)]
        logits = np.log(before / (1 - before))
        kept = found.truth.index[found.truth["site"] == name]
        shift = (np.log(after / (1 - after))[site == name] - logits[kept].to_numpy()).round(8)
        assert len(set(shift)) == 1
        at = logits[mine.index] + shift[0]
        assert (1 / (1 + np.exp(-at))).mean() == pytest.approx(mine["er"].mean(), abs=1e-6)


def test_the_order_within_a_site_stays_and_values_lose_their_median_error() -> None:
    found = with_recalibrated(carried(), 0.3, ())
    site, _, before = column(found, "a", "er")
    _, _, after = column(found, LABEL, "er")
    for name in set(site):
        np.testing.assert_array_equal(np.argsort(before[site == name]), np.argsort(after[site == name]))
    _, truth, said = column(found, LABEL, "ki67")
    assert abs(np.median(truth - said)) < 3


def test_test_cases_move_no_shift_and_thresholds_are_carried() -> None:
    whole = carried()
    cut = Threshold("er", 0, 0, "youden", 0.99, "validation", 30)
    whole = replace(whole, methods=(replace(whole.methods[0], thresholds=(cut,)),))
    kept = ~whole.truth["patient_id"].isin(recalibrating(whole, 0.3))
    turned = whole.truth["er"].where(~kept, 1 - whole.truth["er"])
    first = with_recalibrated(whole, 0.3, ())
    second = with_recalibrated(replace(whole, truth=whole.truth.assign(er=turned)), 0.3, ())
    np.testing.assert_array_equal(column(first, LABEL, "er")[2], column(second, LABEL, "er")[2])
    assert [row.thresholds for row in first.methods] == [(cut,), (cut,)]


def test_what_cannot_be_recalibrated_is_refused(tiny: Cohort) -> None:
    with pytest.raises(UsageError, match="expected a share"):
        with_recalibrated(carried(), 1.5, ())
    with pytest.raises(UsageError, match="learns from s1; take external_frozen or leave_site_out"):
        with_recalibrated(carried(), 0.3, {"s1"})
    splits = {name: make_split(tiny, load_split_config(name)) for name in ("external_frozen", "external_cv")}
    assert learned_sites(tiny, splits["external_frozen"]) == frozenset()
    assert learned_sites(tiny, splits["external_cv"]) == {"D"}
