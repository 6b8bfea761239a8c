"""Shares of variance and effects of factors: against closed forms, planted effects, and none."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from bench.inference import Bootstrap
from bench.predictions.results import MethodResult, Results
from bench.report.factors import factor_table
from bench.scoring.factors import factor_scores, variance_shares
from bench.task import Task

FACTORS = {"encoder": ("small", "large"), "regions": ("lesion", "both", "all")}


def test_shares_are_those_of_a_balanced_analysis_of_variance() -> None:
    a, b = np.array([0.0, 1.0])[:, None], np.array([-2.0, 0.0, 2.0])
    shares = variance_shares((a + b + 3 * a * (b == 0))[..., None])
    total = np.var(a + b + 3 * a * (b == 0))
    means = (a + b + 3 * a * (b == 0)).mean(axis=1), (a + b + 3 * a * (b == 0)).mean(axis=0)
    assert shares[(0,)] == pytest.approx(np.var(means[0]) / total)
    assert shares[(1,)] == pytest.approx(np.var(means[1]) / total)
    assert sum(shares.values()) == pytest.approx(1) and shares[()] == pytest.approx(0, abs=1e-12)


def test_an_interaction_of_three_is_the_rest_and_equal_rows_have_no_share() -> None:
    signs = np.array([-1.0, 1.0])
    shares = variance_shares(np.einsum("i,j,k->ijk", signs, signs, signs)[..., None])
    assert shares.pop(()) == pytest.approx(1)
    assert all(share == pytest.approx(0, abs=1e-12) for share in shares.values())
    assert all(np.isnan(share) for share in variance_shares(np.ones((2, 2, 1))).values())


def results_of(noise: dict[str, float], cases: int = 300) -> tuple[Results, dict[tuple[str, ...], str]]:
    """Rows whose error of Ki-67 is set by the level of the regions alone; one fold, two sites."""
    rng = np.random.default_rng(0)
    ids = [f"c{at}" for at in range(cases)]
    truth = pd.DataFrame({"ki67": rng.uniform(20, 80, cases)}, index=ids)
    truth["patient_id"], truth["group"] = ids, "internal"
    truth["site"] = np.where(np.arange(cases) % 2, "A", "B")
    shared = rng.normal(size=cases)
    rows, methods = {}, []
    for levels in product(*FACTORS.values()):
        label = "+".join(levels)
        said = truth["ki67"] + noise[levels[1]] * shared + rng.normal(0, 0.5, cases)
        table = pd.DataFrame({"case_id": ids, "task": "ki67", "fold": 0, "seed": 0, "prediction": said})
        methods.append(MethodResult(label, table, constants={0: {"ki67": 50.0}}, seeds=(0,)))
        rows[levels] = label
    task = Task("ki67", "continuous", range=(0, 100))
    about = dict.fromkeys(
        ("cohort_fingerprint", "licence", "split_title", "estimand", "split_fingerprint"), ""
    )
    results = Results(
        (task,),
        "made",
        "",
        synthetic=True,
        split="one",
        split_seed=0,
        truth=truth,
        methods=tuple(methods),
        **about,
    )
    return results, rows


def test_a_planted_effect_is_found_and_the_other_factor_has_none() -> None:
    results, rows = results_of({"lesion": 10, "both": 5, "all": 5})
    (found,) = factor_scores(results, FACTORS, rows, Bootstrap(400))
    shares = {share.source: share for share in found.shares}
    assert shares["regions"].value > 0.95 and shares["regions"].interval.low > 0.9
    assert shares["encoder"].value < 0.05
    effects = {(effect.factor, effect.level): effect for effect in found.effects}
    assert effects["regions", "both"].interval.low > 0  # a smaller error is better
    assert effects["regions", "both"].better_by == pytest.approx(4, abs=0.5)
    low, high = effects["encoder", "large"].interval
    assert low < 0 < high or abs(effects["encoder", "large"].better_by) < 0.1
    assert all(effect.worst_site >= effect.value for effect in found.effects)


def test_a_row_without_a_result_leaves_the_task_without_shares() -> None:
    results, rows = results_of({"lesion": 10, "both": 5, "all": 5})
    first, *others = results.methods
    empty = MethodResult(first.label, first.predictions.iloc[:0], status="failed: no memory")
    (found,) = factor_scores(
        Results(**{**vars(results), "methods": (empty, *others)}), FACTORS, rows, Bootstrap(50)
    )
    assert not found.shares and found.status == f"1 rows lack a value; {first.label}: failed: no memory"


def test_the_table_has_a_row_for_each_share_and_each_level() -> None:
    results, rows = results_of({"lesion": 10, "both": 5, "all": 5})
    bootstrap = Bootstrap(50)
    table = factor_table(factor_scores(results, FACTORS, rows, bootstrap), results, bootstrap)
    assert [row["factor"].text for row in table.rows] == [
        *["encoder"] * 3,
        *["regions"] * 4,
        "encoder x regions",
    ]
    assert table.records[0]["share"] is not None and table.records[1]["level"] == "small"
