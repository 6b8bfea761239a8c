"""``single_task_cnn`` and ``multi_task_cnn``: backbones by name, pretrained weights by file."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError
from bench.methods.method import Run
from bench.testing import check_method
from bench_zoo.networks.plain_cnn.method import PlainCNN
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.pretrained import load_pretrained

SHAPE = (24, 24, 24)
WIDTHS = (4, 8)


def compact(channels: int = 2, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return pooled_encoder("compact", channels, SHAPE, WIDTHS)[0]


def small(**params: object) -> PlainCNN:
    return PlainCNN(widths=WIDTHS, hidden=4, epochs=1, spacing_mm=4.0, **params)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("single_task_cnn", marks=pytest.mark.thorough), "multi_task_cnn"]
)
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


@pytest.mark.parametrize(
    "name",
    [
        "compact",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenetv2_050", "monai:resnet10")),
    ],
)
def test_any_backbone_gives_features_of_a_case_that_do_not_depend_on_the_cases_beside_it(name: str) -> None:
    encoder, width = pooled_encoder(name, 2, SHAPE, WIDTHS)
    images = torch.randn(2, 2, *SHAPE)
    with torch.no_grad():
        both, first = encoder.eval()(images), encoder(images[:1])
    assert both.shape == (2, width)
    torch.testing.assert_close(both[:1], first, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "resnot",
            "backbone 'resnot' cannot be built for crops of 2 channels and 24x24x24 voxels .*check its name",
        ),
        ("monai:resnot", "backbone 'monai:resnot' cannot be built"),
        ("monai:DenseNet121", "input image .* smaller than kernel .*change size_mm and spacing_mm"),
        ("monai:UNETR", "backbone 'monai:UNETR' cannot be built"),
    ],
)
def test_a_backbone_that_does_not_exist_or_fit_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        pooled_encoder(name, 2, SHAPE, WIDTHS)


def test_a_network_that_is_no_classifier_is_refused() -> None:
    message = (
        r"backbone 'monai:SegResNet' gives \(1, 128, 24, 24, 24\), expected features of shape \(case, width\)"
    )
    with pytest.raises(PluginError, match=message):
        pooled_encoder("monai:SegResNet", 2, SHAPE, WIDTHS)


def test_single_task_networks_share_nothing_and_a_joint_one_shares_its_encoder(
    tiny: Cohort, tmp_path: Path
) -> None:
    train, val = tiny.take(tiny.case_ids[:8]), tiny.take(tiny.case_ids[8:12])
    run = Run(0, "cpu", 1, tmp_path)
    joint, single = (small(tasks=tasks).fit(train, val, run) for tasks in ("joint", "single"))
    assert joint.network is not None and single.network is not None
    assert len(single.network.networks) == len(tiny.tasks)
    encoders = [
        sum(tensor.numel() for tensor in part.encoder.parameters()) for part in single.network.networks
    ]
    extra = (len(tiny.tasks) - 1) * (encoders[0] + 2 * WIDTHS[-1])
    assert single.count_parameters() - joint.count_parameters() == extra


def test_what_was_trained_does_not_need_the_file_it_began_from(tiny: Cohort, tmp_path: Path) -> None:
    train, val = tiny.take(tiny.case_ids[:8]), tiny.take(tiny.case_ids[8:12])
    start = tmp_path / "start.safetensors"
    save_file(compact(seed=1).state_dict(), start)
    method = small(weights=str(start)).fit(train, val, Run(0, "cpu", 1, tmp_path))
    model = tmp_path / "model"
    model.mkdir()
    method.save(model)
    start.unlink()
    before, after = method.predict(val.blind()), PlainCNN.load(model).predict(val.blind())
    for task, values in before.items():
        np.testing.assert_array_equal(after[task], values)


def test_pretrained_weights_change_what_training_starts_from(tiny: Cohort, tmp_path: Path) -> None:
    train, val = tiny.take(tiny.case_ids[:8]), tiny.take(tiny.case_ids[8:12])
    start = tmp_path / "start.safetensors"
    save_file(compact(seed=1).state_dict(), start)
    run = Run(0, "cpu", 1, tmp_path)
    for tasks in ("joint", "single"):
        begun = small(tasks=tasks, weights=str(start), learning_rate=0.0).fit(train, val, run)
        assert begun.network is not None
        for part in [begun.network] if tasks == "joint" else begun.network.networks:
            for name, value in compact(seed=1).state_dict().items():
                torch.testing.assert_close(part.encoder.state_dict()[name], value)


def wrapped(tensors: dict[str, Tensor]) -> dict[str, object]:
    return {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in tensors.items()}}


@pytest.mark.parametrize("kind", ["safetensors", "state dict", "wrapped by a training script"])
def test_weights_of_the_same_network_match_whole(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, network = compact(seed=1), compact(seed=2)
    path = tmp_path / ("start.safetensors" if kind == "safetensors" else "start.pt")
    if kind == "safetensors":
        save_file(source.state_dict(), path)
    else:
        torch.save(source.state_dict() if kind == "state dict" else wrapped(source.state_dict()), path)
    match = load_pretrained(network, path)
    assert match.share == 1
    for name, value in source.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value)
    assert f"weights {path}: 6 of 6 tensors (100.0 % of the values) matched" in caplog.text


def test_what_does_not_match_is_reported_and_left_as_it_was(tmp_path: Path) -> None:
    theirs, network = compact(channels=1, seed=1).state_dict(), compact(seed=2)
    first, second = list(theirs)[:2]
    del theirs[second]
    theirs["head.weight"] = torch.zeros(3)
    before = network.state_dict()[first].clone()
    path = tmp_path / "start.safetensors"
    save_file(theirs, path)
    match = load_pretrained(network, path)
    assert (match.reshaped, match.missing, match.unused) == ((first,), (second,), ("head.weight",))
    assert str(match).startswith("4 of 6 tensors (") and f"1 reshaped: {first}; 1 missing: {second}" in str(
        match
    )
    torch.testing.assert_close(network.state_dict()[first], before)


def test_weights_of_another_network_are_refused_with_names_of_both(tmp_path: Path) -> None:
    path = tmp_path / "start.pt"
    torch.save({"conv1.weight": torch.zeros(2)}, path)
    message = "match no tensor of the backbone: the file has conv1.weight, expected such as encoder.stages"
    with pytest.raises(PluginError, match=message):
        load_pretrained(compact(), path)


class Whole(nn.Module):
    """A module pickled whole, which could run any code when read."""


@pytest.mark.parametrize("content", ["a pickled module", "garbage", "nothing"])
def test_a_file_that_holds_more_or_less_than_tensors_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "start.pt"
    if content == "a pickled module":
        torch.save(Whole(), path)
    else:
        path.write_bytes(b"garbage" if content == "garbage" else b"")
    with pytest.raises(
        PluginError, match=r"cannot be read as tensors alone .*save them as safetensors or as"
    ):
        load_pretrained(compact(), path)


def test_a_state_dict_without_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "start.pt"
    torch.save({"epoch": 3}, path)
    with pytest.raises(PluginError, match="hold no tensor by name"):
        load_pretrained(compact(), path)


def test_a_missing_weights_file_is_named() -> None:
    with pytest.raises(PluginError, match=r"weights nowhere\.pt do not exist; give the path"):
        load_pretrained(compact(), Path("nowhere.pt"))


def test_the_report_reaches_the_cells_log_whatever_the_level_of_the_root_logger(tmp_path: Path) -> None:
    path, log = tmp_path / "start.safetensors", tmp_path / "log.txt"
    save_file(compact().state_dict(), path)
    handler = logging.FileHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        load_pretrained(compact(), path)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    assert "6 of 6 tensors" in log.read_text()
