"""What is said of fitted methods that say nothing of themselves adds up to what they predict."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from bench.cohorts.cohort import Cohort
from bench.deploy.offers import contributions, explainers, gradient_maps, randomised
from bench.explain.altered import AlteredCohort
from bench.methods.method import Run
from bench_zoo.baselines.tumour_size.method import TumourSize
from bench_zoo.classical.sources import CarriedTable
from bench_zoo.explanations.gradients import attributions, integrated_gradients
from bench_zoo.networks.plain_cnn.method import PlainCNN
from bench_zoo.radiomics.boosted import RadiomicsXGB
from bench_zoo.radiomics.carried import FeatureTable
from bench_zoo.radiomics.ridge import RadiomicsLR
from bench_zoo.tabular.covariates import CovariateModel

SMALL = {"size_mm": 48.0, "spacing_mm": 4.0, "widths": (4, 8), "hidden": 4, "epochs": 2, "batch_size": 8}


def fitted(method: Any, cohort: Cohort, folder: Path, learn: int, check: int) -> Any:
    train, val = cohort.take(cohort.case_ids[:learn]), cohort.take(cohort.case_ids[learn : learn + check])
    return method.fit(train, val, Run(0, "cpu", 1, folder))


class Product(nn.Module):
    """Square of the image's sum, and the sum inside the mask."""

    def forward(self, images: Tensor) -> Tensor:
        image, mask = images[:, 0].flatten(1), images[:, 1].flatten(1)
        return torch.stack([image.sum(dim=1) ** 2, (image * mask).sum(dim=1)], dim=1)


def test_integrated_gradients_add_up_to_the_change_of_the_output() -> None:
    images = torch.rand(1, 2, 3, 4, 5)
    images[:, 1] = (images[:, 1] > 0.5).float()
    square = integrated_gradients(Product(), (images,), [0], [0])[0]
    assert square.shape == (1, 3, 4, 5)
    assert float(square.sum()) == pytest.approx(float(images[:, 0].sum() ** 2), rel=1e-5)
    linear = integrated_gradients(Product(), (images,), [0], [1])[0]
    np.testing.assert_allclose(linear[0], images[0, 0] * images[0, 1], rtol=1e-5)


def test_of_a_network_they_add_up_to_what_wiping_the_image_changes(tiny: Cohort, tmp_path: Path) -> None:
    method = fitted(PlainCNN(**SMALL), tiny, tmp_path, 20, 8)  # type: ignore[arg-type]
    case_id = tiny.case_ids[30]
    found = attributions(method, tiny.take([case_id]).blind(), ["pr", "er"])[0, 1]
    crop = method._crop()
    wiped = AlteredCohort.of(tiny, [case_id] * 2, wiped=np.stack([np.zeros(crop.shape, bool)] * 2), grid=crop)
    wiped.wiped[1] = True
    before, after = method.predict(wiped)["er"]
    change = np.log(before / (1 - before)) - np.log(after / (1 - after))
    assert found.sum() == pytest.approx(change, rel=0.1, abs=2e-3)
    maps = gradient_maps(method, AlteredCohort.of(tiny, [case_id]), ["pr", "er"])
    assert maps is not None and list(maps) == ["pr", "er"]
    heat = maps["er"]
    assert heat.shape == (1, *crop.shape) and heat.min() >= 0 and heat.max() > 0

    weights = {name: value.clone() for name, value in method.network.state_dict().items()}
    other: Any = randomised(method, 0)
    again = other.network.state_dict()
    assert all(torch.equal(value, method.network.state_dict()[name]) for name, value in weights.items())
    assert any(not torch.equal(value, again[name]) for name, value in weights.items())
    for name, value in method.network.named_parameters():
        torch.testing.assert_close(value.detach().sort().values.sum(), again[name].sort().values.sum())
    assert other.predict(tiny.take([case_id]).blind())["er"] != before


def total(table: pd.DataFrame, task: str, case_id: str) -> float:
    return float(table.query("task == @task and case == @case_id")["contribution"].sum())


@pytest.mark.parametrize("kind", [FeatureTable, CarriedTable])
def test_a_table_of_a_linear_model_adds_up_to_the_output(kind: Any, carried: Cohort, tmp_path: Path) -> None:
    method = fitted(kind(), carried, tmp_path, 200, 60)
    tested = carried.take(carried.case_ids[260:264]).blind()
    table = contributions(method, tested)
    assert table is not None and list(table) == ["case", "task", "feature", "value", "contribution"]
    strongest = table.query("task == 'er'").groupby("feature")["contribution"].apply(lambda c: c.abs().mean())
    assert strongest.idxmax() == "f3"
    said = method.predict(tested)["er"]
    outputs = np.log(said / (1 - said)) - np.array([total(table, "er", one) for one in tested.case_ids])
    assert np.ptp(outputs) < 1e-6  # the intercept is what is left


def test_sizes_and_covariates_have_tables_too(tiny: Cohort, tmp_path: Path) -> None:
    tested = tiny.take(tiny.case_ids[40:44]).blind()
    for made in (TumourSize(), CovariateModel("acquisition"), CovariateModel("clinical")):
        method = fitted(made, tiny, tmp_path, 30, 10)
        table = contributions(method, tested)
        assert table is not None
        said = method.predict(tested)["pr"]
        rest = np.log(said / (1 - said)) - np.array([total(table, "pr", one) for one in tested.case_ids])
        assert np.ptp(rest) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RadiomicsLR, RadiomicsXGB])
def test_radiomics_have_tables_in_the_units_that_were_measured(
    kind: Any, tiny: Cohort, tmp_path: Path
) -> None:
    method = fitted(kind(), tiny, tmp_path, 36, 12)
    tested = tiny.take(tiny.case_ids[48:52]).blind()
    table = contributions(method, tested)
    assert table is not None
    raw = tested.radiomics()
    for row in table.head(20).itertuples():
        assert row.value == pytest.approx(raw.loc[row.case, row.feature], nan_ok=True)
    said = method.predict(tested)["her2"]
    rest = np.log(said / (1 - said)) - np.array([total(table, "her2", one) for one in tested.case_ids])
    assert np.ptp(rest) < 1e-5


def test_nothing_is_said_of_a_method_that_nobody_knows(tiny: Cohort) -> None:
    @dataclasses.dataclass
    class Strange:
        pass

    assert len(explainers()) >= 1
    for answer in (
        contributions(Strange(), tiny),  # type: ignore[arg-type]
        randomised(Strange(), 0),  # type: ignore[arg-type]
        gradient_maps(Strange(), tiny, ["er"]),  # type: ignore[arg-type]
    ):
        assert answer is None
