"""The subtypes command, and the published subtypes of the Duke cohort."""

import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.scoring.subtypes.rules import (
    classes_of,
    role_tasks,
)
from bench.task import Task
from tests.scoring.subtype_results import DUKE, RECEPTOR_TASKS


def test_a_role_may_be_played_by_a_task_of_another_name():
    tasks = (Task("ER_status", "binary"), *RECEPTOR_TASKS[1:])
    assert role_tasks(DUKE, tasks, {"er": "ER_status"})["er"].name == "ER_status"


def where(folder: Path) -> tuple[str, ...]:
    return ("--cohort", "phantom-tiny", "--split", "internal_cv", "--store", str(folder))


def test_the_command_scores_a_store(finished_store: Path) -> None:
    done = CliRunner().invoke(
        app, ["subtypes", "--rule", "receptor_only", *where(finished_store), "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["rule"]["name"] == "receptor_only"
    rows = {row["method"]: row for row in found["rows"]}
    assert set(rows) == {"constant", "tumour_size"}
    assert rows["constant"]["macro_auc"] == pytest.approx(0.5)
    assert rows["constant"]["macro_auc_high"] is None, "a class of so few patients has no interval"
    assert sum(found["rule"]["classes"].values()) == rows["constant"]["n"]


def test_the_command_prints_a_confusion_matrix_for_one_method(finished_store: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            "subtypes",
            "--rule",
            "st_gallen_2013",
            "-m",
            "tumour_size",
            "--confusion",
            "tumour_size",
            *where(finished_store),
            "--format",
            "csv",
        ],
    )
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == 1 + 5 * 6
    for wanted in ("md", "table"):
        shown = CliRunner().invoke(
            app,
            [
                "subtypes",
                "--rule",
                "st_gallen_2013",
                "--confusion",
                "constant",
                *where(finished_store),
                "--format",
                wanted,
            ],
        )
        assert shown.exit_code == 0 and "SYNTHETIC" in shown.output


def duke_statuses(path: Path) -> pd.DataFrame:
    """ER, PR, HER2 and Mol Subtype of the clinical table, whose first three rows are headers."""
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    texts = ["".join(part.text or "" for part in string.iter(f"{name}t")) for string in strings]
    rows = []
    for row in sheet.iter(f"{name}row"):
        cells = {re.sub(r"\d", "", cell.get("r", "")): cell for cell in row}
        found = [
            cells[column].find(f"{name}v") if column in cells else None for column in ("X", "Y", "Z", "AA")
        ]
        kinds = [cells[column].get("t") if column in cells else None for column in ("X", "Y", "Z", "AA")]
        rows.append(
            [
                None if entry is None else texts[int(entry.text)] if kind == "s" else entry.text
                for entry, kind in zip(found, kinds, strict=True)
            ]
        )
    assert rows[1] == ["ER", "PR", "HER2", "Mol Subtype"]
    return pd.DataFrame(rows[3:], columns=["er", "pr", "her2", "published"]).apply(pd.to_numeric)


def test_the_receptor_rule_reproduces_the_published_column_of_all_922_duke_patients(real_data: Path) -> None:
    table = duke_statuses(real_data / "duke" / "Clinical_and_Other_Features.xlsx")
    found = classes_of(DUKE, {role: table[role] for role in DUKE.roles})
    assert len(table) == 922
    assert int((found == table["published"]).sum()) == 922
    counts = Counter(DUKE.classes[code] for code in found)
    assert [counts[name] for name in DUKE.classes] == [595, 104, 59, 164]
