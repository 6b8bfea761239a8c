"""Subtypes: rules against hand-made tables, scores against scikit-learn, resamples against repetition."""

import json
import re
import zipfile
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score, roc_auc_score
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.cohort import Cohort, Task
from bench.errors import StoreError, UsageError
from bench.inference import (
    FEWEST_PATIENTS,
    auc_interval,
    delong,
    draw_patients,
    effective_patients,
    patients_of,
    wilson_interval,
)
from bench.metrics import resampled_auc
from bench.report import to_csv, to_json, to_markdown
from bench.report.subtypes import confusion_table, subtype_table
from bench.scores import MethodResult, Results
from bench.subtype import (
    OUTSIDE,
    RULES,
    UNDETERMINED,
    class_probabilities,
    classes_of,
    find_rule,
    kappa,
    ki67_spread,
    macro_auc,
    macro_auc_interval,
    macro_f1,
    predicted_classes,
    role_tasks,
)
from bench.subtype import confusion_matrix as resampled_confusion
from bench.subtype_scores import (
    SubtypeScores,
    ki67_spreads,
    score_subtypes,
)
from bench.thresholds import Threshold, youden

DUKE, ST_GALLEN, MAISONNEUVE = (
    RULES[name] for name in ("receptor_only", "st_gallen_2013", "maisonneuve_2014")
)
RECEPTOR_TASKS = tuple(Task(name, "binary") for name in ("er", "pr", "her2"))
TASKS = (*RECEPTOR_TASKS, Task("ki67", "continuous", range=(0.0, 100.0)))

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
    edges = [its if np.isinf(its) else np.log(its / (100 - its)) for its in (low, high)]
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


def codes(n=150, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    predicted = np.where(rng.random(n) < 0.5, truth, rng.integers(-1, classes, n))
    return truth, predicted


def test_f1_kappa_and_confusion_agree_with_scikit_learn():
    truth, predicted = codes()
    counts = resampled_confusion(truth, predicted, 4, np.ones((150, 1)))[0]
    assert (predicted == OUTSIDE).any()
    np.testing.assert_array_equal(
        counts, confusion_matrix(truth, np.where(predicted < 0, 4, predicted), labels=range(5))[:4]
    )
    assert macro_f1(counts) == pytest.approx(f1_score(truth, predicted, labels=range(4), average="macro"))
    assert kappa(counts) == pytest.approx(cohen_kappa_score(truth, predicted))


def test_a_class_without_a_case_does_not_enter_macro_f1():
    truth, predicted = codes()
    present = truth != 2
    counts = resampled_confusion(truth[present], predicted[present], 4, np.ones((present.sum(), 1)))[0]
    expected = f1_score(truth[present], predicted[present], labels=[0, 1, 3], average="macro")
    assert macro_f1(counts) == pytest.approx(expected)


def test_the_truth_has_1_and_one_class_for_all_has_a_kappa_of_0():
    truth, _ = codes()
    perfect = resampled_confusion(truth, truth, 4, np.ones((150, 1)))[0]
    assert (macro_f1(perfect), kappa(perfect)) == pytest.approx((1, 1))
    blind = resampled_confusion(truth, np.zeros_like(truth), 4, np.ones((150, 1)))[0]
    assert kappa(blind) == pytest.approx(0, abs=1e-12)
    same = np.zeros(5, dtype=int)
    assert np.isnan(kappa(resampled_confusion(same, same, 4, np.ones((5, 1)))[0]))


def soft(truth, classes=4, seed=1):
    rng = np.random.default_rng(seed)
    raw = rng.random((len(truth), classes + 1)) + np.eye(classes + 1)[truth]
    return raw / raw.sum(axis=1, keepdims=True)


def test_the_macro_area_in_one_fold_is_scikit_learns_one_versus_rest():
    truth, _ = codes()
    probabilities = soft(truth)
    rows = probabilities[:, :4] / probabilities[:, :4].sum(axis=1, keepdims=True)
    expected = roc_auc_score(truth, rows, multi_class="ovr", average="macro")
    wide = np.column_stack([rows, np.zeros(len(truth))])
    assert macro_auc(truth, wide) == pytest.approx(expected)


def test_the_macro_area_in_folds_weighs_each_class_by_its_pairs_within_folds():
    truth, _ = codes()
    probabilities, fold = soft(truth), np.arange(150) % 5
    areas = []
    for k in range(4):
        parts = [
            (
                roc_auc_score(truth[fold == f] == k, probabilities[fold == f, k]),
                (truth[fold == f] == k).sum() * (truth[fold == f] != k).sum(),
            )
            for f in range(5)
        ]
        areas.append(np.average([part[0] for part in parts], weights=[part[1] for part in parts]))
    assert macro_auc(truth, probabilities, fold) == pytest.approx(np.mean(areas))


def test_a_class_without_a_pair_is_left_out_of_the_macro_area():
    truth, fold = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 0, 1])
    probabilities = soft(truth, 3)
    expected = np.mean([roc_auc_score(truth[:4] == k, probabilities[:4, k]) for k in (0, 1)])
    assert macro_auc(truth, probabilities, fold) == pytest.approx(expected)
    assert np.isnan(macro_auc(truth[4:], probabilities[4:], fold[4:]))


def test_the_macro_area_is_one_half_for_a_constant_and_blind_to_increasing_transforms_within_a_fold():
    truth, _ = codes()
    fold = np.arange(150) % 5
    by_fold = soft(np.arange(5), 4)[fold]
    assert macro_auc(truth, by_fold, fold) == pytest.approx(0.5, abs=1e-12)
    probabilities = soft(truth)
    bent = probabilities ** (1 + fold[:, None]) / (1 + fold[:, None])
    assert macro_auc(truth, bent, fold) == pytest.approx(macro_auc(truth, probabilities, fold))


def test_resampled_values_are_those_of_repeated_patients():
    truth, predicted = codes(n=60)
    patient = np.arange(60) // 2
    people = patients_of(patient)
    weights = draw_patients(people, draws=40)[people.codes]
    counts = resampled_confusion(truth, predicted, 4, weights)
    for draw in range(40):
        held = np.repeat(np.arange(60), weights[:, draw].astype(int))
        present = np.unique(truth[held])
        assert macro_f1(counts)[draw] == pytest.approx(
            f1_score(truth[held], predicted[held], labels=present, average="macro")
        )
        assert kappa(counts)[draw] == pytest.approx(cohen_kappa_score(truth[held], predicted[held]))


def test_the_macro_interval_of_two_classes_is_delongs():
    truth, _ = codes(classes=2)
    fold, patient = np.arange(150) % 5, np.arange(150)
    first = np.random.default_rng(4).random(150) + 0.5 * (truth == 0)
    both = np.column_stack([first, -first, np.zeros(150)])[None]
    sample = delong((truth == 0).astype(float), [first[None]], fold, patient)
    assert macro_auc_interval(truth, both, fold, patient) == pytest.approx(auc_interval(sample, 0))


def test_the_macro_interval_agrees_with_the_bootstrap_standard_error():
    truth, _ = codes(n=600)
    probabilities, patient = soft(truth), np.arange(600)
    weights = draw_patients(patients_of(patient), draws=1000)
    areas = [
        resampled_auc((truth == k).astype(float), probabilities[None, :, k], None, weights)[0]
        for k in range(4)
    ]
    low, high = macro_auc_interval(truth, probabilities[None], None, patient)
    assert high - low == pytest.approx(2 * 1.96 * np.mean(areas, axis=0).std(), rel=0.07)


def test_the_macro_interval_is_blind_to_duplicated_patients_and_exact_for_a_perfect_area():
    truth, _ = codes()
    fold, patient, probabilities = np.arange(150) % 5, np.arange(150), soft(truth)
    once = macro_auc_interval(truth, probabilities[None], fold, patient)
    twice = macro_auc_interval(
        *(np.tile(truth, 2), np.tile(probabilities, (2, 1))[None]), *np.tile([fold, patient], 2)
    )
    assert twice == pytest.approx(once, abs=1e-9)
    some = np.repeat([0, 1, 2], [12, FEWEST_PATIENTS, 15])
    perfect = np.eye(4)[some]
    found = macro_auc_interval(some, perfect[None], None, np.arange(len(some)))
    assert found == pytest.approx((0.025 ** (1 / FEWEST_PATIENTS), 1))
    few = np.flatnonzero(np.arange(len(some)) % 12 < 3)[: FEWEST_PATIENTS - 1]
    assert np.isnan(macro_auc_interval(some[few], perfect[None, few], None, few)).all()


def test_wilson_agrees_with_scipy_and_nothing_is_said_of_nobody():
    for hits, n in ((0, 9), (3, 9), (9, 9), (41, 60)):
        expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson_interval(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert np.isnan(wilson_interval(np.nan, 0)).all()


def test_duplicated_patients_count_once():
    truth, patient = np.array([0, 0, 1, 1, 1]), np.array([1, 2, 3, 4, 5])
    once = effective_patients(truth, patient, 3)
    np.testing.assert_array_equal(once, [2, 3, 0])
    np.testing.assert_allclose(effective_patients(np.tile(truth, 3), np.tile(patient, 3), 3), once)
    assert effective_patients(np.zeros(4, int), np.array([1, 1, 1, 2]), 1)[0] == pytest.approx(16 / 10)


def truth_table(n=150, seed=0):
    rng = np.random.default_rng(seed)
    er = (rng.random(n) < 0.7).astype(float)
    pr = np.where(rng.random(n) < 0.85, er, 1 - er)
    ids = pd.Index([f"case{i:03d}" for i in range(n)], name="case_id")
    return pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in range(n)],
            "site": "site",
            "group": "external",
            "er": er,
            "pr": pr,
            "her2": (rng.random(n) < 0.3).astype(float),
            "ki67": np.clip(25 - 8 * er + 12 * rng.standard_normal(n), 1, 99),
        },
        index=ids,
    )


def method(label, truth, signal, seeds=1, salt=0):
    """Predictions with so much signal, of every case, in five folds."""
    parts = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, salt])
        for task in TASKS:
            label_values = truth[task.name].fillna(truth[task.name].mean()).to_numpy()
            noise = rng.standard_normal(len(truth))
            values = 1 / (1 + np.exp(-(signal * (label_values - 0.5) + noise)))
            if task.kind == "continuous":
                values = np.clip(label_values + 10 / signal * noise, 0, 100)
            columns = {
                "seed": seed,
                "fold": np.arange(len(truth)) % 5,
                "case_id": truth.index,
                "task": task.name,
            }
            parts.append(pd.DataFrame({**columns, "prediction": values}))
    return with_thresholds(MethodResult(label, pd.concat(parts, ignore_index=True)), truth)


def with_thresholds(method, truth):
    """Youden's thresholds, as if the cases of every fold were those of its validation part."""
    chosen = []
    for (task, seed, fold), part in method.predictions.groupby(["task", "seed", "fold"]):
        label = truth[task].reindex(part["case_id"]).to_numpy(dtype=float)
        known = ~np.isnan(label)
        if task == "ki67" or not known.any():
            continue
        cut = youden(label[known], part["prediction"].to_numpy()[known])
        chosen.append(Threshold(task, seed, fold, "youden", cut, "validation", int((label == 1).sum())))
    return replace(method, thresholds=tuple(chosen))


def results(truth, *methods):
    return Results(
        TASKS, "made", "Made", "ab" * 32, True, "CC0", "cv", "CV", "Estimand.", 0, "cd" * 32, truth, methods
    )


def validation(*methods):
    """The predictions of every fold again, as if they were those of its validation part."""
    return pd.concat([its.predictions.assign(method=its.label) for its in methods], ignore_index=True)


def scored(truth, *methods, rule=MAISONNEUVE, **changes) -> SubtypeScores:
    roles = role_tasks(rule, TASKS)
    said = validation(*(its for its in methods if its.status == "ok"))
    return score_subtypes(
        results(truth, *methods),
        rule,
        roles,
        ki67_spreads(said, truth, roles),
        **{"draws": 200, **changes},
    )


def by_label(found):
    return {score.method: score for score in found.scores}


def test_scores_are_scikit_learns_of_classes_from_each_folds_own_thresholds():
    truth = truth_table()
    its = method("one", truth, 2.0)
    found = scored(truth, its, rule=DUKE)
    fold = np.arange(150) % 5
    wide = its.predictions.pivot(index="case_id", columns="task", values="prediction")
    status = {}
    for role in DUKE.roles:
        cuts = [youden(truth[role].to_numpy()[fold == f], wide[role].to_numpy()[fold == f]) for f in range(5)]
        status[role] = (wide[role].to_numpy() >= np.array(cuts)[fold]).astype(float)
    real, predicted = classes_of(DUKE, truth), classes_of(DUKE, status)
    score = by_label(found)["one"]
    assert score.macro_f1.value == pytest.approx(f1_score(real, predicted, average="macro"))
    assert score.kappa.value == pytest.approx(cohen_kappa_score(real, predicted))
    assert score.macro_auc.value == pytest.approx(macro_auc(real, class_probabilities(DUKE, wide), fold))
    np.testing.assert_array_equal(score.confusion[:, :4], confusion_matrix(real, predicted))
    for estimate in (score.macro_f1, score.macro_auc, score.kappa):
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_seeds_are_averaged():
    truth = truth_table()
    both = method("one", truth, 2.0, seeds=2)
    singles = [
        by_label(scored(truth, replace(both, predictions=both.predictions.query(f"seed == {seed}"))))["one"]
        for seed in (0, 1)
    ]
    score = by_label(scored(truth, both))["one"]
    for name in ("macro_f1", "macro_auc", "kappa"):
        assert getattr(score, name).value == pytest.approx(np.mean([getattr(s, name).value for s in singles]))
    np.testing.assert_allclose(score.confusion, (singles[0].confusion + singles[1].confusion) / 2)
    assert score.seeds == 2


def test_all_methods_are_scored_on_the_same_determined_cases():
    truth = truth_table()
    truth.loc[truth.index[:7], "ki67"] = np.nan
    truth.loc[truth.index[5:9], "er"] = np.nan
    one, two = method("one", truth, 2.0), method("two", truth, 1.0, salt=1)
    partial = replace(two, label="partial", predictions=two.predictions[two.predictions["fold"] != 1])
    broken = MethodResult("broken", two.predictions[:0], status="failed: out of memory")
    found = scored(truth, one, partial, broken, two)
    outside = int(((truth["er"] == 0) & (truth["pr"] == 1) & truth["ki67"].notna()).sum())
    assert (found.undetermined, found.outside) == (9, outside)
    assert found.counts.sum() == 150 - 9 - outside
    scores = by_label(found)
    assert scores["partial"].status.startswith("incomplete: no prediction for")
    assert scores["broken"].status == "failed: out of memory"
    alone = by_label(scored(truth, one))["one"]
    assert alone.macro_f1 == scores["one"].macro_f1
    assert alone.macro_auc == scores["one"].macro_auc


def test_the_order_of_cases_and_methods_does_not_matter():
    truth = truth_table()
    one, two = method("one", truth, 2.0), method("two", truth, 1.0, salt=1)
    mixed = replace(one, predictions=one.predictions.sample(frac=1, random_state=0))
    plain, turned = by_label(scored(truth, one, two)), by_label(scored(truth[::-1], two, mixed))
    for name in ("one", "two"):
        assert plain[name].macro_f1 == turned[name].macro_f1
        assert plain[name].macro_auc == turned[name].macro_auc
        assert plain[name].kappa == turned[name].kappa


def test_the_truth_wins_and_duplicated_patients_do_not_narrow_its_rivals_interval():
    truth = truth_table()
    perfect = method("truth", truth, 2.0)
    real = truth.reset_index().melt("case_id", ["er", "pr", "her2", "ki67"], "task", "prediction")
    perfect = replace(perfect, predictions=perfect.predictions.drop(columns="prediction").merge(real))
    one = method("one", truth, 2.0)
    found = by_label(scored(truth, perfect, one))
    assert found["truth"].macro_f1.value == pytest.approx(1)
    assert np.isnan(found["truth"].macro_f1.interval).all()
    assert found["truth"].macro_auc.value == pytest.approx(1)
    twin = truth.rename(index=lambda name: f"{name}-twin")
    again = replace(
        one,
        predictions=pd.concat(
            [one.predictions, one.predictions.assign(case_id=one.predictions["case_id"] + "-twin")]
        ),
    )
    double = by_label(scored(pd.concat([truth, twin]), again))["one"]
    width, doubled = (s.macro_f1.interval.high - s.macro_f1.interval.low for s in (found["one"], double))
    assert doubled == pytest.approx(width, rel=0.15)


def test_a_threshold_that_was_not_chosen_gives_no_hard_scores_and_its_reason():
    truth = truth_table()
    its = method("one", truth, 2.0)
    reason = "7 positives in the validation part of fold 3, 20 needed: run with --inner-folds 3"
    lacking = tuple(
        replace(chosen, value=np.nan, source="", reason=reason) if chosen.fold == 2 else chosen
        for chosen in its.thresholds
    )
    made = results(truth, replace(its, thresholds=lacking))
    roles = role_tasks(DUKE, TASKS)
    found = score_subtypes(made, DUKE, roles, ki67_spreads(validation(its), truth, roles), draws=50)
    score = by_label(found)["one"]
    assert score.caution == f"no hard classes, er: {reason}"
    assert np.isnan(score.macro_f1.value) and score.confusion is None
    assert score.macro_auc.value > 0.5
    with pytest.raises(UsageError, match="one has no confusion matrix: no hard classes"):
        confusion_table(made, found, "one")


def test_a_cohort_without_a_determined_case_is_an_error():
    truth = truth_table().assign(ki67=np.nan)
    with pytest.raises(StoreError, match="none of 150 tested cases has a class by the rule maisonneuve_2014"):
        scored(truth, method("one", truth, 2.0))


def test_tables_name_the_rule_the_assumption_and_the_undetermined():
    truth = truth_table()
    truth.loc[truth.index[:7], "ki67"] = np.nan
    made = results(truth, method("one", truth, 2.0))
    found = scored(truth, *made.methods)
    table = subtype_table(made, found, 200, 0)
    text = to_markdown(table)
    for part in (
        "SYNTHETIC",
        "maisonneuve\\_2014 (version 1)",
        "bcr3679",
        "PR status stands in",
        "undetermined",
        "as if the biomarkers were independent",
        "7 lack one of er, pr, her2, ki67",
    ):
        assert part in text or part.replace("\\_", "_") in text
    row = json.loads(to_json(table))["rows"][0]
    assert (row["rule"], row["undetermined"], row["n"]) == ("maisonneuve_2014", 7, int(found.counts.sum()))
    assert to_csv(table).startswith("method,rule,version,macro_f1,macro_f1_low,macro_f1_high,")


def test_rows_of_the_confusion_table_add_up_to_their_class():
    truth = truth_table()
    made = results(truth, method("one", truth, 2.0, seeds=2))
    found = scored(truth, *made.methods)
    rows = pd.DataFrame(json.loads(to_json(confusion_table(made, found, "one")))["rows"])
    sums = rows.groupby("true").agg(cases=("cases", "sum"), n=("n", "first"), share=("share", "sum"))
    np.testing.assert_allclose(sums["cases"], sums["n"])
    np.testing.assert_allclose(sums["share"], 1, atol=1e-5)
    assert ((rows["share_low"] <= rows["share"]) & (rows["share"] <= rows["share_high"])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_rule("st_galen_2013"), "did you mean st_gallen_2013"),
        (
            lambda: role_tasks(ST_GALLEN, RECEPTOR_TASKS),
            "needs er, pr, her2, ki67, and no task 'ki67' exists",
        ),
        (lambda: role_tasks(DUKE, TASKS, {"her3": "her2"}), "unknown role 'her3'"),
        (lambda: role_tasks(DUKE, TASKS, {"pr": "er"}), "two roles of rule receptor_only name one task"),
        (lambda: role_tasks(DUKE, TASKS, {"pr": "ki67"}), "for pr to be binary, it is declared continuous"),
        (
            lambda: role_tasks(ST_GALLEN, (*RECEPTOR_TASKS, Task("ki67", "continuous", range=(0.0, 1.0)))),
            r"range \[0, 100\] \(percentage points\), it is declared continuous with bounds 0 to 1",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_a_role_may_be_played_by_a_task_of_another_name():
    tasks = (Task("ER_status", "binary"), *RECEPTOR_TASKS[1:])
    assert role_tasks(DUKE, tasks, {"er": "ER_status"})["er"].name == "ER_status"


@pytest.fixture(scope="module")
def store(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    asked = ["run", "--method", "constant,tumour_size", "--inner-folds", "2", *where(folder), "-q"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    return folder


def where(folder: Path) -> tuple[str, ...]:
    return ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(folder))


def test_the_command_scores_a_store(store: Path) -> None:
    done = CliRunner().invoke(app, ["subtypes", "--rule", "receptor_only", *where(store), "--format", "json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["rule"]["name"] == "receptor_only"
    rows = {row["method"]: row for row in found["rows"]}
    assert set(rows) == {"constant", "tumour_size"}
    assert rows["constant"]["macro_auc"] == pytest.approx(0.5)
    assert rows["constant"]["macro_auc_high"] is None, "a class of so few patients has no interval"
    assert sum(found["rule"]["classes"].values()) == rows["constant"]["n"]


def test_the_command_prints_a_confusion_matrix_for_one_method(store: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            "subtypes",
            "--rule",
            "st_gallen_2013",
            "-m",
            "tumour_size",
            "--confusion",
            "tumour_size",
            *where(store),
            "--format",
            "csv",
        ],
    )
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == 1 + 5 * 6
    for wanted in ("md", "table"):
        shown = CliRunner().invoke(
            app,
            [
                "subtypes",
                "--rule",
                "st_gallen_2013",
                "--confusion",
                "constant",
                *where(store),
                "--format",
                wanted,
            ],
        )
        assert shown.exit_code == 0 and "SYNTHETIC" in shown.output


def duke_statuses(path: Path) -> pd.DataFrame:
    """ER, PR, HER2 and Mol Subtype of the clinical table, whose first three rows are headers."""
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    texts = ["".join(part.text or "" for part in its.iter(f"{name}t")) for its in strings]
    rows = []
    for row in sheet.iter(f"{name}row"):
        cells = {re.sub(r"\d", "", cell.get("r", "")): cell for cell in row}
        found = [
            cells[column].find(f"{name}v") if column in cells else None for column in ("X", "Y", "Z", "AA")
        ]
        kinds = [cells[column].get("t") if column in cells else None for column in ("X", "Y", "Z", "AA")]
        rows.append(
            [
                None if its is None else texts[int(its.text)] if kind == "s" else its.text
                for its, kind in zip(found, kinds, strict=True)
            ]
        )
    assert rows[1] == ["ER", "PR", "HER2", "Mol Subtype"]
    return pd.DataFrame(rows[3:], columns=["er", "pr", "her2", "published"]).apply(pd.to_numeric)


def test_the_receptor_rule_reproduces_the_published_column_of_all_922_duke_patients(real_data: Path) -> None:
    table = duke_statuses(real_data / "duke" / "Clinical_and_Other_Features.xlsx")
    found = classes_of(DUKE, {role: table[role] for role in DUKE.roles})
    assert len(table) == 922
    assert int((found == table["published"]).sum()) == 922
    counts = Counter(DUKE.classes[code] for code in found)
    assert [counts[name] for name in DUKE.classes] == [595, 104, 59, 164]
