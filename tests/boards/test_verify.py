"""Committed boards are recomputed, and cells run again."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.boards.crate import CRATE
from bench.boards.printed import same_text
from bench.boards.snapshot import board_files, thaw
from bench.boards.verify import compare_files, recomputed, rerun, verify_board
from bench.cli import app
from bench.errors import UsageError
from bench.report.board import leaderboard, ordered
from bench.scoring.scores import score_results


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of two methods on the tiny phantom, made and kept through the command line."""
    folder = tmp_path_factory.mktemp("boards")
    where = ["--cohort", "phantom-tiny", "--split", "internal", "--store", str(folder / "runs")]
    for words in (
        ["run", "-q", "--method", "constant,tumour_size", "--device", "cpu"],
        ["leaderboard", "--freeze", str(folder / "leaderboards")],
    ):
        done = CliRunner().invoke(app, [*words, *where])
        assert done.exit_code == 0, done.output
    return folder / "leaderboards" / "phantom-tiny" / "internal"


@pytest.fixture
def copied(place: Path, tmp_path: Path) -> Path:
    """A copy without its crate, which names every file that was changed at all."""
    folder = Path(shutil.copytree(place, tmp_path / "phantom-tiny" / "internal"))
    (folder / CRATE).unlink()
    return folder


def test_an_untouched_board_is_as_its_source_says(place: Path) -> None:
    found = verify_board(place)
    assert found.differences == () and found.figures > 50


def test_each_figure_that_was_changed_is_named_with_both_values(copied: Path) -> None:
    table = pd.read_csv(copied / "board.csv", dtype=str, keep_default_na=False)
    was = table.loc[0, "value"]
    table.loc[0, "value"] = "0.999"
    table.to_csv(copied / "board.csv", index=False)
    (difference,) = verify_board(copied).differences
    task, method = table.loc[0, ["task", "method"]]
    assert difference == f"{task} {method} value: '0.999' on the board, '{was}' from its source"


def test_a_changed_line_of_the_markdown_is_named(copied: Path) -> None:
    board = copied / "board.md"
    board.write_text(board.read_text().replace("tumour", "tumor", 1))
    assert all(difference.startswith("board.md line ") for difference in verify_board(copied).differences)


def test_a_changed_prediction_shows_in_the_figures(copied: Path) -> None:
    path = copied / "predictions.csv.gz"
    table = pd.read_csv(path)
    chosen = (table["method"] == "tumour_size") & (table["task"] == "er")
    table.loc[chosen, "prediction"] = 1 - table.loc[chosen, "prediction"]
    table.to_csv(path, index=False)
    assert any(
        difference.startswith("er tumour_size value: ") for difference in verify_board(copied).differences
    )


def test_a_removed_row_is_missed(copied: Path) -> None:
    lines = (copied / "board.csv").read_text().splitlines(keepends=True)
    (copied / "board.csv").write_text("".join(lines[:-1]))
    assert any(
        difference.endswith(": missing on the board") for difference in verify_board(copied).differences
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", "\n" + text.splitlines()[1] + "\n", 1),
        lambda text: "\n".join([text.splitlines()[0], *reversed(text.splitlines()[1:])]) + "\n",
        lambda text: "\n".join(f"{line},1" for line in text.splitlines()) + "\n",
    ],
    ids=["a row twice", "rows in another order", "a column more"],
)
def test_what_the_source_does_not_give_differs(copied: Path, edit) -> None:
    text = (copied / "board.csv").read_text()
    (copied / "board.csv").write_text(edit(text))
    assert any(difference.startswith("board.csv ") for difference in verify_board(copied).differences)


@pytest.mark.parametrize("name", ["records.json", "predictions.csv.gz", "board.csv"])
def test_a_synthetic_board_without_one_of_its_files_differs(copied: Path, name: str) -> None:
    (copied / name).unlink()
    (difference,) = verify_board(copied).differences
    assert difference.startswith("it cannot be read: ") and name in difference


def test_a_board_of_real_patients_is_said_not_to_be_checked(copied: Path) -> None:
    for name in ("records.json", "predictions.csv.gz"):
        (copied / name).unlink()
    text = (copied / "board.md").read_text().replace("SYNTHETIC", "")
    (copied / "board.md").write_text(text)
    found = verify_board(copied)
    assert found.differences == () and found.note.startswith("not checked: a board of real patients")


def test_a_cell_that_is_run_again_gives_equal_predictions(place: Path) -> None:
    found = rerun(place, "tumour_size:0:0")
    assert found["verdict"] == "equal" and found["note"] == ""


def test_a_cell_with_other_predictions_is_different(copied: Path) -> None:
    path = copied / "predictions.csv.gz"
    table = pd.read_csv(path)
    table.loc[table["method"] == "tumour_size", "prediction"] *= 0.9
    table.to_csv(path, index=False)
    found = rerun(copied, "tumour_size:0:0")
    assert found["verdict"] == "different" and found["largest"] > 0.01


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("tumour_size", "expects METHOD:SEED:FOLD"),
        ("size:0:0", "the board has no 'size'; it has constant, tumour_size"),
        ("constant:7:0", "no cell constant:7:0; of constant it has 0:0"),
    ],
)
def test_a_cell_that_the_board_lacks_is_refused_by_name(place: Path, wanted: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rerun(place, wanted)


def test_the_command_fails_where_a_figure_differs(copied: Path) -> None:
    assert CliRunner().invoke(app, ["verify", str(copied)]).exit_code == 0
    (copied / "board.csv").write_text((copied / "board.csv").read_text().replace(",constant,", ",constant_,"))
    assert CliRunner().invoke(app, ["verify", str(copied)]).exit_code == 1
    assert CliRunner().invoke(app, ["verify", str(copied / "nothing")]).exit_code == 1


def plants(text: str, alike: Sequence[str]) -> list[str]:
    """The text with the last digit of one figure one higher, for each figure in turn.

    Figures that processors print differently, by a number half-way between two, are passed over.
    """
    ends = [found.end() - 1 for found in re.finditer(r"\d(?!\d|\.\d)", text) if found[0] != "9"]
    clear = [end for end in ends if {entry[end] for entry in alike} == {text[end]}]
    return [f"{text[:end]}{int(text[end]) + 1}{text[end + 1 :]}" for end in clear]


@pytest.mark.parametrize("file", ["board.md", "board.csv"])
def test_a_last_digit_that_is_one_higher_is_found_wherever_it_stands(place: Path, file: str) -> None:
    again = recomputed(place)
    kept = {name: (place / name).read_text(encoding="utf-8") for name in again[0]}
    assert compare_files(kept, again)[1] == []
    changed = plants(kept[file], [entry[file] for entry in again])
    assert len(changed) > 50
    for text in changed:
        assert compare_files({**kept, file: text}, again)[1], text


def test_a_figure_between_two_printed_ones_may_be_either_and_no_third(copied: Path) -> None:
    """A mean of six-digit predictions lies exactly half-way between two figures of the board."""
    path = copied / "predictions.csv.gz"
    table = pd.read_csv(path, dtype={"case_id": str})
    mine = table["task"].eq("ki67") & table["truth"].notna()
    table.loc[mine, "prediction"] = table.loc[mine, "truth"] + 11.9458625
    table.to_csv(path, index=False, float_format="%.10g")
    freeze_again(copied)
    text = (copied / "board.csv").read_text()
    for figure, right in zip(("11.945861", "11.945862", "11.945863", "11.945864"), (0, 1, 1, 0), strict=True):
        (copied / "board.csv").write_text(re.sub(r"mae,11\.94586\d,", f"mae,{figure},", text))
        assert (verify_board(copied).differences == ()) == right, figure


def freeze_again(place: Path) -> None:
    for name, text in board_files(leaderboard(thaw(place))).items():
        (place / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("kept", "right"),
    [
        ("| 1 | best  | 0.123 [0.100, 0.200] |", True),
        ("| 1 |  best | 0.124 [0.100, 0.200] |", True),
        ("| 1 | best | 0.122 [0.100, 0.200] |", False),
        ("| 2 | best | 0.123 [0.100, 0.200] |", False),
        ("| 1 | rest | 0.123 [0.100, 0.200] |", False),
        ("| 1 | best | 0.123 [0.100, 0.200] | 7 |", False),
        ("| 1 | best | -0.123 [0.100, 0.200] |", False),
        ("| 1 | best | 0.123 [-, 0.200] |", False),
        ("| 1 | best | 0.1230 [0.100, 0.200] |", False),
    ],
)
def test_words_are_compared_as_words_and_figures_as_figures(kept: str, right: bool) -> None:
    again = ["| 1 | best | 0.123 [0.100, 0.200] |", "| 1 | best | 0.124 [0.100, 0.200] |"]
    assert same_text(kept, again) is right


def test_equal_values_stand_in_the_order_of_their_names_though_sums_differ(place: Path) -> None:
    results = thaw(place)
    scores = [score_result for score_result in score_results(results) if score_result.task.name == "er"]
    for last_bits in (-1e-15, 1e-15):
        pair = [
            replace(scores[0], method="b", value=0.7 + last_bits, rank=1),
            replace(scores[0], method="a", value=0.7, rank=1),
        ]
        assert [cell.method for cell in ordered(pair, results)] == ["a", "b"]


def test_write_makes_a_board_again_from_its_source(copied: Path) -> None:
    right = (copied / "board.csv").read_text()
    (copied / "board.csv").write_text(right.replace(",constant,", ",constant_,"))
    assert CliRunner().invoke(app, ["verify", str(copied), "--write"]).exit_code == 0
    assert (copied / "board.csv").read_text() == right


def test_the_index_of_a_folder_of_boards_says_what_each_shows(place: Path) -> None:
    text = (place.parents[1] / "README.md").read_text(encoding="utf-8")
    assert "## [phantom-tiny/internal](phantom-tiny/internal/board.md)" in text
    (shown,) = [line for line in text.splitlines() if line.startswith("What it shows of ")]
    assert shown in (place / "board.md").read_text(encoding="utf-8")
