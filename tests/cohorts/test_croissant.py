"""Croissant metadata of a cohort: readers of the format take it, and it says what the tables hold."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bench
from bench.cohorts.cohort import Cohort
from bench.cohorts.croissant import croissant
from bench.cohorts.folder import load_folder
from bench.errors import CohortError

HEADER = """name = "made"
title = "A made cohort"
synthetic = true
licence = "CC0 1.0"
citation = "Nobody, 2026"
label_rule = "Drawn by lot"
features = "{features}"
[tasks.er]
kind = "binary"
positive = "1 % or more of nuclei"
[tasks.ki67]
kind = "continuous"
unit = "percentage points"
[columns]
clinical = ["age"]
acquisition = ["vendor"]
ignore = ["secret"]
"""


def made(folder: Path, separator: str = ",", features: str = "features.csv.gz") -> Cohort:
    """A cohort of a feature table, with an unknown label and a feature whose name has blanks."""
    folder.mkdir(exist_ok=True)
    (folder / "cohort.toml").write_text(HEADER.format(features=features))
    cases = pd.DataFrame(
        {
            "case_id": [f"c{k}" for k in range(6)],
            "patient_id": [f"p{k // 2}" for k in range(6)],
            "site": "north",
            "group": "internal",
            "er": [1, 0, None, 1, 0, 1],
            "ki67": np.arange(6) * 10.5,
            "age": [50.5, 51, 52, 53, 54, 55],
            "vendor": ["GE", "Siemens"] * 3,
            "secret": "x",
        }
    )
    cases.to_csv(folder / "cases.csv", index=False, sep=separator)
    table = pd.DataFrame(
        {"case_id": cases["case_id"], "F1 (T=0.1, x)": np.arange(6) / 4, "kind": list("ababab")}
    )
    table.to_csv(folder / features, index=False)
    return load_folder(folder)


def records(folder: Path, cohort: Cohort) -> dict[str, list[dict[str, Any]]]:
    """What a reader of the format reads by the metadata alone; none of its complaints is an error."""
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs `uv sync --group validators`")
    (folder / "croissant.json").write_text(json.dumps(croissant(cohort)))
    found = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not found.metadata.issues.errors
    assert all("datePublished" in text for text in found.metadata.issues.warnings)
    return {each.id: list(found.records(record_set=each.id)) for each in found.metadata.record_sets}


@pytest.mark.filterwarnings("ignore")
def test_a_reader_of_the_format_reads_cases_and_features(tmp_path: Path) -> None:
    cohort = made(tmp_path)
    read = records(tmp_path, cohort)
    assert [row["cases/case_id"].decode() for row in read["cases"]] == list(cohort.case_ids)
    er = np.array([row["cases/er"] for row in read["cases"]], dtype=float)
    np.testing.assert_equal(er, cohort.labels("er"))
    assert [row["cases/age"] for row in read["cases"]] == cohort.table["age"].tolist()
    assert [row["features/column-2"] for row in read["features"]] == cohort.features().iloc[:, 0].tolist()
    assert [row["features/kind"].decode() for row in read["features"]] == list("ababab")


@pytest.mark.filterwarnings("ignore")
def test_a_planted_fault_is_an_error_to_the_reader(tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs `uv sync --group validators`")
    content = croissant(made(tmp_path))
    content["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "no-table"
    (tmp_path / "croissant.json").write_text(json.dumps(content))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))


def test_it_names_licence_meaning_and_files_but_no_case(tmp_path: Path) -> None:
    content = croissant(made(tmp_path))
    assert (content["license"], content["citeAs"]) == ("CC0 1.0", "Nobody, 2026")
    assert content["description"] == (
        "A made cohort. SYNTHETIC: no patient is real. 6 cases of 3 patients. Drawn by lot."
    )
    fields = {field["name"]: field for field in content["recordSet"][0]["field"]}
    assert [*fields] == ["case_id", "patient_id", "site", "group", "er", "ki67", "age", "vendor"]
    assert fields["er"]["description"] == "1: 1 % or more of nuclei; 0: not; empty: unknown."
    assert fields["ki67"]["description"] == "KI67, percentage points; empty: unknown."
    assert not re.search(r"\bc[0-5]\b|\bp[0-2]\b", json.dumps(content))
    assert str(tmp_path) not in json.dumps(content)


def test_images_are_found_by_patterns() -> None:
    cohort = bench.open_cohort("phantom-tiny", quiet=True)
    content = croissant(cohort)
    (volumes,) = [each for each in content["distribution"] if each["@id"] == "volumes"]
    listed = {path for pattern in volumes["includes"] for path in cohort.folder.glob(pattern)}
    assert listed == {cohort.folder / name for name in cohort.files.to_numpy().ravel()}
    assert {"image", "mask"} <= {field["name"] for field in content["recordSet"][0]["field"]}


def test_columns_of_a_table_with_semicolons_are_not_described(tmp_path: Path) -> None:
    content = croissant(made(tmp_path, ";", "features.csv"))
    assert [each["@id"] for each in content["recordSet"]] == ["features"]


def test_joined_cohorts_have_a_folder_each(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(tmp_path / name)
        header = (tmp_path / name / "cohort.toml").read_text().replace('"made"', f'"{name}"')
        (tmp_path / name / "cohort.toml").write_text(header.replace("synthetic = true", "synthetic = false"))
        cases = pd.read_csv(tmp_path / name / "cases.csv")
        cases.assign(patient_id=name + cases["patient_id"]).to_csv(tmp_path / name / "cases.csv", index=False)
    joined = bench.open_cohort([str(tmp_path / "one"), str(tmp_path / "two")], quiet=True)
    with pytest.raises(CohortError, match="joined of several cohorts; describe the folder of each"):
        croissant(joined)
