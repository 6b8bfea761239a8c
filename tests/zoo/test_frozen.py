"""Encoders that no label trained: weights from a file, one embedding for all heads, a pretext."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bench.cohorts.cohort import Cohort
from bench.errors import PluginError
from bench.imaging.crop import Crop
from bench.methods.method import Run
from bench.methods.registry import load_registry
from bench.methods.variant import choose
from bench.running.fence.method_caches import kept_caches
from bench.running.run_cell import unmet_need
from bench.testing import check_method
from bench_zoo.frozen import embedding
from bench_zoo.frozen.finetuned import PretextCNN
from bench_zoo.frozen.method import FrozenEncoder
from bench_zoo.frozen.pretext import PretextEncoder
from bench_zoo.targets import targets_of
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.examples import crop_examples
from bench_zoo.torch_parts.pretext import Inpainter, _Removal, pretrain
from bench_zoo.torch_parts.training import Schedule, computing

WIDTHS = (4, 8)


def encoder_of(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return pooled_encoder("compact", 2, (20, 20, 20), WIDTHS)[0]


def saved(encoder: nn.Module, path: Path) -> Path:
    tensors = {f"module.{name}": tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors}, path)
    return path


def frozen(weights: Path, **params: object) -> FrozenEncoder:
    values = {"widths": WIDTHS, "weights": str(weights), **params}
    defaults = {field.name: field.default for field in dataclasses.fields(FrozenEncoder) if field.init}
    return FrozenEncoder(**FrozenEncoder.settle({**defaults, **values}))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["random_encoder", "pretext_ridge", "pretext_cnn", "deep_radiomics"])
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_features_are_those_of_the_encoder_in_the_file(name: str, tiny: Cohort, tmp_path: Path) -> None:
    encoder = encoder_of(3)
    method = frozen(saved(encoder, tmp_path / name))
    method.run = Run(0, "cpu", 1, tmp_path)
    crops = torch.from_numpy(np.asarray(tiny.crops(Crop(method.size_mm, method.spacing_mm))[:3]))
    with torch.no_grad():
        expected = encoder.eval()(crops).numpy()
    found = method.measure(tiny.take(tiny.case_ids[:3])).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_cohort_is_embedded_once_for_all_heads_and_folds(
    tiny: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    plain = embedding.embedded

    def counted(cohort: Cohort, *rest: object) -> np.ndarray:
        seen.extend(cohort.case_ids)
        return plain(cohort, *rest)

    monkeypatch.setattr(embedding, "embedded", counted)
    weights = saved(encoder_of(4), tmp_path / "b.safetensors")
    some, others = tiny.take(tiny.case_ids[:20]), tiny.take(tiny.case_ids[10:30])
    run = Run(0, "cpu", 1, tmp_path)
    for family in ("ridge", "knn"):
        for train in (some, others):
            frozen(weights, family=family).fit(train, some, run)
    assert sorted(seen) == sorted(tiny.case_ids[:30])


def test_other_weights_at_the_same_path_are_another_cell_and_other_features(
    tiny: Cohort, tmp_path: Path
) -> None:
    path, spec = tmp_path / "c.pt", load_registry().spec("frozen")
    found = []
    for seed in (5, 6):
        saved(encoder_of(seed), path)
        variant = choose(spec, {"encoder": "compact", "widths": WIDTHS, "weights": str(path)})
        method = FrozenEncoder(**variant.params)
        method.run = Run(0, "cpu", 1, tmp_path)
        found.append((variant.params["digest"], method.measure(tiny.take(tiny.case_ids[:2])).to_numpy()))
    assert found[0][0] != found[1][0] and not np.allclose(found[0][1], found[1][1])


def test_without_a_file_the_row_is_skipped_with_the_reason(tiny: Cohort, tmp_path: Path) -> None:
    spec = load_registry().spec("frozen")
    assert "names no local file" in (unmet_need(choose(spec, {}), tiny) or "")
    path = saved(encoder_of(0), tmp_path / "d.pt")
    assert unmet_need(choose(spec, {"weights": str(path)}), tiny) is None


def test_a_file_that_runs_code_or_fits_nothing_is_refused(tiny: Cohort, tmp_path: Path) -> None:
    run = Run(0, "cpu", 1, tmp_path)
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    with pytest.raises(PluginError, match="cannot be read as tensors alone"):
        frozen(tmp_path / "whole.pt").fit(tiny, tiny, run)
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(PluginError, match="match no tensor"):
        frozen(tmp_path / "other.safetensors").fit(tiny, tiny, run)


def test_the_cache_is_open_to_the_methods_of_the_project_that_declare_it(tiny: Cohort) -> None:
    specs = load_registry().specs
    (folder,) = kept_caches(specs["random_encoder"], tiny)
    assert folder.parent.name == embedding.FOLDER
    assert kept_caches(dataclasses.replace(specs["random_encoder"], target="acme.m:M"), tiny) == ()
    assert kept_caches(specs["pretext_ridge"], tiny) == ()


@pytest.mark.slow
def test_the_pretext_learns_to_fill_in_and_reads_no_label(tiny: Cohort, tmp_path: Path) -> None:
    run = Run(0, "cpu", 1, tmp_path)
    method = PretextEncoder(widths=WIDTHS)
    crop = method._crop()
    examples = crop_examples(tiny.blind(), crop, targets_of(tiny), regions=False)
    inputs = _Removal(crop.shape)(examples.read(np.arange(len(tiny))), torch.Generator().manual_seed(0))
    errors = []
    for epochs in (1, 12):
        with computing(run):
            encoder, width = pooled_encoder("compact", 2, crop.shape, WIDTHS)
            inpainter = Inpainter(encoder, width, crop.shape)
        before = inpainter.state_dict()["encoder.encoder.stages.0.1.weight"].clone()
        fitted = pretrain(encoder, width, crop.shape, examples, Schedule(epochs, 32, 3e-3, 0.02), run)
        assert not torch.equal(before, encoder.state_dict()["encoder.stages.0.1.weight"])
        with torch.no_grad():
            errors.append(float(fitted.eval()(*inputs).mean()))
    assert errors[1] < errors[0]


@pytest.mark.parametrize("kind", [PretextEncoder, PretextCNN])
def test_the_encoder_is_the_same_whatever_the_labels(kind: type, tiny: Cohort, tmp_path: Path) -> None:
    train = tiny.take(tiny.case_ids[:20])
    turned = dataclasses.replace(train, table=train.table.assign(er=1 - train.table["er"]))
    run = Run(0, "cpu", 1, tmp_path)
    quick = {"pretext_epochs": 1} if kind is PretextCNN else {"epochs": 1}
    states = []
    for cohort in (train, turned):
        method = kind(widths=WIDTHS, **quick)
        if kind is PretextCNN:
            method.targets, method.unlabelled = targets_of(cohort), cohort.blind()
            states.append(method._start(run).encoder.state_dict())
        else:
            states.append(method.fit(cohort, cohort, run).network.state_dict())
    for name, values in states[0].items():
        assert torch.equal(values, states[1][name])


@pytest.mark.slow
def test_the_cnn_learns_twenty_cases_by_heart_from_its_pretext(tiny: Cohort, tmp_path: Path) -> None:
    scores: list[float] = []
    cases = tiny.take(tiny.case_ids[:20])
    run = Run(0, "cpu", 1, tmp_path, lambda step, total, score: scores.extend([score] if score else []))
    method = PretextCNN(pretext_epochs=4, epochs=120, batch_size=10, dropout=0.0, augmentation=0.0)
    method.fit(cases, cases, run)
    # 1 is the loss of a predictor that sees no case; the bound is that of all networks here.
    assert -max(scores) < 0.25
