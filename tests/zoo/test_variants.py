"""Variants are rows of their own: specs with parameters, one change from their parent."""

import dataclasses
import importlib
from typing import Any

import pytest
import torch
from torch import nn

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.methods.parameters import parameters
from bench.methods.registry import load_registry
from bench_zoo.targets import targets_of

# Variant -> parent, the one field that differs, and the share of the parent's regions that is left.
ONE_CHANGE: dict[str, tuple[str, dict[str, Any], int]] = {
    "spatial_mtl_no_roi": ("spatial_mtl", {"roi_weighting": False}, 1),
    "spatial_mtl_no_attention": ("spatial_mtl", {"attention": False}, 3),
    "spatial_mtl_single_task": ("spatial_mtl", {"tasks": "single"}, 3),
    "spatial_mtl_core_only": ("spatial_mtl", {"regions": ("core",)}, 1),
    "spatial_mtl_no_surround": ("spatial_mtl", {"regions": ("core", "rim")}, 2),
    "spatial_mtl_hybrid": ("spatial_mtl", {"statistics": True}, 3),
    "spatial_mtl_hybrid_no_roi": ("spatial_mtl_hybrid", {"roi_weighting": False}, 1),
    "spatial_mtl_hybrid_no_layers": ("spatial_mtl_hybrid", {"layers": 1}, 3),
    "single_task_cnn": ("multi_task_cnn", {"tasks": "single"}, 0),
}


def built(name: str, cohort: Cohort) -> Any:
    """A method of this name with its untrained network."""
    spec = load_registry().spec(name)
    module, _, kind = spec.target.partition(":")
    method = getattr(importlib.import_module(module), kind)(**spec.params)
    method.targets = targets_of(cohort)
    method.network = method._build(Run(0, "cpu", 1, cohort.folder))
    return method


def shapes(network: nn.Module, regions: int) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, that of the parts with an entry a region counted a region."""
    found = {}
    for name, named_parameter in network.named_parameters():
        shape = tuple(named_parameter.shape)
        if name.startswith(("norm.", "trunk.")):
            assert shape[0] % max(1, regions) == 0
            shape = (shape[0] // max(1, regions), *shape[1:])
        if name == "region_logits" or name.endswith(("layers.1.weight", "direct.weight")):
            shape = (shape[0], shape[1] // max(1, regions))
        found[name] = shape
    return found


def one_of(network: nn.Module) -> nn.Module:
    """The network, or the first of several that have one task each."""
    parts = getattr(network, "networks", None)
    return network if parts is None else parts[0]


@pytest.mark.parametrize("name", ONE_CHANGE)
def test_a_variant_differs_from_its_parent_in_one_field(name: str) -> None:
    parent, change, _ = ONE_CHANGE[name]
    registry = load_registry()
    whole, variant = parameters(registry.spec(parent)), parameters(registry.spec(name))
    assert {key: value for key, value in variant.items() if value != whole[key]} == change


def test_every_variant_is_held_to_one_change() -> None:
    plugins = load_registry().plugins
    names = [name for name in plugins if name.startswith("spatial_mtl_") and plugins[name] == "spatial_mtl"]
    assert set(names) == {name for name in ONE_CHANGE if name.startswith("spatial_mtl_")}


# What differs in a network, by the start of the parameter's name; all else is the same, region by region.
DIFFERS = {
    "spatial_mtl_no_attention": ("attention.",),
    "spatial_mtl_hybrid": ("norm.", "trunk.mix", "branches.{}.direct"),
    "spatial_mtl_hybrid_no_layers": ("norm.", "trunk.mix", "branches.{}.direct"),
}


@pytest.mark.parametrize("name", ONE_CHANGE)
def test_a_variants_network_differs_from_its_parents_in_nothing_else(name: str, tiny: Cohort) -> None:
    parent, change, regions = ONE_CHANGE[name]
    whole, variant = built(parent, tiny), built(name, tiny)
    assert variant._schedule() == whole._schedule()
    channels = variant._crop().channels
    assert channels == whole._crop().channels or (change == {"statistics": True} and len(channels) == 3)
    expected = shapes(whole.network, 3 if regions else 0)
    found = shapes(one_of(variant.network), regions)
    if change == {"tasks": "single"}:
        assert len(variant.network.networks) == len(tiny.tasks)
        expected = {key: shape for key, shape in expected.items() if not _of_later_task(key)}
        if "region_logits" in expected:
            expected["region_logits"] = (1, expected["region_logits"][1])
    prefixes = tuple(entry.format(task) for entry in DIFFERS.get(name, ()) for task in range(len(tiny.tasks)))
    differing = {key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
    assert {key for key in differing if not key.startswith(prefixes)} == set()
    assert bool(differing) == bool(prefixes)


def _of_later_task(key: str) -> bool:
    return key.startswith("branches.") and not key.startswith("branches.0.")


# Inputs of the trunk: learnt (2 x 4 mixtures x 3 scales a region) and fixed (10 a layer, and a volume).
INPUTS = {
    "spatial_mtl": (72, 0),
    "spatial_mtl_no_roi": (24, 0),
    "spatial_mtl_no_attention": (72, 0),
    "spatial_mtl_single_task": (72, 0),
    "spatial_mtl_core_only": (24, 0),
    "spatial_mtl_no_surround": (48, 0),
    "spatial_mtl_hybrid": (72, 123),
    "spatial_mtl_hybrid_no_roi": (24, 41),
    "spatial_mtl_hybrid_no_layers": (72, 33),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_a_trunk_are_those_of_its_regions_and_layers(name: str, tiny: Cohort) -> None:
    network: Any = one_of(built(name, tiny).network)
    regions = len(network.regions) or 1
    fixed = regions * network.fixed
    assert (network.norm.num_features - fixed, fixed) == INPUTS[name]


def test_a_plain_cnn_is_trained_as_spatial_mtl_is(tiny: Cohort) -> None:
    registry = load_registry()
    spatial, plain = (parameters(registry.spec(name)) for name in ("spatial_mtl", "multi_task_cnn"))
    both = spatial.keys() & plain.keys()
    assert plain.keys() - both == {"weights"}
    assert spatial.keys() - both == {
        "attention",
        "roi_weighting",
        "regions",
        "pooled",
        "statistics",
        "layers",
    }
    assert {key: plain[key] for key in both} == {key: spatial[key] for key in both}
    assert built("multi_task_cnn", tiny)._crop() == built("spatial_mtl", tiny)._crop()


@pytest.mark.parametrize("name", ["single_task_cnn", "spatial_mtl_single_task"])
def test_a_network_of_its_own_is_what_a_cohort_of_one_task_gives(
    name: str, tiny: Cohort, tmp_path: Any
) -> None:
    spec = load_registry().spec(name)
    module, _, kind = spec.target.partition(":")
    make = getattr(importlib.import_module(module), kind)
    quick = {**spec.params, "spacing_mm": 4.0, "widths": (4, 8), "hidden": 4, "epochs": 2}
    run = Run(0, "cpu", 1, tmp_path)

    def predictions(cohort: Cohort) -> dict[str, Any]:
        train, val = cohort.take(cohort.case_ids[:20]), cohort.take(cohort.case_ids[20:28])
        return make(**quick).fit(train, val, run).predict(cohort.take(cohort.case_ids[28:]).blind())

    together = predictions(tiny)
    for task in tiny.tasks[1:3]:
        alone = predictions(dataclasses.replace(tiny, tasks=(task,)))
        torch.testing.assert_close(together[task.name], alone[task.name], rtol=0, atol=0)
