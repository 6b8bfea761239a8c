"""Exams far from training in a network's own embedding are named, those like it are not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from sklearn.covariance import LedoitWolf

from bench.deploy.bundle import EMBEDDINGS, FILE, Bundle, open_bundle
from bench.deploy.collect import bundle_of_store
from bench.deploy.embedding import Embedding, far_from_training, measured
from bench.deploy.exams import exam_of_files
from bench.deploy.offers import embeddings
from bench.deploy.predict import loaded_models, predict_exams
from bench.deploy.write import write_bundle
from bench.errors import StoreError
from bench.inference import Bootstrap
from bench.methods.registry import load_registry
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.running.run import run_experiment

WORDS = "the network's own embedding"


def drawn(rng: np.random.Generator, cases: int) -> np.ndarray:
    mixing = np.random.default_rng(5).standard_normal((12, 12))
    return rng.standard_normal((cases, 12)) @ mixing


def test_distances_are_those_of_a_shrunk_covariance_of_training_cases_alone() -> None:
    rng = np.random.default_rng(0)
    learned, held_out = drawn(rng, 60), drawn(rng, 40) + 3
    found = measured(learned, held_out)
    reference = LedoitWolf().fit(learned)
    np.testing.assert_allclose(found.distances(held_out) ** 2, reference.mahalanobis(held_out), rtol=1e-9)
    assert found.limit == found.distances(held_out).max() and found.held_out == 40
    assert found.beyond == pytest.approx(1 / 41)


def test_of_exams_like_the_validation_cases_so_many_lie_beyond_as_is_said() -> None:
    rng, shares = np.random.default_rng(1), []
    for _ in range(150):
        found = measured(drawn(rng, 50), drawn(rng, 199))
        shares.append((found.distances(drawn(rng, 200)) > found.limit).mean())
    assert found.beyond == pytest.approx(0.01)
    assert np.mean(shares) == pytest.approx(0.01, abs=4 * np.std(shares) / np.sqrt(len(shares)))


def test_a_warning_needs_more_than_half_of_the_models() -> None:
    near = Embedding(np.zeros(2), np.eye(2), 10.0, 0.01, 99)
    far = replace(near, limit=1.0)
    seen = np.array([3.0, 4.0])
    assert far_from_training([near, far], [seen, seen]) == ""
    said = far_from_training([near, far, far], [seen] * 3)
    assert said.startswith(WORDS) and "2 of 3 models (Mahalanobis distance 5, limit 1 by 99" in said
    assert far_from_training([], []) == ""


@pytest.fixture(scope="module")
def network(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A small network of two epochs, and a method without an embedding."""
    asked = Experiment(
        methods=("multi_task_cnn", "tumour_size"),
        cohort="phantom-tiny",
        split="internal",
        store=str(tmp_path_factory.mktemp("network") / "runs"),
        set={"multi_task_cnn.epochs": 2},
        executor="here",
        device="cpu",
    )
    assert run_experiment(asked, quiet=True).complete
    return make_plan(asked, quiet=True)


def bundle_of(plan: Plan, method: str) -> Bundle:
    row = next(cell.method for cell in plan.cells if cell.method.startswith(method))
    asked = (plan.cohort, plan.split, plan.store, row, load_registry())
    return bundle_of_store(*asked, Bootstrap(200), quiet=True)


@pytest.mark.slow
def test_embeddings_are_what_the_heads_make_outputs_of(network: Plan) -> None:
    bundle = bundle_of(network, "multi_task_cnn")
    (method,) = loaded_models(bundle, load_registry().spec("multi_task_cnn"), network.cohort)
    method.flips = False
    cases = network.cohort.take(network.cohort.case_ids[:5]).blind()
    seen = embeddings(method, cases)
    with torch.inference_mode():
        outputs = torch.cat([branch(torch.tensor(seen)) for branch in method.network.branches], dim=1)
    said = method.predict(cases)
    for at, target in enumerate(method.targets):
        np.testing.assert_allclose(target.decode(outputs[:, at].numpy()), said[target.task], atol=1e-5)
    assert not any(module._forward_pre_hooks for module in method.network.modules())


@pytest.mark.slow
def test_another_kind_of_image_is_warned_of_and_tested_cases_rarely(network: Plan, tmp_path: Path) -> None:
    write_bundle(bundle_of(network, "multi_task_cnn"), tmp_path / "bundle")
    bundle = open_bundle(tmp_path / "bundle")
    spec, (fold,) = load_registry().spec("multi_task_cnn"), network.split.folds
    tested = network.cohort.take(fold.test)
    said = predict_exams(bundle, loaded_models(bundle, spec, tested), tested)
    warned = [any(WORDS in text for text in exam.warnings) for exam in said]
    assert np.mean(warned) < 0.5
    volume = network.cohort.volume(fold.test[0])
    noise = np.random.default_rng(0).standard_normal(volume.array("image").shape) ** 3
    image = sitk.GetImageFromArray(noise.astype(np.float32))
    image.CopyInformation(volume.image)
    paths = tmp_path / "exam.nii", tmp_path / "mask.nii"
    sitk.WriteImage(image, paths[0])
    sitk.WriteImage(volume.mask, paths[1])
    exam = exam_of_files(*paths, bundle, {})
    (odd,) = predict_exams(bundle, loaded_models(bundle, spec, exam), exam)
    assert any(WORDS in text for text in odd.warnings)


@pytest.mark.slow
def test_a_method_without_an_embedding_says_nothing_and_a_changed_file_is_refused(
    network: Plan, tmp_path: Path
) -> None:
    sizes = bundle_of(network, "tumour_size")
    write_bundle(sizes, tmp_path / "sizes")
    assert not sizes.embeddings and not (tmp_path / "sizes" / EMBEDDINGS).exists()
    write_bundle(bundle_of(network, "multi_task_cnn"), tmp_path / "cnn")
    path = tmp_path / "cnn" / EMBEDDINGS
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(StoreError, match=r"embeddings\.safetensors is not as it was written"):
        open_bundle(tmp_path / "cnn")


@pytest.mark.slow
def test_a_bundle_of_before_embeddings_is_read_and_says_nothing_of_them(
    network: Plan, tmp_path: Path
) -> None:
    write_bundle(bundle_of(network, "multi_task_cnn"), tmp_path / "old")
    (tmp_path / "old" / EMBEDDINGS).unlink()
    content = json.loads((tmp_path / "old" / FILE).read_text())
    del content["embeddings_checksum"]
    (tmp_path / "old" / FILE).write_text(json.dumps(content | {"format": 1}))
    bundle = open_bundle(tmp_path / "old")
    cases = network.cohort.take(network.split.folds[0].test[:1])
    models = loaded_models(bundle, load_registry().spec("multi_task_cnn"), cases)
    (said,) = predict_exams(bundle, models, cases)
    assert not bundle.embeddings and not any(WORDS in text for text in said.warnings)
