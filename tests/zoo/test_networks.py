"""The networks of papers: shapes, cases apart, gradients, twenty cases by heart, the contract, presets."""

import dataclasses
import importlib
import math
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.cohorts.cohort import Cohort
from bench.files import configs_dir
from bench.methods.method import Run
from bench.methods.registry import Registry, load_registry
from bench.testing import check_method
from bench_zoo.targets import targets_of
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.training import computing

pytestmark = pytest.mark.slow

NETWORKS = (
    "resnet18_3d",
    "densenet121_3d",
    "swin3d",
    "tiph_mil",
    "tiph_mil_mb",
    "transmil",
    "cimil",
    "rse_25d",
    "carenet_1d",
    "carenet_dual",
    "emt_net",
    "vit2d_early",
    "mst",
    "dual_attention_resnet",
    "foundbionet",
    "foundbionet_no_cmd",
    "mtsunet",
    "topotxr",
)
# Methods that take the preset of another of their family.
SHARED = {"tiph_mil_mb": "tiph_mil", "transmil": "tiph_mil", "foundbionet_no_cmd": "foundbionet"}
PRESETS = sorted({SHARED.get(name, name) for name in NETWORKS})
FOUR = [0.5, -0.5, 0.0, 0.1]


@cache
def registry() -> Registry:
    return load_registry()


def made(name: str, **params: object) -> NetworkMethod:
    """A method of this name, with the default parameters but for those given."""
    spec = registry().spec(name)
    for package, remedy in spec.requires.items():
        pytest.importorskip(package, reason=f"{package} is not installed: {remedy}")
    module, _, kind = spec.target.partition(":")
    method: NetworkMethod = getattr(importlib.import_module(module), kind)(**{**spec.params, **params})
    return method


def inputs_of(method: NetworkMethod, cohort: Cohort, cases: int) -> tuple[Tensor, ...]:
    """What the method's network reads of the first cases."""
    method.targets = targets_of(cohort)
    return method._examples(cohort).read(np.arange(cases))


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_one_number_a_case_and_task_and_starts_at_the_priors(
    name: str, tiny: Cohort, tmp_path: Path
) -> None:
    method = made(name)
    inputs = inputs_of(method, tiny, 3)
    with computing(Run(0, "cpu", 1, tmp_path)), torch.no_grad():
        outputs = method._network(FOUR).eval()(*inputs)
    torch.testing.assert_close(outputs, torch.tensor(FOUR).expand(3, 4))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_case_is_predicted_alike_whatever_cases_are_beside_it(
    name: str, tiny: Cohort, tmp_path: Path
) -> None:
    method = made(name)
    inputs = inputs_of(method, tiny, 3)
    with computing(Run(0, "cpu", 1, tmp_path)):
        network = method._network(FOUR)
        for branch in (module for module in network.modules() if hasattr(module, "last")):
            torch.nn.init.normal_(branch.last.weight)
        with torch.no_grad():
            network.eval()
            together, alone = network(*inputs), network(*(tensor[:1] for tensor in inputs))
    assert float(together.std(dim=0).min()) > 0
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_learns(name: str, tiny: Cohort, tmp_path: Path) -> None:
    method = made(name)
    inputs = inputs_of(method, tiny, 4)
    with computing(Run(0, "cpu", 1, tmp_path)):
        network = method._network(FOUR).train()
        for branch in (module for module in network.modules() if hasattr(module, "last")):
            torch.nn.init.normal_(branch.last.weight)
        network(*inputs).square().sum().backward()
    still = [name for name, tensor in network.named_parameters() if tensor.grad is None]
    assert still == []


@pytest.mark.parametrize("name", NETWORKS)
def test_a_backbone_by_name_is_no_parameter_of_a_network_with_its_own(name: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'backbone'"):
        made(name, backbone="resnet18")


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_learns_twenty_cases_by_heart(name: str, tiny: Cohort, tmp_path: Path) -> None:
    scores: list[float] = []
    cases = tiny.take(tiny.case_ids[:20])
    run = Run(0, "cpu", 1, tmp_path, lambda step, total, score: scores.append(score or math.nan))
    made(name, epochs=120, batch_size=10, dropout=0.0, augmentation=0.0).fit(cases, cases, run)
    # 1 is the loss of a predictor that sees no case.
    assert -max(scores) < 0.25


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


@pytest.mark.thorough
@pytest.mark.parametrize("name", PRESETS)
def test_the_preset_of_paper_scale_takes_a_step(name: str, tiny: Cohort, tmp_path: Path) -> None:
    preset = tomllib.loads((configs_dir() / "presets" / f"{name}.toml").read_text())
    method = made(name)
    assert set(preset) <= {field.name for field in dataclasses.fields(method)}
    # Half the crop's edge, an eighth of the time: all widths and depths are those of the preset.
    step = {"size_mm": preset["size_mm"] / 2, "epochs": 1, "batch_size": 2, "flips": False}
    large = made(name, **{**preset, **step})
    cases = tiny.take(tiny.case_ids[:2])
    large.fit(cases, cases, Run(0, "cpu", 1, tmp_path))
    with computing(Run(0, "cpu", 1, tmp_path)):
        small = method._network(FOUR)
    assert large.count_parameters() > sum(tensor.numel() for tensor in small.parameters())
    for values in large.predict(cases.blind()).values():
        assert values.shape == (2,) and np.isfinite(values).all()
