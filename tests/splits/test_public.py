"""The splits of public collections that are shipped."""

import hashlib
import warnings
from pathlib import Path

import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.importers.duke import DukeImporter
from bench.cohorts.importers.ispy1 import Ispy1Importer
from bench.cohorts.importers.mama_mia import MamaMiaImporter
from bench.cohorts.importers.run_import import import_cohort
from bench.splits.config import load_split_config
from bench.splits.given import given_folds
from tests.splits.public import FILES, FOLDER, drawn, person, read_cases

PATIENTS = {
    "duke_receptors": 922,
    "mama_mia": 1506,
    "ispy1": 221,
    "ispy2": 980,
    "breastdcedl": 922 + 221 + 980,
}


@pytest.fixture(scope="module")
def shipped() -> dict[str, pd.DataFrame]:
    """The files as they are."""
    return {name: pd.read_csv(FOLDER / f"{name}.csv", keep_default_na=False) for name in FILES}


@pytest.fixture(scope="module")
def dcedl(real_data: Path) -> Cohort:
    """The validation part of BreastDCEDL."""
    return load_folder(real_data / "breastdcedl")


@pytest.mark.parametrize(("name", "patients"), PATIENTS.items())
def test_each_patient_is_tested_once_and_in_one_part_of_a_fold(
    shipped: dict[str, pd.DataFrame], name: str, patients: int
) -> None:
    table = shipped[name]
    tested = table[table["part"] == "test"]
    assert tested["patient_id"].is_unique and len(tested) == patients
    assert not table.duplicated(["patient_id", "fold"]).any()
    assert len(table) == 5 * patients
    assert load_split_config(name).file == str(FOLDER / f"{name}.csv")


def test_a_patient_is_in_the_same_part_of_every_file(shipped: dict[str, pd.DataFrame]) -> None:
    tables = [
        table.assign(person=[*map(person, table["patient_id"])]).set_index(["person", "fold"])["part"]
        for table in shipped.values()
    ]
    both = pd.concat(tables, axis=1, join="outer", keys=FILES)
    assert both[["duke_receptors", "mama_mia"]].dropna().shape[0] == 291 * 5
    assert both[["mama_mia", "ispy1"]].dropna().shape[0] == 171 * 5
    assert both[["mama_mia", "ispy2"]].dropna().shape[0] == 980 * 5
    assert both[["mama_mia", "breastdcedl"]].dropna().shape[0] == (291 + 171 + 980) * 5
    assert (both.nunique(axis=1) == 1).all()


def test_the_page_has_the_fingerprint_of_every_file() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, patients in PATIENTS.items():
        fingerprint = hashlib.sha256((FOLDER / f"{name}.csv").read_bytes()).hexdigest()[:16]
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"| {patients:,} |" in row and row.endswith(f"| `{fingerprint}` |")


@pytest.mark.parametrize(
    ("name", "site", "patients"),
    [("duke_receptors", "duke", 136), ("ispy2", "ispy2", 99), ("ispy1", "ispy1", 33)],
)
def test_ids_are_found_however_a_collection_writes_them(
    dcedl: Cohort, name: str, site: str, patients: int
) -> None:
    assert fold_of_cases(dcedl, "breastdcedl").keys() == set(dcedl.case_ids)
    own = fold_of_cases(dcedl, name)
    assert len(own) == patients and set(dcedl.table.loc[[*own], "site"]) == {site}
    assert own.items() <= fold_of_cases(dcedl, "breastdcedl").items()


def fold_of_cases(cohort: Cohort, name: str) -> dict[str, int]:
    """The fold that tests each case that a shipped split lists."""
    config = load_split_config(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = given_folds(cohort, Path(config.file))
    return {case: number for number, (_, parts) in enumerate(folds) for case in parts["test"]}


@pytest.mark.slow
def test_the_files_are_what_the_script_draws(
    real_data: Path, tmp_path: Path, shipped: dict[str, pd.DataFrame]
) -> None:
    importers = {
        "duke": DukeImporter(real_data / "duke" / "Clinical_and_Other_Features.xlsx"),
        "mama": MamaMiaImporter(real_data / "mama_mia" / "clinical_and_imaging_info.xlsx"),
        "ispy1": Ispy1Importer(real_data / "ispy1" / "clinical_and_outcome.xlsx"),
    }
    for name, importer in importers.items():
        import_cohort(importer, tmp_path / name, quiet=True)
    again = drawn([read_cases(tmp_path / name) for name in importers])
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, shipped[name])
