"""``spatial_mtl`` and ``spatial_mtl_hybrid`` as methods."""

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cohorts.cohort import Cohort
from bench.files import configs_dir
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench.methods.search_space import Categorical
from bench.testing import check_method
from bench_zoo.networks.spatial_mtl.method import SpatialMTL
from bench_zoo.targets import targets_of
from bench_zoo.torch_parts import examples
from bench_zoo.torch_parts.examples import crop_examples

SMALL = {"size_mm": 48.0, "spacing_mm": 4.0, "widths": (4, 8), "hidden": 4, "epochs": 2, "batch_size": 8}


HYBRID = {"statistics": True}


def fitted(cohort: Cohort, folder: Path, seed: int = 0, **params: object) -> SpatialMTL:
    train, val = cohort.take(cohort.case_ids[:20]), cohort.take(cohort.case_ids[20:28])
    method = SpatialMTL(**{**SMALL, **params})  # type: ignore[arg-type]
    return method.fit(train, val, Run(seed, "cpu", 1, folder))


@pytest.mark.slow
def test_keeps_the_contract() -> None:
    check_method("spatial_mtl", {**SMALL, "epochs": 1})


@pytest.mark.slow
def test_keeps_the_quick_clauses_with_other_parameters() -> None:
    params = {"tasks": "single", "balance": "uncertainty", "regions": ["rim"], "flips": False}
    check_method("spatial_mtl", {**SMALL, "epochs": 1, **params}, cases=18, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in load_registry().specs if name.startswith("spatial_mtl_")])
def test_a_variant_keeps_the_quick_clauses(name: str) -> None:
    check_method(name, {**SMALL, "epochs": 1}, cases=18, quick=True)


@pytest.mark.parametrize("params", [{}, HYBRID])
@pytest.mark.parametrize("end", [0, 1])
def test_both_ends_of_the_search_space_can_be_fitted(
    params: dict[str, object], end: int, tiny: Cohort, tmp_path: Path
) -> None:
    space = SpatialMTL.search_space()
    drawn = {
        name: value.choices[-end] if isinstance(value, Categorical) else (value.low, value.high)[end]
        for name, value in space.items()
    }
    default = {field.name: field.default for field in dataclasses.fields(SpatialMTL)}
    assert all(
        default[name] in value.choices for name, value in space.items() if isinstance(value, Categorical)
    )
    predictions = fitted(tiny, tmp_path, **{**params, **drawn}).predict(tiny.take(tiny.case_ids[28:]).blind())
    assert all(np.isfinite(values).all() for values in predictions.values())


@pytest.mark.parametrize("params", [{}, HYBRID])
def test_learns_what_is_plain_to_see(params: dict[str, object], tiny: Cohort, tmp_path: Path) -> None:
    examples = crop_examples(tiny, SpatialMTL(**SMALL)._crop(), targets_of(tiny), regions=False)
    volume = examples.read(np.arange(len(tiny)))[0][:, 1].sum(dim=(1, 2, 3)).numpy()
    table = tiny.table.assign(er=(volume > np.median(volume)).astype(float), ki67=np.clip(volume, 0, 100))
    cohort = dataclasses.replace(tiny, table=table)
    test = cohort.take(cohort.case_ids[28:])
    predictions = fitted(cohort, tmp_path, epochs=30, learning_rate=1e-2, **params).predict(test.blind())
    positive = test.labels("er") == 1
    ranks = predictions["er"][positive][:, None] > predictions["er"][~positive][None]
    assert ranks.mean() > 0.9
    constant = np.abs(np.median(test.labels("ki67")) - test.labels("ki67")).mean()
    assert np.abs(predictions["ki67"] - test.labels("ki67")).mean() < 0.7 * constant


@pytest.mark.parametrize("params", [{}, HYBRID, {"tasks": "single"}])
def test_a_heat_map_a_case_lies_on_the_crop_grid_between_0_and_1(
    params: dict[str, object], tiny: Cohort, tmp_path: Path
) -> None:
    test = tiny.take(tiny.case_ids[28:31]).blind()
    heat = fitted(tiny, tmp_path, **params).explain(test)
    assert heat.shape == (3, 12, 12, 12)
    assert heat.min() >= 0
    np.testing.assert_allclose(heat.max(axis=(1, 2, 3)), 1.0, rtol=1e-6)


@pytest.mark.parametrize("params", [{}, HYBRID])
def test_regions_left_out_have_no_heat_from_the_image(
    params: dict[str, object], tiny: Cohort, tmp_path: Path
) -> None:
    method = fitted(tiny, tmp_path, regions=("core",), attention=False, **params)
    test = tiny.take(tiny.case_ids[28:31]).blind()
    heat = method.explain(test)
    regions = method._examples(test).read(np.arange(3))[1].numpy()
    core, surround = regions[:, 0], regions[:, 2]
    assert heat[core].mean() > 3 * heat[surround].mean()


def test_parameters_are_counted(tiny: Cohort, tmp_path: Path) -> None:
    joint, single = fitted(tiny, tmp_path), fitted(tiny, tmp_path, tasks="single")
    assert 0 < joint.count_parameters() < single.count_parameters()


def test_crops_too_large_for_memory_are_read_from_disk_and_give_the_same(
    tiny: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = tiny.take(tiny.case_ids[28:34]).blind()
    held = fitted(tiny, tmp_path).predict(test)
    monkeypatch.setattr(examples, "MEMORY_LIMIT", 0)
    lazy = fitted(tiny, tmp_path).predict(test)
    for task, values in held.items():
        np.testing.assert_array_equal(values, lazy[task])


def test_a_loaded_method_explains_and_counts_as_the_saved_one(tiny: Cohort, tmp_path: Path) -> None:
    method, test = fitted(tiny, tmp_path), tiny.take(tiny.case_ids[28:30]).blind()
    folder = tmp_path / "saved"
    folder.mkdir()
    method.save(folder)
    loaded = SpatialMTL.load(folder)
    np.testing.assert_array_equal(loaded.explain(test), method.explain(test))
    assert loaded.count_parameters() == method.count_parameters()


@pytest.mark.parametrize("params", [{}, HYBRID])
def test_the_gpu_preset_names_parameters_that_exist(params: dict[str, object]) -> None:
    preset = tomllib.loads((configs_dir() / "presets" / "gpu.toml").read_text())
    names = {field.name for field in dataclasses.fields(SpatialMTL) if field.init}
    assert preset and set(preset) <= names
    method = SpatialMTL(**preset, **params)  # type: ignore[arg-type]
    assert method._crop().shape == (96, 96, 96) and method.amp
    network = method._network([0.0])
    assert len(network.encoder.stages) == len(network.attention) == 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_trains_too(tiny: Cohort, tmp_path: Path) -> None:
    train = tiny.take(tiny.case_ids[:20])
    method = SpatialMTL(**SMALL, amp=True).fit(train, train, Run(0, "cuda", 1, tmp_path))  # type: ignore[arg-type]
    assert np.isfinite(method.predict(train.blind())["er"]).all()
