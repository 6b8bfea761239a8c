"""Variants are rows of their own: specs with parameters."""

import pytest

from bench.registry import load_registry, parameters

VARIANTS = {
    "spatial_mtl_no_roi": {"roi_weighting": False},
    "spatial_mtl_no_attention": {"attention": False},
    "spatial_mtl_single_task": {"tasks": "single"},
    "spatial_mtl_core_only": {"regions": ("core",)},
    "spatial_mtl_no_surround": {"regions": ("core", "rim")},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_its_method_in_one_part(name: str) -> None:
    registry = load_registry()
    whole, variant = parameters(registry.spec("spatial_mtl")), parameters(registry.spec(name))
    assert {key: value for key, value in variant.items() if value != whole[key]} == VARIANTS[name]
