"""Subtype rules against hand-made tables of every combination."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.scoring.subtypes.rules import (
    OUTSIDE,
    RULES,
    UNDETERMINED,
    class_probabilities,
    classes_of,
    ki67_spread,
    predicted_classes,
)
from tests.scoring.subtype_results import DUKE

# er, pr, her2: class.
BY_RECEPTORS = {
    (1, 1, 0): "luminal A-like",
    (1, 0, 0): "luminal A-like",
    (0, 1, 0): "luminal A-like",
    (1, 1, 1): "luminal B-like",
    (1, 0, 1): "luminal B-like",
    (0, 1, 1): "luminal B-like",
    (0, 0, 1): "HER2-enriched-like",
    (0, 0, 0): "triple-negative",
}


# er, pr, her2: class at Ki-67 of 5, 13.9, 14, 19.9, 20 and 60.
A, B = "luminal A-like", "luminal B-like HER2-negative"


INDICES = (5, 13.9, 14, 19.9, 20, 60)


BY_ST_GALLEN = {(1, 1, 0): [A, A, A, A, B, B], (1, 0, 0): [B] * 6}


BY_MAISONNEUVE = {(1, 1, 0): [A, A, A, A, B, B], (1, 0, 0): [A, A, B, B, B, B]}


WHATEVER_KI67 = {
    (1, 1, 1): ["luminal B-like HER2-positive"] * 6,
    (1, 0, 1): ["luminal B-like HER2-positive"] * 6,
    (0, 0, 1): ["HER2-positive non-luminal"] * 6,
    (0, 0, 0): ["triple-negative"] * 6,
    (0, 1, 0): [None] * 6,
    (0, 1, 1): [None] * 6,
}


TABLES = {
    "receptor_only": {(*key, None): name for key, name in BY_RECEPTORS.items()},
    **{
        rule: {
            (*key, x): name
            for key, row in (own | WHATEVER_KI67).items()
            for x, name in zip(INDICES, row, strict=True)
        }
        for rule, own in (("st_gallen_2013", BY_ST_GALLEN), ("maisonneuve_2014", BY_MAISONNEUVE))
    },
}


def named(rule, code):
    return {UNDETERMINED: "undetermined", OUTSIDE: None}.get(code, rule.classes[code])


def statuses(rule, inputs):
    given = zip(("er", "pr", "her2", "ki67"), inputs, strict=True)
    return {role: np.array([value], dtype=float) for role, value in given if role in rule.roles}


CASES = [(rule, inputs, name) for rule, table in TABLES.items() for inputs, name in table.items()]


@pytest.mark.parametrize(("rule", "inputs", "expected"), CASES)
def test_every_combination_gets_the_class_of_the_published_table(rule, inputs, expected):
    code = classes_of(RULES[rule], statuses(RULES[rule], inputs))[0]
    assert named(RULES[rule], code) == expected


def test_the_tables_hold_every_combination():
    for rule in RULES.values():
        levels = INDICES if "ki67" in rule.roles else (None,)
        assert set(TABLES[rule.name]) == set(product((0, 1), (0, 1), (0, 1), levels))


@pytest.mark.parametrize(("rule", "inputs", "expected"), CASES)
def test_a_case_with_a_missing_input_is_undetermined_whatever_the_others_are(rule, inputs, expected):
    given = statuses(RULES[rule], inputs)
    for role in given:
        assert classes_of(RULES[rule], given | {role: np.array([np.nan])}) == UNDETERMINED


def test_the_two_ki67_rules_differ_only_below_14_percent_without_pr():
    differing = {
        key for key, name in TABLES["st_gallen_2013"].items() if TABLES["maisonneuve_2014"][key] != name
    }
    assert differing == {(1, 0, 0, 5), (1, 0, 0, 13.9)}


def test_probabilities_are_not_taken_for_statuses():
    with pytest.raises(UsageError, match="statuses of er must be 0, 1 or NaN"):
        classes_of(DUKE, {"er": [0.7], "pr": [0], "her2": [1]})


def test_no_threshold_is_assumed():
    said = {"er": [0.7], "pr": [0.2], "her2": [0.1]}
    with pytest.raises(UsageError, match="hard classes need a threshold for her2; none is assumed"):
        predicted_classes(DUKE, said, {"er": 0.5, "pr": 0.5})


def test_a_prediction_at_its_threshold_is_positive_and_thresholds_may_differ_by_case():
    said = {"er": [0.6, 0.6], "pr": [0.1, 0.1], "her2": [0.3, 0.3]}
    codes = predicted_classes(DUKE, said, {"er": [0.6, 0.61], "pr": 0.5, "her2": [0.31, 0.3]})
    assert [named(DUKE, code) for code in codes] == ["luminal A-like", "HER2-enriched-like"]
    assert predicted_classes(DUKE, said, {"er": np.nan, "pr": 0.5, "her2": 0.5})[0] == UNDETERMINED


def random_predictions(n=200, seed=0):
    rng = np.random.default_rng(seed)
    said = {role: rng.random(n) for role in ("er", "pr", "her2")}
    return said | {"ki67": rng.choice([0, 5, 13.9, 14, 19.9, 20, 47.3, 100], n)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_soft_classes_are_the_enumeration_of_all_statuses_and_sum_to_one(rule, spread):
    said = random_predictions()
    found = class_probabilities(rule, said, spread)
    assert found.shape == (200, len(rule.classes) + 1)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    expected = np.zeros_like(found)
    for (*receptors, index), name in TABLES[rule.name].items():
        chance = np.ones(200)
        for role, status in zip(("er", "pr", "her2"), receptors, strict=True):
            chance *= said[role] if status else 1 - said[role]
        if index is not None:
            chance *= chance_of_index(said["ki67"], index, spread)
        expected[:, -1 if name is None else rule.classes.index(name)] += chance
    np.testing.assert_allclose(found, expected, atol=1e-12)


def chance_of_index(said, index, spread):
    """Chance that the true index lies from this one to the next of those in the tables, the ends open."""
    place = INDICES.index(index)
    low = -np.inf if place == 0 else index
    high = np.inf if place == len(INDICES) - 1 else INDICES[place + 1]
    if not spread:
        return ((said >= low) & (said < high)).astype(float)
    centre = np.log(np.clip(said, 0.5, 99.5) / (100 - np.clip(said, 0.5, 99.5)))
    edges = [entry if np.isinf(entry) else np.log(entry / (100 - entry)) for entry in (low, high)]
    return stats.norm.cdf(edges[1], centre, spread) - stats.norm.cdf(edges[0], centre, spread)


def test_soft_luminal_a_by_receptors_has_its_closed_form():
    said = random_predictions()
    expected = (1 - (1 - said["er"]) * (1 - said["pr"])) * (1 - said["her2"])
    np.testing.assert_allclose(class_probabilities(DUKE, said)[:, 0], expected, atol=1e-12)


def test_certain_predictions_have_the_same_soft_and_hard_class():
    for rule in RULES.values():
        said = random_predictions()
        said |= {role: np.round(said[role]) for role in ("er", "pr", "her2")}
        hard = predicted_classes(rule, said, {"er": 0.5, "pr": 0.5, "her2": 0.5})
        soft = class_probabilities(rule, said).argmax(axis=1)
        np.testing.assert_array_equal(np.where(hard == OUTSIDE, len(rule.classes), hard), soft)


def test_the_spread_is_recovered_and_a_few_cases_give_none():
    rng = np.random.default_rng(0)
    said = rng.uniform(5, 60, 5000)
    logit = np.log(said / (100 - said)) + 0.6 * rng.standard_normal(5000)
    truth = 100 / (1 + np.exp(-logit))
    assert ki67_spread(truth, said) == pytest.approx(0.6, rel=0.03)
    assert ki67_spread(truth[:7], said[:7]) == 0
    truth[7:] = np.nan
    assert ki67_spread(truth, said) == 0
