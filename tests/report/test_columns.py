"""Columns as chosen, in every format."""

import io
import json
import re

import pytest
from rich.console import Console

from bench.errors import UsageError
from bench.inference import NO_INTERVAL, Difference, Interval
from bench.report.formats.latex import to_latex
from bench.report.formats.terminal import to_rich
from bench.report.formats.text import to_csv, to_json, to_markdown
from bench.report.select import COLUMN_NAMES, COLUMNS_HELP, RECORD_NAMES, select_columns
from bench.report.table import Table
from tests.report.example_board import board, read_markdown, score, table

CHOSEN = ["rank", "method", "value", "n", "oracle_skill"]


def test_columns_stand_as_chosen_in_every_format():
    chosen = select_columns(board(), CHOSEN)
    assert read_markdown(to_markdown(chosen))[0] == [
        *("Rank", "Method", "Value [95 %]", "n (pos.)", "Oracle skill %"),
    ]
    assert "## ER, AUC ↑\n\n|" in to_markdown(chosen)
    assert to_csv(chosen).splitlines()[:2] == [
        "rank,method,value,n,oracle_skill",
        "1,good_one,0.712,74,-0.4",
    ]
    assert list(json.loads(to_json(chosen))["rows"][0]) == [*CHOSEN[:4], "oracle_skill"]
    assert r"\textbf{1} & \textbf{good\_one} & 0.712 & 0.641 & 0.783 & 74 (53) & $-$40" in to_latex(chosen)
    rows = [" ".join(line.split()) for line in printed(chosen, 100).splitlines()]
    assert "1 good_one 0.712 [0.641, 0.783] 74 (53) -40 [-120, 35]" in rows


def printed(shown: Table, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(to_rich(shown, width))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_task_and_its_direction_are_seen_whatever_the_columns(width):
    for names in (CHOSEN, ["method"], ["task", "value"], ["value", "metric", "task"], ["better_p", "method"]):
        chosen = select_columns(board(), names)
        for text in (printed(chosen, width), to_markdown(chosen)):
            for needed in ("SYNTHETIC", "ER", "AUC ↑", "Ki-67", "MAE ↓ (pp)"):
                assert needed in text
        assert max(map(len, printed(chosen, width).splitlines())) <= width


def test_a_value_of_the_records_can_be_a_column_of_any_format():
    chosen = select_columns(board(), ["method", "better_p", "status", "higher_is_better", "ci_low"])
    assert read_markdown(to_markdown(chosen))[:2] == [
        ["Method", "better p", "status", "higher is better", "ci low"],
        ["good_one", "0.200", "ok", "yes", "0.641"],
    ]
    tiny = table(score("one", gain=Difference(0.3, Interval(0.2, 0.4), 0.0001)))
    assert "<0.001" in read_markdown(to_markdown(select_columns(tiny, ["better_p"])))[1]


def test_a_column_is_shown_once_and_a_chosen_one_even_where_it_says_nothing():
    chosen = select_columns(board(), ["method", "within_site", "within_site_auc", "oracle_skill"])
    assert read_markdown(to_markdown(chosen))[0] == ["Method", "Within-site AUC", "Oracle skill %"]
    assert to_csv(chosen).splitlines()[0] == "method,within_site_auc,oracle_skill"
    assert "Within-site" not in to_markdown(board())


def test_a_note_is_said_only_where_its_column_is_shown():
    assert "Rank: 1 +" in to_markdown(board())
    assert "Fit s: seconds of fitting" in to_markdown(board())
    short = to_markdown(select_columns(board(), ["method", "value"]))
    assert not re.findall("Rank: 1|Fit s:|Oracle:|Better than|Seeds:|Pooled AUC:", short)
    assert "Oracle: the predictor" in to_markdown(select_columns(board(), ["method", "oracle_skill"]))
    assert "Pooled AUC" not in to_latex(board())


def test_an_unknown_column_is_answered_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"unknown column 'oracle_skil': did you mean oracle_skill"):
        select_columns(board(), ["method", "oracle_skil"])
    with pytest.raises(UsageError, match=r"unknown column 'cilow': did you mean ci_low"):
        select_columns(board(), ["cilow"])


def test_every_column_can_be_chosen_and_is_named_in_the_help():
    known = {*COLUMN_NAMES, *RECORD_NAMES}
    assert known == {
        *(column.name for column in board().columns),
        *(key for record in board().records for key in record),
    }
    chosen = select_columns(board(), sorted(known))
    assert len(chosen.records[0]) == len(board().records[0])
    assert all(re.search(rf"\b{name}\b", COLUMNS_HELP) for name in known)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("share", "oracle_skill"),
        ("recoverable_share", "oracle_skill"),
        ("share_low", "oracle_skill_low"),
        ("share_high", "oracle_skill_high"),
    ],
)
def test_an_old_name_of_a_column_is_answered_with_the_new_one(old, new):
    with pytest.raises(UsageError, match=f"the column '{old}' is called '{new}' now"):
        select_columns(board(), ["method", old])
    assert select_columns(board(), [new]).columns[0].name == new


def test_a_share_without_an_interval_has_a_dash_as_every_value_has():
    few = table(score("few", oracle_skill=-0.11, oracle_skill_interval=NO_INTERVAL))
    chosen = select_columns(few, ["method", "oracle_skill"])
    assert read_markdown(to_markdown(chosen))[1] == ["few", "-11 [-]"]
