"""Methods are found wherever they come from, and a broken plugin harms nobody else."""

from pathlib import Path
from typing import Any

import pytest

from bench.errors import PluginError, UsageError
from bench.methods.fingerprint import code_fingerprint
from bench.methods.method import NEEDS, MethodSpec
from bench.methods.parameters import method_class, parameters, search_space
from bench.methods.registry import load_registry, unavailable_reason

PLUGIN = '''
"""A local plugin."""
from dataclasses import dataclass
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

@hookimpl
def bench_methods():
    return [MethodSpec("{method}", f"{{__name__}}:Mine", summary="mine")]

@dataclass
class Mine:
    """Docstring."""
    scale: float = 1.0
    radii: tuple = (1, 2)
    def fit(self, train, val, run):
        return self  # a comment
    def predict(self, cohort):
        return {{}}
'''


def plugin(folder: Path, name: str, method: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(PLUGIN.format(method=method))
    return path


def test_our_methods_come_through_entry_points() -> None:
    registry = load_registry()
    assert {"constant", "tumour_size", "spatial_mtl"} <= set(registry.specs)
    assert registry.plugins["constant"] == "constant"


def test_a_local_file_offers_its_methods(tmp_path: Path) -> None:
    registry = load_registry([plugin(tmp_path, "local_one", "mine_one")])
    assert parameters(registry.spec("mine_one")) == {"scale": 1.0, "radii": (1, 2)}


def test_the_environment_names_plugin_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PLUGINS", str(plugin(tmp_path, "local_env", "mine_env")))
    assert "mine_env" in load_registry().specs


def test_a_broken_file_is_listed_and_the_rest_works(tmp_path: Path) -> None:
    path = tmp_path / "broken_file.py"
    path.write_text("import nothing_of_that_name")
    registry = load_registry([path, plugin(tmp_path, "local_two", "mine_two")])
    assert "mine_two" in registry.specs
    assert [entry.plugin for entry in registry.broken] == [str(path)]
    assert "No module named 'nothing_of_that_name'" in registry.broken[0].error


def test_asking_for_an_unknown_method_suggests_and_names_broken_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_PLUGINS", str(tmp_path / "missing.py"))
    registry = load_registry()
    with pytest.raises(
        UsageError, match=r"unknown method 'spatial_mlt': did you mean spatial_mtl.*missing\.py"
    ):
        registry.spec("spatial_mlt")


def test_one_name_from_two_plugins_is_an_error_naming_both(tmp_path: Path) -> None:
    files = [plugin(tmp_path, "twin_a", "twin"), plugin(tmp_path, "twin_b", "twin")]
    with pytest.raises(
        PluginError, match=r"two plugins offer a method named 'twin': .*twin_a\.py and .*twin_b\.py"
    ):
        load_registry(files)


def test_an_unknown_parameter_suggests_the_nearest(tmp_path: Path) -> None:
    spec = load_registry([plugin(tmp_path, "local_three", "mine_three")]).spec("mine_three")
    with pytest.raises(UsageError, match="unknown parameter of mine_three 'scael': did you mean scale"):
        parameters(spec, {"scael": 2.0})


def test_a_toml_array_becomes_the_tuple_that_the_method_declares(tmp_path: Path) -> None:
    spec = load_registry([plugin(tmp_path, "local_four", "mine_four")]).spec("mine_four")
    assert parameters(spec, {"radii": [3, 4]})["radii"] == (3, 4)


def test_a_method_may_settle_its_parameters_before_a_run(tmp_path: Path) -> None:
    path = plugin(tmp_path, "settling", "mine_settling")
    path.write_text(
        path.read_text()
        + """
    @classmethod
    def settle(cls, params):
        return {**params, "scale": abs(params["scale"])}
"""
    )
    spec = load_registry([path]).spec("mine_settling")
    assert parameters(spec, {"scale": -2.0}) == {"scale": 2.0, "radii": (1, 2)}


def test_a_comment_or_docstring_keeps_the_code_fingerprint_and_a_change_does_not(tmp_path: Path) -> None:
    path = plugin(tmp_path, "local_five", "mine_five")
    spec = load_registry([path]).spec("mine_five")
    before = code_fingerprint(spec)
    path.write_text(
        path.read_text().replace("# a comment", "# another").replace("Docstring.", "Other words.")
    )
    assert code_fingerprint(spec) == before
    path.write_text(path.read_text().replace("scale: float = 1.0", "scale: float = 2.0"))
    assert code_fingerprint(spec) != before


def test_the_code_fingerprint_follows_imports_within_the_package() -> None:
    spatial = load_registry().spec("spatial_mtl")
    alone = MethodSpec("x", "bench_zoo.baselines.constant.method:Constant", "")
    assert code_fingerprint(spatial) != code_fingerprint(alone)


def test_a_missing_requirement_makes_a_method_unavailable_with_the_remedy() -> None:
    spec = MethodSpec(
        "x", "bench_zoo.baselines.constant.method:Constant", "", requires={"no_such_module": "install it"}
    )
    assert unavailable_reason(spec) == "needs no_such_module: install it"


def test_a_target_that_is_no_method_is_refused() -> None:
    with pytest.raises(PluginError, match="must be a dataclass with fit and predict"):
        method_class(MethodSpec("x", "pathlib:Path", ""))
    with pytest.raises(PluginError, match="cannot import 'nowhere:Nothing'"):
        method_class(MethodSpec("x", "nowhere:Nothing", ""))


def test_the_harness_does_not_import_the_methods_it_ships() -> None:
    told = 'HARNESS, ZOO = "bench", "bench_zoo"'  # whose code is the project's own
    for path in (Path(__file__).parents[2] / "bench").rglob("*.py"):
        assert "bench_zoo" not in path.read_text().replace(told, ""), path


@pytest.mark.parametrize(("needs", "told"), [(("volume",), "'volume'"), ("volumes", "expected a tuple")])
def test_a_need_that_does_not_exist_makes_a_method_unavailable(needs: Any, told: str) -> None:
    reason = unavailable_reason(
        MethodSpec("x", "bench_zoo.baselines.constant.method:Constant", "", needs=needs)
    )
    assert reason is not None and told in reason and "volumes" in reason


@pytest.mark.parametrize("need", NEEDS)
def test_every_need_that_exists_is_taken(need: str) -> None:
    assert (
        unavailable_reason(MethodSpec("x", "bench_zoo.baselines.constant.method:Constant", "", needs=(need,)))
        is None
    )


def test_a_plugin_file_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such plugin file: .*mine\.py; `plugins` takes the path"):
        load_registry([tmp_path / "mine.py"])


@pytest.mark.parametrize(
    ("name", "fault"),
    [("divides", "1 / 0"), ("raises", "raise SystemError('no')"), ("garbled", "def broken(:")],
)
def test_a_module_of_a_method_that_raises_anything_at_import_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: str
) -> None:
    (tmp_path / f"{name}.py").write_text(fault)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        PluginError, match=f"method 'x': cannot import '{name}:Mine': [A-Z]\\w+Error: "
    ) as told:
        method_class(MethodSpec("x", f"{name}:Mine", ""))
    assert "\n" not in str(told.value)


def test_a_search_space_that_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "space_raises.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Mine:\n"
        "    def fit(self, train, val, run): return self\n    def predict(self, cohort): return {}\n"
        "    @classmethod\n    def search_space(cls): raise RuntimeError('no space')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match=r"method 'x': search_space\(\) raised RuntimeError: no space"):
        search_space(MethodSpec("x", "space_raises:Mine", ""), {})
