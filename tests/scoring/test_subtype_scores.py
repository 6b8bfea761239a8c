"""Scores of subtypes, with thresholds of each fold."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score

from bench.errors import StoreError, UsageError
from bench.inference import Bootstrap
from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import Threshold, youden
from bench.report.formats.text import to_csv, to_json, to_markdown
from bench.report.subtypes import confusion_table, subtype_table
from bench.scoring.subtypes.metrics import macro_auc
from bench.scoring.subtypes.rules import (
    class_probabilities,
    classes_of,
    find_rule,
    role_tasks,
)
from bench.scoring.subtypes.scores import (
    SubtypeScores,
    ki67_spreads,
    score_subtypes,
)
from bench.task import Task
from tests.scoring.subtype_results import DUKE, MAISONNEUVE, RECEPTOR_TASKS, ST_GALLEN

TASKS = (*RECEPTOR_TASKS, Task("ki67", "continuous", range=(0.0, 100.0)))


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
    return pd.concat(
        [method.predictions.assign(method=method.label) for method in methods], ignore_index=True
    )


def scored(truth, *methods, rule=MAISONNEUVE, **changes) -> SubtypeScores:
    roles = role_tasks(rule, TASKS)
    said = validation(*(method for method in methods if method.status == "ok"))
    return score_subtypes(
        results(truth, *methods),
        rule,
        roles,
        ki67_spreads(said, truth, roles),
        **{"bootstrap": Bootstrap(200), **changes},
    )


def by_label(found):
    return {score.method: score for score in found.scores}


def test_scores_are_scikit_learns_of_classes_from_each_folds_own_thresholds():
    truth = truth_table()
    entry = method("one", truth, 2.0)
    found = scored(truth, entry, rule=DUKE)
    fold = np.arange(150) % 5
    wide = entry.predictions.pivot(index="case_id", columns="task", values="prediction")
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
    entry = method("one", truth, 2.0)
    reason = "7 positives in the validation part of fold 3, 20 needed: run with --inner-folds 3"
    lacking = tuple(
        replace(chosen, value=np.nan, source="", reason=reason) if chosen.fold == 2 else chosen
        for chosen in entry.thresholds
    )
    made = results(truth, replace(entry, thresholds=lacking))
    roles = role_tasks(DUKE, TASKS)
    found = score_subtypes(
        made, DUKE, roles, ki67_spreads(validation(entry), truth, roles), bootstrap=Bootstrap(50)
    )
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
    table = subtype_table(made, found, Bootstrap(200))
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
