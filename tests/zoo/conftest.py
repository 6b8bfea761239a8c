"""Cohorts that several tests of methods use."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder

HEADER = """name = "carried"
synthetic = true
features = "features.csv"

[tasks.er]
kind = "binary"
positive = "ER positive"

[tasks.ki67]
kind = "continuous"
unit = "%"
range = [-20.0, 20.0]
"""


@pytest.fixture
def carried(tmp_path: Path) -> Cohort:
    """Of thirty features the third decides; one holds words, and every twentieth value is missing."""
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(300, 30)), columns=[f"f{at}" for at in range(30)])
    signal = features["f3"] + 0.5 * rng.normal(size=300)
    cases = pd.DataFrame({"case_id": [f"c{at}" for at in range(300)], "site": "a", "group": "internal"})
    cases["patient_id"] = cases["case_id"]
    cases["er"], cases["ki67"] = (signal > 0).astype(int), signal.round(3)
    cases.loc[::10, "er"] = np.nan
    features = features.mask(rng.random(features.shape) < 0.05)
    features.insert(0, "case_id", cases["case_id"])
    features["shape"] = ["round", "oval", "irregular"] * 100
    (tmp_path / "cohort.toml").write_text(HEADER)
    cases.to_csv(tmp_path / "cases.csv", index=False)
    features.to_csv(tmp_path / "features.csv", index=False)
    return load_folder(tmp_path)
