"""pyradiomics through our extractor against the values that its authors and the IBSI publish."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import SimpleITK as sitk

pytest.importorskip("radiomics", reason="pyradiomics is not installed", exc_type=ImportError)

from bench_zoo.radiomics.extraction import feature_extractor, features_of

TAGS = tomllib.loads((Path(__file__).parents[1] / "reference" / "ibsi_tags.toml").read_text())
VOXELS = 74
"""Voxels of the IBSI digital phantom's region."""

AS_IBSI_DEFINES = {
    "firstorder_Kurtosis": lambda value: value - 3,
    "shape_MinorAxisLength": lambda value: value * math.sqrt(VOXELS / (VOXELS - 1)),
    "shape_LeastAxisLength": lambda value: value * math.sqrt(VOXELS / (VOXELS - 1)),
}


def measured(image: Path, mask: Path, settings: dict[str, Any]) -> dict[str, float]:
    found = features_of(feature_extractor(settings), sitk.ReadImage(str(image)), sitk.ReadImage(str(mask)))
    return {name.removeprefix("original_"): value for name, value in found.items()}


@pytest.fixture(scope="module")
def ibsi(real_data: Path) -> tuple[dict[str, float], pd.DataFrame]:
    """Our values on the digital phantom, whose grey levels are bins already, and the consensus values."""
    folder = real_data / "reference" / "ibsi_digital_phantom"
    values = measured(folder / "image" / "phantom.nii.gz", folder / "mask" / "mask.nii.gz", {"binWidth": 1})
    return values, pd.read_csv(folder / "reference_values.csv", sep=";", index_col="tag")


def agrees(value: float, consensus: pd.Series) -> bool:
    """Within the tolerance, or the same to the three digits that the consensus values are given with."""
    expected = consensus["reference value"]
    half_digit = 0.5 * 10.0 ** (math.floor(math.log10(abs(expected))) - 2)
    return bool(abs(value - expected) <= max(consensus["tolerance"], half_digit) * (1 + 1e-9))


@pytest.mark.parametrize("case", ["breast1", "brain1", "brain2"])
def test_features_equal_the_published_baselines_of_pyradiomics(real_data: Path, case: str) -> None:
    folder = real_data / "reference" / "pyradiomics"
    table = pd.read_csv(folder / "baselines_default.csv", index_col=0)
    expected = pd.to_numeric(
        table.loc[table.index.str.startswith("original_"), case], errors="coerce"
    ).dropna()
    # The baselines were made with intensities shifted by 2000 where a feature squares them.
    values = measured(folder / f"{case}_image.nrrd", folder / f"{case}_label.nrrd", {"voxelArrayShift": 2000})
    assert set(values) == set(expected.index.str.removeprefix("original_")) and len(values) == 107
    for name, value in expected.items():
        assert values[name.removeprefix("original_")] == pytest.approx(value, rel=1e-3), name


def test_equivalent_features_lie_within_the_consensus_of_the_ibsi(
    ibsi: tuple[dict[str, float], pd.DataFrame],
) -> None:
    values, consensus = ibsi
    beyond = [
        f"{name}: {values[name]:.4g}, consensus {consensus.loc[tag, 'reference value']}"
        for name, tag in TAGS["equivalent"].items()
        if not agrees(values[name], consensus.loc[tag])
    ]
    assert not beyond


def test_features_defined_otherwise_agree_once_the_definition_is_changed(
    ibsi: tuple[dict[str, float], pd.DataFrame],
) -> None:
    values, consensus = ibsi
    assert set(AS_IBSI_DEFINES) == set(TAGS["different"])
    for name, entry in TAGS["different"].items():
        assert not agrees(values[name], consensus.loc[entry["tag"]]), name
        assert agrees(AS_IBSI_DEFINES[name](values[name]), consensus.loc[entry["tag"]]), entry["definition"]


def test_every_feature_is_equivalent_or_listed_with_what_differs(
    ibsi: tuple[dict[str, float], pd.DataFrame],
) -> None:
    values, _ = ibsi
    listed = [*TAGS["equivalent"], *TAGS["different"], *TAGS["absent"]]
    assert sorted(listed) == sorted(values)
