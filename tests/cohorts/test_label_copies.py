"""Columns that give a label away are accused, honest ones are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.checking.check import check_folder
from bench.cohorts.checking.label_copies import GIVEN_AWAY, NEARLY_GIVEN_AWAY, Column, label_copies
from bench.cohorts.checking.violation import Violation
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder, read_listing, shared_violations
from bench.errors import CohortError
from bench.task import Task

ER, KI67 = Task("er", "binary"), Task("ki67", "continuous", range=(0, 100))
Make = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def violations_of(make: Make, cases: int, seed: int, lesions: int = 1) -> list[Violation]:
    """Violations of one column in a cohort of so many cases, ``lesions`` of a patient."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(cases), lesions)[:cases]
    er = (rng.random(cases) < 0.6).astype(float)[patients]
    ki67 = rng.gamma(2.0, 10.0, cases).round(1)[patients]
    values = make(er, ki67, rng)
    column = Column("cases.csv", "x", pd.Series(values))
    return list(label_copies([column], {"er": er, "ki67": ki67}, (ER, KI67), patients.astype(str)))


COPIES: dict[str, Make] = {
    "the label": lambda er, ki67, rng: er,
    "the label turned round": lambda er, ki67, rng: 1 - er,
    "the label in words": lambda er, ki67, rng: np.where(er > 0, "pos", "neg"),
    "a subtype": lambda er, ki67, rng: np.where(
        er > 0, rng.choice(["A", "B"], len(er)), rng.choice(["TN", "HER2"], len(er))
    ),
    "a grade": lambda er, ki67, rng: np.where(er > 0, rng.integers(1, 3, len(er)), 3),
    "a score with a threshold": lambda er, ki67, rng: 100 * er * (0.01 + rng.random(len(er))),
    "known for one class alone": lambda er, ki67, rng: np.where(er > 0, rng.random(len(er)), np.nan),
    "a fraction": lambda er, ki67, rng: ki67 / 100,
    "a logarithm": lambda er, ki67, rng: -np.log(ki67 + 1),
    "rounded to fives": lambda er, ki67, rng: 5 * np.round(ki67 / 5),
    "high or low": lambda er, ki67, rng: (ki67 > 14).astype(float),
    "classes of it": lambda er, ki67, rng: np.array(["low", "mid", "high"])[np.digitize(ki67, [14, 30])],
    "known for high values alone": lambda er, ki67, rng: np.where(ki67 > 20, rng.random(len(er)), np.nan),
}
HONEST: dict[str, Make] = {
    "age": lambda er, ki67, rng: rng.normal(55, 10, len(er)).round(),
    "a measure with noise": lambda er, ki67, rng: er + rng.normal(0, 1, len(er)),
    "two values": lambda er, ki67, rng: rng.integers(0, 2, len(er)),
    "five words": lambda er, ki67, rng: rng.choice(list("abcde"), len(er)),
    "an id": lambda er, ki67, rng: np.array([f"x{at}" for at in range(len(er))]),
    "pairs": lambda er, ki67, rng: np.array([f"x{at // 2}" for at in range(len(er))]),
    "one value": lambda er, ki67, rng: np.ones(len(er)),
    "nothing": lambda er, ki67, rng: np.full(len(er), np.nan),
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("cases", [30, 200])
def test_a_column_that_was_made_from_a_label_is_an_error(copy: str, cases: int) -> None:
    for seed in range(5):
        (violation,) = violations_of(COPIES[copy], cases, seed)
        assert (violation.kind, violation.severity) == (GIVEN_AWAY, "error")


@pytest.mark.parametrize("honest", HONEST)
@pytest.mark.parametrize("cases", [4, 10, 20, 40, 200])
def test_an_honest_column_is_accused_in_fewer_cohorts_than_promised(honest: str, cases: int) -> None:
    found = [violations_of(HONEST[honest], cases, seed) for seed in range(60)]
    assert not any(violation.severity == "error" for violations in found for violation in violations)
    assert sum(bool(violations) for violations in found) <= 6  # 5 % of 60 is 3


@pytest.mark.parametrize("honest", ["an id", "age"])
def test_lesions_of_one_patient_count_once(honest: str) -> None:
    def of_patients(er: np.ndarray, ki67: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.repeat(HONEST[honest](er[::4], ki67[::4], rng), 4)[: len(er)]

    assert not any(violations_of(of_patients, 80, seed, lesions=4) for seed in range(20))


def test_few_cases_are_a_warning_and_fewer_are_silent() -> None:
    severities = {}
    for cases in (6, 12, 30):
        er = np.arange(cases) % 2.0
        column = Column("cases.csv", "x", pd.Series(er))
        found = list(label_copies([column], {"er": er}, (ER,), np.arange(cases).astype(str)))
        severities[cases] = [violation.severity for violation in found]
    assert severities == {6: [], 12: ["warning"], 30: ["error"]}


def test_a_copy_with_a_slip_is_a_warning() -> None:
    def slip(er: np.ndarray, ki67: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.where(np.arange(len(er)) == 7, 1 - er, er)

    (violation,) = violations_of(slip, 200, 0)
    assert (violation.kind, violation.severity) == (
        NEARLY_GIVEN_AWAY,
        "warning",
    ) and "agrees with the label" in violation.detail


def test_the_more_columns_the_clearer_it_must_be() -> None:
    er = np.arange(16) % 2.0
    rng = np.random.default_rng(0)
    one = [Column("t", "x", pd.Series(er))]
    many = one + [Column("t", f"x{at}", pd.Series(rng.normal(size=16))) for at in range(99)]
    patients = np.arange(16).astype(str)
    alone, among = (next(label_copies(entry, {"er": er}, (ER,), patients)) for entry in (one, many))
    assert (alone.severity, among.severity) == ("error", "warning")


def folder_of(tmp_path: Path, role: str, features: bool = False) -> Path:
    rng = np.random.default_rng(1)
    er = rng.integers(0, 2, 40)
    rows = pd.DataFrame(
        {"case_id": [f"c{at}" for at in range(40)], "patient_id": [f"p{at}" for at in range(40)]}
    )
    rows = rows.assign(site="a", group="internal", er=er, grade=np.where(er, "low", "high"))
    more = 'features = "features.csv"\n' if features else ""
    if features:
        rows[["case_id"]].assign(size=rng.normal(size=40), Target=er).to_csv(
            tmp_path / "features.csv", index=False
        )
    (tmp_path / "cohort.toml").write_text(
        f'name = "x"\nsynthetic = true\n{more}[tasks.er]\nkind = "binary"\n[columns]\n{role} = ["grade"]\n'
    )
    rows.to_csv(tmp_path / "cases.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("role", "features"), [("clinical", False), ("acquisition", False), ("ignore", True)]
)
def test_check_and_run_refuse_a_column_that_gives_a_label_away(
    tmp_path: Path, role: str, features: bool
) -> None:
    folder = folder_of(tmp_path, role, features)
    name = "Target" if features else "grade"
    (violation,) = [
        entry for entry in check_folder(folder, quiet=True).violations if entry.severity == "error"
    ]
    assert (
        violation.kind == GIVEN_AWAY and violation.column == name and "in all 40 patients" in violation.detail
    )
    with pytest.raises(
        CohortError, match=rf"column '{name}' (equals|determines) the label of 'er'.*ignore, or remove"
    ):
        load_folder(folder)


def test_a_column_to_be_ignored_may_hold_what_it_likes(tmp_path: Path) -> None:
    assert load_folder(folder_of(tmp_path, "ignore")).roles == {"grade": "ignore"}


def test_the_phantom_and_real_covariates_are_honest(tiny: Cohort) -> None:
    listing = read_listing(tiny.folder, lambda violation: None)
    assert list(shared_violations(listing)) == []
    assert open_cohort(str(tiny.folder)).fingerprint == tiny.fingerprint


def test_real_covariates_are_honest(real_data: Path) -> None:
    listing = read_listing(real_data / "breastdcedl", lambda violation: None)
    assert len(listing.cases) == 268 and list(shared_violations(listing)) == []


def test_copies_of_rows_accuse_the_label_alone() -> None:
    rng = np.random.default_rng(0)
    er = (rng.random(120) < 0.7).astype(float)
    rows = np.concatenate([np.arange(120), rng.choice(np.flatnonzero(er == 0), 50)])
    measured = [
        Column("features.csv", f"f{at}", pd.Series(values[rows]))
        for at, values in enumerate(rng.standard_normal((6, 120)))
    ]
    copy = Column("features.csv", "copy", pd.Series(er[rows]))
    found = label_copies([*measured, copy], {"er": er[rows]}, (ER,), np.arange(170).astype(str))
    assert [one.column for one in found] == ["copy"]
