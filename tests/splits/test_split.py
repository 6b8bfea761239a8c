"""Splits as stored values and as split files."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import CohortError, SplitError, UsageError
from bench.splits.config import SplitConfig, load_split_config, split_names
from bench.splits.fold import PARTS, Fold
from bench.splits.make import make_split
from bench.splits.split import split_fingerprint, split_to_json
from bench.task import Task
from tests.splits.public import FILES
from tests.splits.random_cohorts import PROTOCOLS, cohort_of, parts, random_cohort, tiny, worst_shift


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_stored_split_holds_every_fold_and_its_fingerprint(name: str) -> None:
    split = make_split(random_cohort(14), load_split_config(name))
    stored = json.loads(split_to_json(split))
    folds = tuple(Fold(**(fold | {part: tuple(fold[part]) for part in PARTS})) for fold in stored["folds"])
    assert folds == split.folds and stored["fingerprint"] == split.fingerprint
    assert split_fingerprint(stored["protocol"], stored["seed"], folds) == split.fingerprint


def test_the_fingerprint_follows_parameters_and_seed_but_not_wording() -> None:
    cohort, config = tiny(), load_split_config("external_frozen")
    made = make_split(cohort, config)
    assert len(made.fingerprint) == 64
    reworded = replace(config, name="mine", title="other", estimand="other")
    assert make_split(cohort, reworded).fingerprint == made.fingerprint
    wider = replace(config, validation_share=0.2)
    assert make_split(cohort, wider).fingerprint != made.fingerprint


def test_the_shipped_splits_say_what_they_are() -> None:
    assert split_names() == sorted([*PROTOCOLS, "across_draws", "all_tested", *FILES])
    for name in PROTOCOLS:
        config = load_split_config(name)
        assert (config.name, config.protocol, config.validation_share) == (name, name, 0.125)
        split = make_split(tiny(), config)
        assert (split.title, split.estimand, split.seed) == (config.title, config.estimand, 0)
        assert split.estimand.endswith(".") and "\n" not in split.estimand
    assert "site-adapted cross-validation" in load_split_config("external_cv").estimand
    assert "This is external validation" in load_split_config("external_frozen").estimand
    statement = make_split(tiny(), load_split_config("external_cv")).protocol
    assert statement == "external_cv folds=5 test_share=0.2 validation_share=0.125"


def test_blind_cases_cannot_be_cut() -> None:
    with pytest.raises(CohortError, match="blind"):
        make_split(tiny().blind(), load_split_config("internal"))


def test_unknown_names_get_the_nearest_suggested() -> None:
    with pytest.raises(UsageError, match="unknown split 'external-cv': did you mean external_cv or"):
        load_split_config("external-cv")
    with pytest.raises(UsageError, match="unknown split protocol 'internal_cvv': did you mean internal_cv"):
        SplitConfig("mine", "internal_cvv", "", "")


GOOD = 'protocol = "internal_cv"\ntitle = "t"\nestimand = "e"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "fold = 3", "has an unknown key 'fold'; known keys: protocol, title, estimand, seed, folds"),
        (
            GOOD + "test_share = 0.3",
            "sets 'test_share', which protocol 'internal_cv' does not use: remove it",
        ),
        (GOOD + "folds = 1", "split 'mine': folds must be a whole number >= 2, got 1"),
        (GOOD + "folds = true", "folds must be a whole number >= 2, got True"),
        (GOOD + "seed = -1", "seed must be a whole number >= 0, got -1"),
        (GOOD + "validation_share = 1.0", r"validation_share must be a number in \(0, 1\), got 1.0"),
        ('protocol = "internal_cv"\ntitle = "t"', "must give 'estimand' as text"),
        ("folds = ", "cannot be read"),
    ],
)
def test_a_wrong_split_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SplitError, match=message):
        load_split_config(path)


def test_a_split_file_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "three_folds.toml"
    path.write_text(GOOD + "folds = 3\nseed = 5")
    config = load_split_config(str(path))
    assert (config.name, config.folds, config.seed) == ("three_folds", 3, 5)
    assert len(make_split(tiny(), config).folds) == 3
    with pytest.raises(SplitError, match=r"absent\.toml cannot be read"):
        load_split_config(tmp_path / "absent.toml")


@pytest.fixture(scope="module")
def breastdcedl(real_data: Path) -> Cohort:
    table = pd.read_csv(real_data / "breastdcedl" / "cases.csv", dtype={"patient_id": str}).set_index(
        "case_id"
    )
    binary = (Task("er", "binary"), Task("pr", "binary"), Task("her2", "binary"))
    extra = (Task("hr", "binary", ranked=False), Task("prolif_score", "continuous", ranked=False))
    return cohort_of(table, (*binary, *extra))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_real_cases_with_labels_absent_at_whole_sites_can_be_cut(breastdcedl: Cohort, name: str) -> None:
    split = make_split(breastdcedl, load_split_config(name))
    for fold in split.folds:
        assert not set.intersection(*parts(fold).values())
    if name == "internal_cv":
        for task in ("er", "pr", "her2"):
            assert worst_shift(breastdcedl, [fold.test for fold in split.folds], task) < 0.06
