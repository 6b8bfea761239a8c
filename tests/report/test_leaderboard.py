import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

from bench.errors import StoreError
from bench.predictions.results import MethodResult
from bench.report.board import leaderboard, result_table
from bench.report.formats.format import BoardFormat, Format
from bench.report.formats.printing import print_board, print_results, write_board
from bench.report.formats.terminal import to_rich
from bench.report.formats.text import escape_markdown, to_csv, to_json, to_markdown
from bench.scoring.scores import score_results
from tests.example_results import ESTIMAND, by_name, constant, method, results, truth_table


@pytest.fixture(scope="module")
def truth():
    return truth_table()


@pytest.fixture(scope="module")
def board_results(truth):
    """Two clear groups, the constant, and a failure."""
    nothing = pd.DataFrame(columns=["seed", "fold", "case_id", "task", "prediction"])
    return results(
        method("good", truth, 3.0),
        method("good_too", truth, 3.0, salt=1),
        constant(truth),
        MethodResult("broken", nothing, {}, "failed: out of memory"),
    )


def test_the_value_is_the_mean_of_folds_weighted_by_their_pairs(truth):
    entry = method("one", truth, 1.0)
    table = entry.predictions[entry.predictions["task"] == "er"].set_index("case_id").join(truth["er"])
    areas, pairs = [], []
    for _, part in table.groupby("fold"):
        areas.append(roc_auc_score(part["er"], part["prediction"]))
        pairs.append(part["er"].sum() * (1 - part["er"]).sum())
    score = by_name(score_results(results(entry)))["one"]
    assert score.value == pytest.approx(np.average(areas, weights=pairs))
    assert score.pooled == pytest.approx(roc_auc_score(table["er"], table["prediction"]))
    assert (score.n, score.positives) == (74, int(truth["er"].sum()))


def test_the_constant_predictor_has_one_half_and_its_mae_beside_every_method(truth):
    found = score_results(results(method("one", truth, 1.0), constant(truth)))
    error = np.abs(truth["ki67"] - (20.0 + np.arange(74) % 5)).mean()
    for name in ("one", "constant"):
        assert by_name(found)[name].constant == pytest.approx(0.5, abs=1e-12)
        assert by_name(found, "ki67")[name].constant == pytest.approx(error)
    assert by_name(found)["constant"].value == pytest.approx(0.5, abs=1e-12)
    assert by_name(found)["constant"].interval == pytest.approx((0.5, 0.5), abs=1e-12)
    assert by_name(found)["constant"].pooled != 0.5
    assert by_name(found, "ki67")["constant"].gain.value == pytest.approx(0, abs=1e-12)


def test_a_positive_gain_is_better_for_both_metrics(truth):
    found = score_results(results(method("one", truth, 3.0)))
    for task in ("er", "ki67"):
        gain = by_name(found, task)["one"].gain
        assert 0 < gain.interval.low < gain.value < gain.interval.high
        assert gain.p < 0.01
    auc, mae = by_name(found)["one"], by_name(found, "ki67")["one"]
    assert auc.gain.interval == pytest.approx((auc.interval.low - 0.5, auc.interval.high - 0.5))
    assert mae.gain.value == pytest.approx(mae.constant - mae.value)


def test_the_ceiling_recovers_all_and_the_constant_nothing(truth):
    ceiling = replace(method("ceiling", truth, 6.0, salt=99), label="ceiling")
    found = score_results(results(ceiling, constant(truth), method("one", truth, 1.0)))
    for task in ("er", "ki67"):
        scores = by_name(found, task)
        assert scores["ceiling"].oracle_skill == pytest.approx(1.0)
        assert scores["ceiling"].oracle_skill_interval == pytest.approx((1.0, 1.0))
        assert scores["constant"].oracle_skill == pytest.approx(0.0, abs=1e-12)
        assert (
            scores["one"].oracle_skill_interval.low
            < scores["one"].oracle_skill
            < scores["one"].oracle_skill_interval.high
        )
    one = by_name(found)["one"]
    assert one.oracle_skill == pytest.approx((one.value - 0.5) / (one.ceiling - 0.5))


def test_no_share_is_given_where_there_is_next_to_nothing_to_recover(truth):
    near = method("near", truth, 0.0, salt=5).predictions
    found = score_results(replace(results(method("one", truth, 1.0)), ceiling=near))
    assert abs(by_name(found)["one"].ceiling - 0.5) < 0.05
    assert np.isnan(by_name(found)["one"].oracle_skill)
    unclear = replace(results(method("one", truth, 1.0)), ceiling=method("unclear", truth, 0.0).predictions)
    assert by_name(score_results(unclear))["one"].ceiling - 0.5 > 0.05
    assert np.isnan(by_name(score_results(unclear))["one"].oracle_skill)
    without = score_results(results(method("one", truth, 1.0), ceiling=None))
    assert np.isnan([by_name(without)["one"].ceiling, by_name(without)["one"].oracle_skill]).all()


def test_an_unknown_label_drops_the_case_for_its_task_only(truth):
    holes = truth.copy()
    holes.loc[holes.index[:4], "er"] = np.nan
    found = score_results(results(method("one", holes, 1.0), truth=holes))
    assert (by_name(found)["one"].n, by_name(found, "ki67")["one"].n) == (70, 74)


def test_methods_without_all_cases_get_a_status_and_no_value(board_results, truth):
    partial = method("partial", truth, 1.0)
    partial = replace(partial, predictions=partial.predictions[partial.predictions["fold"] != 3])
    more = replace(board_results, methods=(*board_results.methods, partial))
    scores, before = by_name(score_results(more)), by_name(score_results(board_results))
    assert scores["partial"].status == "incomplete: no prediction for 15 of 74 cases"
    assert scores["broken"].status == "failed: out of memory"
    for name in ("partial", "broken"):
        assert scores[name].rank is None
        assert np.isnan(scores[name].value)
        assert scores[name].n == 74
    assert {name: scores[name] for name in ("good", "good_too", "constant")} == {
        name: before[name] for name in ("good", "good_too", "constant")
    }


def test_seeds_are_averaged_and_their_spread_is_kept(truth):
    both = method("one", truth, 1.0, seeds=3)
    singles = [
        by_name(score_results(results(replace(both, predictions=both.predictions.query(f"seed == {seed}")))))
        for seed in range(3)
    ]
    values = [single["one"].value for single in singles]
    score = by_name(score_results(results(both)))["one"]
    assert score.value == pytest.approx(np.mean(values))
    assert score.seed_sd == pytest.approx(np.std(values, ddof=1))
    assert (score.seeds, singles[0]["one"].seeds) == (3, 1)
    assert np.isnan(singles[0]["one"].seed_sd)


def test_ranks_are_shared_where_cases_do_not_separate_methods(board_results):
    scores = by_name(score_results(board_results))
    assert [scores[name].rank for name in ("good", "good_too", "constant")] == [1, 1, 3]


def test_a_single_method_has_rank_one(truth):
    assert {score.rank for score in score_results(results(method("one", truth, 0.0)))} == {1}


def test_five_positive_cases_are_too_few_to_rank_by(truth):
    few = truth.assign(er=(np.arange(74) < 5).astype(float))
    found = by_name(score_results(results(method("one", few, 9.0), constant(few), truth=few)))
    assert [score.rank for score in found.values()] == [1, 1]


def test_scores_do_not_depend_on_the_order_of_cases_or_methods(board_results):
    shuffled = replace(
        board_results,
        truth=board_results.truth.sample(frac=1, random_state=1),
        methods=tuple(
            replace(entry, predictions=entry.predictions.sample(frac=1, random_state=2))
            for entry in reversed(board_results.methods)
        ),
    )
    for task in ("er", "ki67"):
        before, after = by_name(score_results(board_results), task), by_name(score_results(shuffled), task)
        for name in ("good", "good_too", "constant"):
            assert after[name].rank == before[name].rank
            assert after[name].interval == pytest.approx(before[name].interval)
            assert after[name].oracle_skill_interval == pytest.approx(before[name].oracle_skill_interval)


def test_the_within_site_value_counts_pairs_of_the_same_fold_and_site():
    truth = truth_table(n=200, sites=3)
    score = by_name(score_results(results(method("one", truth, 1.0), truth=truth)))["one"]
    table = method("one", truth, 1.0).predictions.query("task == 'er'").set_index("case_id").join(truth)
    won = pairs = 0.0
    for _, part in table.groupby(["fold", "site"]):
        size = part["er"].sum() * (1 - part["er"]).sum()
        won += size * roc_auc_score(part["er"], part["prediction"])
        pairs += size
    assert score.within_site == pytest.approx(won / pairs)
    assert np.isnan(by_name(score_results(results(method("one", truth_table(), 1.0))))["one"].within_site)


def test_a_task_with_one_class_has_no_value(truth):
    single = truth.assign(er=1.0)
    score = by_name(score_results(results(method("one", single, 1.0), truth=single)))["one"]
    assert score.status == "not scored: no fold has both classes of er"
    assert score.rank is None
    unknown = truth.assign(er=np.nan)
    score = by_name(score_results(results(method("one", unknown, 1.0), truth=unknown)))["one"]
    assert score.status == "not scored: no tested case has a known label"
    assert "| ER " in to_markdown(leaderboard(results(method("one", unknown, 1.0), truth=unknown)))


def test_methods_that_test_a_case_in_different_folds_are_refused(truth):
    with pytest.raises(StoreError, match=r"case 'case0004' is tested in the folds 0, 4, expected one"):
        score_results(results(method("one", truth, 1.0), method("other", truth, 1.0, folds=4)))


def test_a_predicted_case_that_the_cohort_lacks_is_refused(truth):
    with pytest.raises(StoreError, match=r"1 predicted cases, such as 'case0000', are not in the cohort"):
        score_results(results(method("one", truth, 1.0), truth=truth.iloc[1:], ceiling=None))


def test_two_predictions_of_one_seed_are_refused(truth):
    twice = method("one", truth, 1.0)
    twice = replace(twice, predictions=pd.concat([twice.predictions, twice.predictions.iloc[:1]]))
    with pytest.raises(StoreError, match="one has two predictions of one seed for the same case"):
        score_results(results(twice))


def test_an_empty_store_is_an_error_with_a_remedy():
    with pytest.raises(StoreError, match="bench run --cohort phantom --split external_cv --method NAME"):
        leaderboard(results())


def test_the_board_lists_the_best_first_and_failures_last(board_results):
    table = leaderboard(board_results)
    names = [record["method"] for record in table.records if record["task"] == "er"]
    assert names[2:] == ["constant", "broken"]
    assert [record["task"] for record in table.records] == ["er"] * 4 + ["ki67"] * 4


def test_the_csv_is_long_and_has_the_declared_columns(board_results):
    text = to_csv(leaderboard(board_results))
    assert (
        text.splitlines()[0]
        == "rank,method,task,metric,value,ci_low,ci_high,n,status,fit_seconds,parameters,"
        "rank_low,rank_high,best_share,patients,against_constant"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 8
    assert rows[3] | {"fit_seconds": ""} == {
        "rank": "",
        "method": "broken",
        "task": "er",
        "metric": "auc",
        "value": "",
        "ci_low": "",
        "ci_high": "",
        "n": "74",
        "status": "failed: out of memory",
        "fit_seconds": "",
        "parameters": "",
        "rank_low": "",
        "rank_high": "",
        "best_share": "",
        "patients": "74",
        "against_constant": "",
    }
    assert rows[0]["fit_seconds"] == "12.5"
    assert float(rows[0]["ci_low"]) < float(rows[0]["value"]) < float(rows[0]["ci_high"])


def test_json_holds_the_facts_and_null_where_there_is_no_number(board_results):
    content = json.loads(to_json(leaderboard(board_results)))
    assert content["cohort"]["synthetic"] is True
    assert content["split"]["estimand"] == ESTIMAND
    assert content["statistics"] == {"level": 0.95, "bootstrap_draws": 2000, "bootstrap_seed": 0}
    broken = content["rows"][3]
    assert (broken["method"], broken["value"], broken["rank"]) == ("broken", None, None)
    assert content["rows"][0]["higher_is_better"] is True


def test_markdown_lines_up_in_the_source_and_says_what_a_reader_must_know(board_results):
    text = to_markdown(leaderboard(board_results))
    board = text[text.index("## ER") :]
    lines = [line for line in board.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 2 * (2 + 4)
    for needed in (
        "**SYNTHETIC cohort**",
        ESTIMAND,
        "abababababab",
        "cdcdcdcdcdcd",
        "2000 bootstrap resamples",
        "(seed 0)",
        "% positive",
        "Made with dcebench",
        "2 of 3 methods are better than the baseline and share rank 1",
        "AUC ↑",
        "MAE ↓ (pp)",
        "pp: percentage points.",
        "Better than baseline by",
    ):
        assert needed in text


def test_a_board_of_real_patients_names_the_licence_and_no_ceiling(truth):
    real = results(method("one", truth, 1.0), ceiling=None, synthetic=False, licence="CC BY 4.0")
    text = to_markdown(result_table(real))
    assert "Real patients: Embedded phantom (`phantom`), licence CC BY 4.0." in text
    assert "SYNTHETIC" not in text
    assert "Oracle" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("spatial_mtl[surround=False]", "spatial_mtl[surround=False]"),
        ("_x_ *y* `z`", r"\_x\_ \*y\* \`z\`"),
        ("<b> [a](b) $x$\nnext", r"\<b\> [a]\(b) \$x\$ next"),
    ],
)
def test_markdown_shows_special_characters_as_they_are(text, expected):
    assert escape_markdown(text) == expected


def test_what_the_table_shows_is_said_in_words(truth):
    useless = leaderboard(results(method("one", truth, 0.0), constant(truth)))
    assert "ER: none of 2 methods is separable from the baseline" in useless.notes[0]
    clear = result_table(results(method("one", truth, 3.0)))
    expected = "What it shows of these fitted models: ER and Ki-67: one is better than the baseline."
    assert clear.notes[0] == expected
    unclear = result_table(results(method("one", truth, 0.0)))
    assert "ER: one is not separable from the baseline on 74 cases" in unclear.notes[0]


@pytest.mark.parametrize("width", [80, 100, 110])
def test_the_terminal_table_keeps_every_estimate_on_one_line(board_results, truth, width):
    for table in (leaderboard(board_results), result_table(results(method("one", truth, 1.0)))):
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(to_rich(table, width))
        text = console.export_text()
        assert max(map(len, text.splitlines())) <= width
        assert "SYNTHETIC" in text
        for row in table.rows:
            assert row["gain"].text in text
            assert row["oracle_skill"].text in text


def test_boards_are_printed_and_written_in_every_format(board_results, truth, tmp_path, capsys):
    board = leaderboard(board_results)
    for wanted, start in ((BoardFormat.md, "# Leader"), (BoardFormat.csv, "rank,"), (BoardFormat.json, "{")):
        print_board(board, wanted)
        printed = capsys.readouterr().out
        write_board(board, wanted, tmp_path / "new" / f"board.{wanted.value}")
        assert (tmp_path / "new" / f"board.{wanted.value}").read_text(encoding="utf-8") == printed
        assert printed.startswith(start)
    print_results(results(method("one", truth, 1.0)), Format.table)
    assert "one: phantom, external_cv" in capsys.readouterr().out
    print_results(results(method("one", truth, 1.0)), Format.json)
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2


def test_a_board_needs_neither_torch_nor_scipys_statistics():
    code = (
        "import sys, bench.report.board; print([name for name in ('torch', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "[]"
