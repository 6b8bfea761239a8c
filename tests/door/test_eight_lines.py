"""The sentence as eight lines of Python, with a class that the script itself defines."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest

import bench
from bench.errors import PluginError, UsageError
from bench.store.collect import results_of_store
from bench.store.store import Store


@dataclass
class MyMethod:
    """Predicts the training mean, moved towards the middle of the bounds."""

    strength: float = 1.0

    def fit(self, train: bench.Cohort, val: bench.Cohort, run: bench.Run) -> Self:
        self.means = {task.name: float(np.nanmean(train.labels(task.name))) for task in train.tasks}
        return self

    def predict(self, cohort: bench.Cohort) -> dict[str, np.ndarray]:
        return {name: np.full(len(cohort), mean / self.strength) for name, mean in self.means.items()}


ROW = "MyMethod[strength=3] (not isolated)"


@pytest.fixture(scope="module")
def split(tiny: bench.Cohort) -> bench.Split:
    return bench.make_split(tiny, "internal_cv")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("door") / "runs"


@pytest.fixture(scope="module")
def results(tiny: bench.Cohort, split: bench.Split, store: Path) -> bench.Results:
    methods: list[str | bench.Method] = ["constant", "tumour_size", MyMethod(strength=3)]
    return bench.run(tiny, split, methods, seeds=[0, 1], store=store, quiet=True)


def test_every_row_has_the_same_seeds(results: bench.Results) -> None:
    assert [method.label for method in results.methods] == ["constant", "tumour_size", ROW]
    assert {method.status for method in results.methods} == {"ok"}
    assert {method.seeds for method in results.methods} == {(0, 1)}


def test_the_board_has_every_form(results: bench.Results) -> None:
    board = bench.leaderboard(results)
    assert set(board.to_frame()["method"]) == {"constant", "tumour_size", ROW}
    assert board.to_markdown().startswith("# Leaderboard: phantom-tiny, internal_cv")
    assert r"\begin{tabular}" in board.to_latex()
    assert "<table>" in board._repr_html_() and "SYNTHETIC" in board._repr_html_()


def test_the_board_by_the_worst_site_names_it(results: bench.Results) -> None:
    table = bench.leaderboard(results, rank_by="worst_site").to_frame()
    assert set(table["worst_site"].dropna()) <= set(results.truth["site"])
    assert set(table["method"]) == {"constant", "tumour_size", ROW}
    with pytest.raises(bench.BenchError, match="'worst_sites'"):
        bench.leaderboard(results, rank_by="worst_sites")  # type: ignore[arg-type]


def test_nobody_recalibrates_at_sites_that_were_learned_from(results: bench.Results) -> None:
    cohort = bench.open_cohort("phantom-tiny", quiet=True)
    with pytest.raises(bench.BenchError, match="not learned from"):
        bench.recalibrate(results, cohort, bench.make_split(cohort, "internal_cv"), 0.3)


def test_a_class_of_the_script_says_that_it_was_not_isolated(results: bench.Results) -> None:
    own = results.methods[2]
    assert {record["isolation"] for record in own.records} == {"ran in this process, not isolated"}
    assert not any("isolation" in record for record in results.methods[0].records)
    (note,) = [note for note in bench.leaderboard(results).notes if note.startswith(ROW)]
    assert "nothing keeps a method" in note


def test_comparisons_name_the_reference_and_accept_the_class_name(results: bench.Results) -> None:
    table = bench.compare(results, reference="tumour_size").to_frame()
    assert len(table) == 2 * len(results.tasks)
    same = bench.compare(results, ["constant", "MyMethod[strength=3]"])
    assert len(same.to_frame()) == len(results.tasks)


def test_predictions_stand_beside_their_truth(results: bench.Results, tiny: bench.Cohort) -> None:
    table = results.predictions
    assert len(table) == 3 * 2 * len(tiny.tasks) * len(results.tested)
    er = table[(table["task"] == "er") & (table["method"] == ROW)]
    truth = tiny.take(er["case_id"]).labels("er")
    assert np.array_equal(er["truth"].to_numpy(dtype=float), truth, equal_nan=True)


def test_sites_and_subtypes_come_of_the_same_results(results: bench.Results) -> None:
    assert "within sites" in set(bench.sites(results, ["tumour_size"]).to_frame()["site"])
    scored = bench.subtypes(results, "st_gallen_2013").to_frame()
    assert list(scored["method"]) == ["constant", "tumour_size", ROW]


def test_completed_cells_do_not_run_again(
    results: bench.Results, tiny: bench.Cohort, split: bench.Split, store: Path
) -> None:
    again = bench.run(tiny, split, [MyMethod(strength=3)], seeds=[0, 1], store=store, quiet=True)
    assert [record["ended"] for record in again.methods[0].records] == [
        record["ended"] for record in results.methods[2].records
    ]
    assert {method.label for method in results_of_store(tiny, split, Store(store)).methods} >= {ROW}


def test_one_method_is_evaluated_without_a_store(
    tiny: bench.Cohort, split: bench.Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scored = bench.evaluate(MyMethod(), tiny, split).to_frame()
    assert list(scored["task"]) == [task.name for task in tiny.tasks]
    assert not list(tmp_path.iterdir())


def test_a_method_that_fails_is_a_row_with_the_reason(
    tiny: bench.Cohort, split: bench.Split, tmp_path: Path
) -> None:
    failed = bench.run(tiny, split, [MyMethod(strength=0)], store=tmp_path, quiet=True).methods[0]
    assert failed.status.startswith("failed: ZeroDivisionError")


def test_a_spec_of_an_importable_class_and_a_variant_are_rows(
    tiny: bench.Cohort, split: bench.Split, tmp_path: Path
) -> None:
    spec = bench.MethodSpec("mine", f"{__name__}:MyMethod", "Mine", {"strength": 2.0}, needs=())
    variant = bench.variant(spec, strength=4.0)
    rows = bench.run(tiny, split, [spec, variant], store=tmp_path, quiet=True).methods
    assert [method.status for method in rows] == ["ok", "ok"]
    assert [method.label.partition(" ")[0] for method in rows] == ["mine", "mine[strength=4.0]"]


def test_what_is_no_method_is_refused_with_the_remedy(
    tiny: bench.Cohort, split: bench.Split, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"give an instance, MyMethod\(\)"):
        bench.run(tiny, split, [MyMethod], store=tmp_path)  # type: ignore[list-item]
    with pytest.raises(UsageError, match="two methods would share the row"):
        bench.run(tiny, split, ["constant", "constant"], store=tmp_path)
    with pytest.raises(PluginError, match="must be a dataclass"):
        bench.run(tiny, split, [object()], store=tmp_path)  # type: ignore[list-item]
    with pytest.raises(UsageError, match="seeds must be whole numbers"):
        bench.run(tiny, split, ["constant"], seeds=[], store=tmp_path)
    with pytest.raises(UsageError, match="one of the two"):
        bench.tune(tiny, split, ["constant"], store=tmp_path)


def test_a_split_is_named_as_on_the_command_line(tiny: bench.Cohort, tmp_path: Path) -> None:
    assert bench.make_split(tiny, "internal_cv", seed=3) == bench.make_split(tiny, "internal_cv@3")
    own = tmp_path / "two.toml"
    own.write_text('protocol = "internal_cv"\ntitle = "Two"\nestimand = "AUC."\nfolds = 2\n')
    assert len(bench.make_split(tiny, own).folds) == 2
