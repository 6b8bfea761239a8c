from pathlib import Path

import pytest

from bench.cohorts.phantom import make_phantom
from tests.cohorts.phantom.samples import FEW


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of seven cases at three sites."""
    base = tmp_path_factory.mktemp("few")
    make_phantom("phantom", base / "cohort", base / "oracle.csv", counts=FEW, workers=2)
    return base
