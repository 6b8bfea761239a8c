"""The commands of the page."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.running.plan import Plan
from tests.command import bench

BOARD = str(Path(__file__).parents[2] / "leaderboards/phantom/external_cv")


def test_a_report_of_a_store_shows_cases_with_pictures(planned: Plan, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    given = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(planned.store.folder))
    ended = bench("report", *given, "--cases", "2", "--out", str(out))
    assert ended.returncode == 0, ended.stderr
    assert f"{out} written" in ended.stderr
    text = out.read_text(encoding="utf-8")
    assert text.count("<article") == text.count('<img class="shown" src="data:image/png') == 2


def test_the_report_has_the_audit_which_names_no_case_on_an_anonymous_page(
    planned: Plan, tmp_path: Path
) -> None:
    given = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(planned.store.folder))
    texts = []
    for more in ((), ("--anonymous",)):
        ended = bench("report", *given, *more, "--out", str(tmp_path / "report.html"))
        assert ended.returncode == 0, ended.stderr
        texts.append((tmp_path / "report.html").read_text(encoding="utf-8"))
    for text in texts:
        assert '<section id="audit"' in text and ">BA001</td>" in text and ">BA036</td>" in text
    assert "bench audit --explain CODE says" in texts[0] and "bench audit --explain CODE says" not in texts[1]


def test_the_worst_cases_are_listed_and_drawn(planned: Plan, tmp_path: Path) -> None:
    given = ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(planned.store.folder))
    sheet = tmp_path / "sheet.png"
    words = (
        "--task",
        "er",
        "--method",
        "tumour_size",
        "--worst",
        "3",
        "--format",
        "csv",
        "--sheet",
        str(sheet),
    )
    ended = bench("cases", *given, *words)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 4
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_a_board_without_images_has_no_sheet(tmp_path: Path) -> None:
    words = ("--board", BOARD, "--task", "er", "--method", "constant", "--sheet", str(tmp_path / "sheet.png"))
    ended = bench("cases", *words)
    assert ended.returncode == 2
    assert "--sheet needs images" in ended.stderr


@pytest.mark.parametrize("words", [(), ("--split", "internal", "--board", BOARD)])
def test_a_split_or_a_board_is_needed_not_both(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = bench("report", *words, "--out", str(tmp_path / "report.html"))
    assert ended.returncode == 2
    assert "either a split of a store (--split) or a committed board (--board)" in ended.stderr


def test_the_commands_are_listed_without_what_draws_them() -> None:
    code = (
        "import sys, bench.cli.app; "
        "print([name for name in ('matplotlib', 'jinja2', 'torch', 'scipy') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
