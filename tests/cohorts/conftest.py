import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cohorts.checked_folders import CASES, HEADER, SHAPE, ball, save


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen sound cases of as many patients, the first twelve internal."""
    folder = tmp_path_factory.mktemp("sound")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(CASES):
        case_id = f"c{number}"
        save(folder / f"{case_id}.nii.gz", rng.normal(100, 20, SHAPE).astype(np.int16))
        save(folder / f"{case_id}_mask.nii.gz", ball())
        rows.append(
            {
                "case_id": case_id,
                "patient_id": f"p{number}",
                "site": "ab"[number % 2],
                "group": "internal" if number < 12 else "external",
                "image": f"{case_id}.nii.gz",
                "mask": f"{case_id}_mask.nii.gz",
                "er": number // 2 % 2,
                "ki67": 5.0 * number,
                "vendor": "GE",
            }
        )
    (folder / "cohort.toml").write_text(HEADER)
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "mini"))
