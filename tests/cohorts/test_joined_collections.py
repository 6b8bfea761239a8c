"""Public collections that share patients under other ids, made up in the published forms."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bench.cohorts.catalogue import open_cohort
from bench.errors import CohortError, UsageError

Made = Callable[[str, list[str]], str]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A cohort without images of that name, with a case for each patient id."""

    def make(name: str, patients: list[str], title: str = "") -> str:
        folder = tmp_path / (name + title)
        folder.mkdir()
        (folder / "cohort.toml").write_text(
            f'name = "{name}"\ntitle = "{title or name}"\nsynthetic = false\nfeatures = "features.csv"\n'
            '[tasks.er]\nkind = "binary"\npositive = "receptor positive"\n'
        )
        cases = {"case_id": patients, "patient_id": patients, "site": "a", "group": "internal"}
        pd.DataFrame({**cases, "er": [at % 2 for at in range(len(patients))]}).to_csv(
            folder / "cases.csv", index=False
        )
        pd.DataFrame({"case_id": patients, "size": range(len(patients))}).to_csv(
            folder / "features.csv", index=False
        )
        return str(folder)

    return make


DUKE = ["Breast_MRI_001", "Breast_MRI_002", "Breast_MRI_922"]
MAMA_MIA = ["DUKE_002", "ISPY1_1001", "ISPY2_100899", "NACT_06"]


@pytest.mark.parametrize(
    ("one", "other", "pair"),
    [
        (("duke", DUKE), ("mama-mia", MAMA_MIA), "duke:Breast_MRI_002 and mama-mia:DUKE_002"),
        (("mine", DUKE), ("theirs", ["duke_002"]), "mine:Breast_MRI_002 and theirs:duke_002"),
        (("ispy1", ["ISPY1-1001"]), ("mama-mia", MAMA_MIA), "ispy1:ISPY1-1001 and mama-mia:ISPY1_1001"),
        (("ispy1", ["1001"]), ("mama-mia", MAMA_MIA), "ispy1:1001 and mama-mia:ISPY1_1001"),
        (("ispy2", ["ACRIN-6698-100899"]), ("mama-mia", MAMA_MIA), "and mama-mia:ISPY2_100899"),
        (("breastdcedl", ["ISPY2-100899", *DUKE]), ("ispy2", ["ACRIN-6698-100899_0000"]), "ISPY2-100899 and"),
        (("breastdcedl", DUKE), ("duke", ["Breast_MRI_922"]), "Breast_MRI_922 and duke:Breast_MRI_922"),
        (("breastdcedl", DUKE), ("mama-mia", MAMA_MIA), "Breast_MRI_002 and mama-mia:DUKE_002"),
        (("nact-pilot", ["UCSF-BR-06"]), ("mama-mia", MAMA_MIA), "UCSF-BR-06 and mama-mia:NACT_06"),
    ],
)
def test_a_patient_under_another_published_id_stops_the_run(
    made: Made, one: tuple[str, list[str]], other: tuple[str, list[str]], pair: str
) -> None:
    with pytest.raises(CohortError, match=r"^1 patients are in two") as error:
        open_cohort([made(*one), made(*other)])
    assert pair in str(error.value)


def test_all_copies_are_dropped_by_one_pattern(made: Made) -> None:
    both = [made("duke", DUKE), made("mama-mia", [*MAMA_MIA, "DUKE_001"])]
    joined = open_cohort(both, drop=["mama-mia:DUKE_*"])
    assert len(joined) == 6 and "mama-mia:NACT_06" in joined.case_ids
    by_name = open_cohort(both, drop=["mama-mia:DUKE_001", "mama-mia:DUKE_002"])
    assert by_name.fingerprint == joined.fingerprint
    with pytest.raises(UsageError, match="unknown case to drop"):
        open_cohort(both, drop=["mama-mia:duke*"])


def test_collections_without_a_patient_in_common_are_joined(made: Made) -> None:
    assert len(open_cohort([made("duke", DUKE), made("ispy1", ["ISPY1_1001", "ISPY1_1002"])])) == 5
    assert len(open_cohort([made("mama-mia", MAMA_MIA), made("hospital", ["Pa1", "Pb2", "1001"])])) == 7


def test_overlapping_collections_with_hashed_ids_need_a_map(made: Made, tmp_path: Path) -> None:
    both = [made("duke", ["P0a1b", "P2c3d"]), made("mama-mia", MAMA_MIA)]
    with pytest.raises(CohortError, match=r"patients of Duke, and 2 patient ids of duke, such as 'P0a1b'"):
        open_cohort(both)
    with pytest.raises(CohortError, match="patients of I-SPY 2"):
        open_cohort([made("x", ["P1", "P2"], "ISPY2 of our download"), made("breastdcedl", ["ISPY2-1"])])
    pd.DataFrame({"duke": ["P0a1b"], "mama-mia": ["DUKE_002"]}).to_csv(tmp_path / "map.csv", index=False)
    with pytest.raises(CohortError, match=r"duke:P0a1b and mama-mia:DUKE_002 \(the id map\)"):
        open_cohort(both, id_map=tmp_path / "map.csv")
    assert len(open_cohort(both, drop=["duke:P0a1b"], id_map=tmp_path / "map.csv")) == 5
