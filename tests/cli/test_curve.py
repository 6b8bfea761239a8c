"""``bench curve``: cells of every size, a table, figures, and the section of the report."""

import json
from pathlib import Path

import pytest

from tests.command import Ended, bench

GIVEN = ("--cohort", "phantom-tiny", "--split", "internal")


def curve(store: Path, *more: str) -> Ended:
    sized = ("--method", "constant,tumour_size", "--sizes", "12,24,all", "--executor", "here")
    return bench("curve", *GIVEN, *sized, "--store", str(store), "-q", *more)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curve") / "runs"
    ended = curve(folder, "--out", str(folder.parent / "curve.json"), "--figures", str(folder.parent))
    assert ended.returncode == 0, ended.stderr
    return folder


def test_each_size_is_a_split_of_the_store_and_the_table_has_them_all(store: Path) -> None:
    told = json.loads((store.parent / "curve.json").read_text(encoding="utf-8"))
    sizes = sorted({row["size"] for row in told["rows"]})
    assert sizes[:2] == [12, 24] and 30 < sizes[2] < 48
    assert {row["status"] for row in told["rows"]} == {"ok"}
    assert len(told["laws"]) == 8 and len(told["passings"]) == 4
    assert sorted(path.suffix for path in store.parent.glob("er_learning.*")) == [".pdf", ".png", ".svg"]


def test_the_same_command_fits_nothing_again_and_more_sizes_only_the_new_ones(store: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.glob("cells/**/record.json")}
    assert len(before) == 6
    assert curve(store, "--out", str(store.parent / "again.json")).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in store.glob("cells/**/record.json")} == before
    first, again = (
        (store.parent / name).read_text(encoding="utf-8") for name in ("curve.json", "again.json")
    )
    assert first == again


@pytest.mark.slow
def test_the_report_of_the_split_has_the_curves_and_other_splits_have_none(store: Path) -> None:
    out = store.parent / "report.html"
    assert bench("report", *GIVEN, "--store", str(store), "--out", str(out)).returncode == 0
    text = out.read_text(encoding="utf-8")
    assert '<section id="learning"' in text and "ER: AUC by training patients" in text
    sized = ("--cohort", "phantom-tiny", "--split", "internal:n=12", "--store", str(store))
    assert bench("report", *sized, "--out", str(out)).returncode == 0
    assert '<section id="learning"' not in out.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_of_a_store_has_the_curves_of_a_run_without_the_whole_split(tmp_path: Path) -> None:
    sized = ("--method", "constant,tumour_size", "--sizes", "12,24", "--executor", "here")
    assert bench("curve", *GIVEN, *sized, "--store", str(tmp_path / "runs"), "-q").returncode == 0
    where = ("--store", str(tmp_path / "runs"), "--static", str(tmp_path / "pages"))
    assert bench("view", *where).returncode == 0
    text = (tmp_path / "pages" / "report-0.html").read_text(encoding="utf-8")
    assert '<section id="learning"' in text and '<section id="audit"' in text


def test_a_dry_run_counts_the_cells_of_every_size(tmp_path: Path) -> None:
    ended = curve(tmp_path / "none", "--dry-run", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert {row["method"]: row["cells"] for row in json.loads(ended.stdout)}["all"] == 6


def test_what_is_no_curve_is_refused_in_a_line(tmp_path: Path) -> None:
    given = ("--method", "constant", "--store", str(tmp_path), *GIVEN)
    one = bench("curve", *given, "--sizes", "12")
    assert one.returncode == 2 and "needs at least two sizes: --sizes 100,200,400,all" in one.stderr
    twice = bench("curve", *given, "--sizes", "12,12")
    assert twice.returncode == 2 and "different whole numbers" in twice.stderr
    many = bench("curve", *given, "--sizes", "12,5000")
    assert many.returncode == 1 and "5000 patients are to be learned from" in many.stderr


def test_an_experiment_with_sizes_is_for_this_command(tmp_path: Path) -> None:
    file = tmp_path / "curve.toml"
    file.write_text('methods = ["constant"]\ncohort = "phantom-tiny"\nsizes = [12, 24]\n')
    ended = bench("run", "--config", str(file), "--store", str(tmp_path / "runs"))
    assert ended.returncode == 2 and "bench curve --config FILE" in ended.stderr
