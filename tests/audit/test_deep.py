"""Slow checks: each finds what is planted, and is silent on honest methods."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.audit.audit import check_named
from bench.audit.check import Verdict, verdict_of
from bench.audit.copies import ALIKE
from bench.audit.perturbed import changed, noisy
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.methods.method import MethodSpec
from bench.splits.split import Split
from tests.audit.audited import changed as with_columns
from tests.audit.audited import cut, honest, results_of
from tests.splits.random_cohorts import random_cohort

pytestmark = pytest.mark.slow


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten permutations are enough for a leak as large as these."""
    monkeypatch.setattr("bench.audit.learning.MOST", 10)


def subject_of(
    cohort: Cohort, split: Split, learner: str, needs: tuple[str, ...] = ("clinical",), **params: object
) -> Subject:
    """Honest results under the name of a learner that can be fitted again."""
    spec = MethodSpec("learner", f"tests.audit.learners:{learner}", "Made", needs=needs)
    results = results_of(cohort, split, learner=honest)
    record = {"identity": {"method": "learner", "params": params, "seed": 0, "fold": 0}}
    method = replace(results.methods[0], records=(record,))
    results = replace(results, methods=(method,))
    return Subject(cohort, split, results, deep=True, specs={"learner": spec})


def verdict(code: str, subject: Subject) -> Verdict:
    return verdict_of(check_named(code), subject)


def marked(seed: int = 0) -> Cohort:
    """A marker that says a little of ER, and one that says nothing."""
    cohort = random_cohort(seed)
    rng = np.random.default_rng(seed)
    marker = np.nan_to_num(cohort.labels("er"), nan=0.5) + 1.5 * rng.standard_normal(len(cohort))
    roles = {"marker": "clinical", "other": "clinical"}
    return replace(with_columns(cohort, marker=marker, other=rng.standard_normal(len(cohort))), roles=roles)


def doubled() -> Cohort:
    """Two cases a patient, which share a marker that is of no other patient."""
    cohort = random_cohort(0)
    pairs = np.arange(len(cohort)) // 2
    site = cohort.table["site"].to_numpy()[pairs * 2]
    group = np.where(site == "D", "external", "internal")
    people = [f"p{pair}" for pair in pairs]
    other = np.zeros(len(cohort))
    table = with_columns(
        cohort, patient_id=people, site=site, group=group, marker=pairs.astype(float), other=other
    )
    return replace(table, roles={"marker": "clinical", "other": "clinical"})


def leaking(cohort: Cohort) -> Split:
    """A split by case, as if either case were a patient of its own."""
    alone = with_columns(cohort, patient_id=list(cohort.case_ids))
    return cut(alone, "internal")


@pytest.mark.usefixtures("short")
def test_a_leak_lets_permuted_labels_be_predicted() -> None:
    cohort = doubled()
    found = verdict("BA027", subject_of(cohort, leaking(cohort), "Memory"))
    assert found.outcome == "fail"
    assert "fits with permuted labels" in found.evidence[0].text


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("seed", range(5))
def test_honest_methods_fall_to_chance(seed: int) -> None:
    cohort = marked(seed)
    found = verdict("BA027", subject_of(cohort, cut(cohort, "internal"), "BestColumn"))
    assert (found.outcome, len(found.numbers)) == ("pass", len(cohort.tasks))
    assert "with the labels as they are (p = " in found.numbers[0]


def test_a_planted_answer_is_found_or_missed() -> None:
    cohort = marked()
    split = cut(cohort, "internal")
    assert verdict("BA028", subject_of(cohort, split, "BestColumn")).outcome == "pass"
    assert verdict("BA028", subject_of(cohort, split, "Deaf")).outcome == "warn"


def per_scanner(flipped: bool) -> Subject:
    """A marker whose sign is another at site B, for a method that learns the sign a scanner."""
    cohort = random_cohort(0, internal=500)
    rng = np.random.default_rng(0)
    sign = np.where((cohort.sites == "B") & flipped, -1, 1)
    labels = np.nan_to_num(cohort.labels("er"), nan=0.5) - 0.5
    marker = sign * (2 * labels + rng.standard_normal(len(cohort)))
    cohort = with_columns(cohort, marker=marker, scanner=cohort.sites)
    cohort = replace(cohort, roles={"marker": "clinical", "scanner": "acquisition"})
    split = cut(cohort, "internal_cv")
    subject = subject_of(cohort, split, "PerScanner")
    assert subject.results is not None
    method = subject.results.methods[0]
    er = method.predictions["task"] == "er"
    said = method.predictions["prediction"].where(~er, (sign * marker)[_rows(cohort, method.predictions)])
    method = replace(method, predictions=method.predictions.assign(prediction=said))
    return replace(subject, results=replace(subject.results, methods=(method,)))


def _rows(cohort: Cohort, predictions: pd.DataFrame) -> np.ndarray:
    return pd.Index(cohort.case_ids).get_indexer(predictions["case_id"])


def test_a_site_that_must_be_learned_from_is_found() -> None:
    found = verdict("BA029", per_scanner(flipped=True))
    assert found.outcome == "warn"
    of_er = [one.text for one in found.evidence if " on er " in one.text]
    assert any("'B'" in text for text in of_er)
    assert not [one for one in verdict("BA029", per_scanner(flipped=False)).evidence if " on er " in one.text]


@pytest.mark.parametrize(("code", "what"), [("BA030", "volume"), ("BA031", "noise"), ("BA032", "side")])
def test_predictions_that_hang_on_a_detail_are_found(tiny: Cohort, code: str, what: str) -> None:
    subject = subject_of(tiny, cut(tiny, "external_frozen"), "Ruler", ("volumes",), what=what)
    assert verdict(code, subject).outcome == "warn"


@pytest.mark.parametrize("code", ["BA030", "BA031", "BA032"])
def test_a_diameter_is_stable(tiny: Cohort, code: str) -> None:
    found = verdict(code, subject_of(tiny, cut(tiny, "external_frozen"), "Ruler", ("volumes",)))
    assert (found.outcome, bool(found.numbers)) == ("pass", True)


def test_a_changed_copy_of_an_image_is_found(tiny: Cohort, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    one = tiny.take(tiny.case_ids[:1])
    copy = changed(
        one, lambda image, mask, *rest: noisy(0.03)(image[..., ::-1], mask[..., ::-1], *rest), folder
    )
    other = tiny.take(tiny.case_ids[1:2])
    moved = copy.files.set_axis(["copy"]).map(lambda name: str(folder / name))
    files = pd.concat([tiny.files.loc[list(other.case_ids)], moved, tiny.files.loc[list(one.case_ids)]])
    table = pd.concat([other.table, one.table.set_axis(["copy"]).assign(patient_id="another"), one.table])
    both = replace(tiny, table=table, files=files, as_loaded=(), fingerprint="f" * 64)
    found = verdict("BA023", Subject(both, cut(tiny), deep=True))
    assert [one.case_ids for one in found.evidence] == [("copy", one.case_ids[0])]
    assert float(found.evidence[0].text.rsplit(" ", 1)[1]) >= ALIKE


def test_what_images_and_covariates_tell_is_found(tmp_path: Path) -> None:
    from tests.audit.test_features import cohort_of, measured

    table = measured()
    rng = np.random.default_rng(0)
    code = table["site"].str[1].astype(int)
    table["er"] = (rng.random(len(table)) < 0.15 + 0.35 * code).astype(int)
    found = verdict("BA033", Subject(cohort_of(table, tmp_path), cut(load_folder(tmp_path)), deep=True))
    assert found.outcome == "pass" or "er" in found.evidence[0].text
    table["f0"] = code + 0.2 * rng.standard_normal(len(table))
    found = verdict("BA033", Subject(cohort_of(table, tmp_path), cut(load_folder(tmp_path)), deep=True))
    assert found.outcome == "warn"


@pytest.mark.parametrize("seed", range(5))
def test_what_images_tell_is_silent_on_labels_alike_at_sites(seed: int, tmp_path: Path) -> None:
    from tests.audit.test_features import cohort_of, measured

    cohort = cohort_of(measured(seed), tmp_path)
    assert verdict("BA033", Subject(cohort, cut(cohort), deep=True)).outcome == "pass"


def test_covariates_that_hold_a_label_in_parts_are_found() -> None:
    cohort = random_cohort(0)
    rng = np.random.default_rng(0)
    key = rng.integers(0, 2, len(cohort))
    lock = np.abs(np.nan_to_num(cohort.labels("er")) - key)
    roles = {"key": "clinical", "lock": "clinical"}
    split = cut(cohort)
    planted = replace(with_columns(cohort, key=key, lock=lock), roles=roles)
    assert verdict("BA034", Subject(planted, split, deep=True)).outcome == "warn"
    assert verdict("BA034", Subject(marked(), split, deep=True)).outcome == "pass"


def test_a_value_beyond_the_plausible_range_is_found() -> None:
    cohort = random_cohort(0, internal=886)
    split = cut(cohort)
    subject = Subject(cohort, split, results_of(cohort, split, method=honest))
    low, high = replace(subject, plausible={"er": (0.5, 0.6)}), replace(subject, plausible={"er": (0.5, 0.9)})
    assert verdict("BA035", low).outcome == "warn"
    assert verdict("BA035", high).outcome == "pass"
