"""What may be searched, and what a search changes of a cell."""

import json
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError, UsageError
from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters, search_space
from bench.methods.registry import load_registry
from bench.methods.search_space import Categorical, Float, Int, SearchBudget
from bench.methods.variant import choose
from bench.running.experiment import Experiment, choose_methods, read_experiment
from bench.splits.split import Split
from bench.store.cell import cells_of
from tests.tuning.tunable import chosen, spec_of


def test_defaults_outside_the_space_are_refused_with_both_values(plugin_file: Path) -> None:
    spec = spec_of(plugin_file, "narrow")
    with pytest.raises(PluginError) as error:
        search_space(spec, parameters(spec))
    assert "method 'narrow': shift = 2.0 lies outside its search space Float(low=0.0, high=1.0" in str(
        error.value
    )


def test_what_a_variant_or_the_user_fixes_is_not_searched(plugin_file: Path) -> None:
    variant = spec_of(plugin_file, "tunable_b")
    assert set(search_space(variant, parameters(variant))) == {"shift", "power"}
    asked = Experiment(methods=("tunable",), plugins=(str(plugin_file),), trials=4, set={"power": 2})
    default, best = choose_methods(load_registry([plugin_file]), asked)
    assert default.label == "tunable[power=2]" and best.label == "tunable[power=2,trials=4]"
    assert best.tuning is not None and set(best.tuning.space) == {"shift", "kind"}


def test_every_shipped_space_holds_the_defaults() -> None:
    specs = load_registry().specs
    spaces = {name: search_space(spec, parameters(spec)) for name, spec in specs.items()}
    tunable = {name for name, space in spaces.items() if space}
    assert tunable >= {
        "radiomics_lr",
        "radiomics_lasso",
        "radiomics_elastic_net",
        "radiomics_xgb",
        "single_task_cnn",
        "multi_task_cnn",
        "spatial_mtl",
        "spatial_mtl_hybrid",
    }
    assert "constant" not in tunable
    assert spaces["spatial_mtl_no_surround"] == spaces["spatial_mtl"]


def test_a_space_goes_through_json_and_back() -> None:
    space = {"a": Float(0.1, 1.0, log=True), "b": Int(1, 4), "c": Categorical(("x", 2, True))}
    for tuning in (SearchBudget(space, trials=20), SearchBudget(space, seconds=1200, inner_folds=3)):
        assert SearchBudget.from_json(json.loads(json.dumps(tuning.as_json()))) == tuning


def test_an_untuned_cell_keeps_its_identity(plugin_file: Path, tiny: Cohort, split: Split) -> None:
    tuned_choice = chosen(plugin_file)
    untuned = choose(tuned_choice.spec, {})
    first, second = (cells_of(tiny, split, [entry], [0])[0] for entry in (untuned, tuned_choice))
    keys = {"cohort", "split", "preprocessing", "method", "params", "code", "distributions", "fold", "seed"}
    assert set(first.identity) == keys and set(second.identity) == {*keys, "tuning"}
    assert first.id != second.id


def test_a_search_space_does_not_change_the_code_of_a_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    bare = "from dataclasses import dataclass\n\n@dataclass\nclass Mine:\n    size: int = 1\n"
    searched = (
        f"from bench.methods.search_space import Int\n{bare}"
        "    @classmethod\n    def search_space(cls):\n        return {'size': Int(1, 9)}\n"
    )
    module, prints = tmp_path / "searched_or_not.py", []
    for text in (bare, searched, searched.replace("9", "8"), bare.replace("= 1", "= 2")):
        module.write_text(text)
        prints.append(code_fingerprint(MethodSpec("mine", "searched_or_not:Mine", "")))
    assert prints[0] == prints[1] == prints[2] != prints[3]


def test_a_tuning_has_one_budget() -> None:
    with pytest.raises(UsageError, match="give `trials` or `tune_time`, not both"):
        read_experiment(None, {"trials": 3, "tune_time": "20m"})
    with pytest.raises(UsageError, match="expected a time, such as 90s, 20m or 8h, got '20 min'"):
        read_experiment(None, {"tune_time": "20 min"})
    assert read_experiment(None, {"tune_time": "20m"}).tune_time == "20m"
