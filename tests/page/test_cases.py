"""Single cases: which are the worst, and which way up they are drawn."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.imaging.planes import Plane, three_planes
from bench.page.case_pictures import ENLARGED, OUTLINE, case_planes, outlined, write_sheet
from bench.report.cases import case_reports, worst_cases
from bench.scoring.cases import task_cases
from tests.example_results import method, results, truth_table
from tests.page.reports import simulated


def test_the_worst_cases_are_those_with_the_greatest_error_of_the_mean_prediction() -> None:
    given = simulated()
    table = worst_cases(given, "er", "fourth", 5)
    rows = given.methods[3].predictions.query("task == 'er'")
    mean = rows.groupby("case_id")["prediction"].mean()
    error = (mean - given.truth["er"]).abs().sort_values(ascending=False)
    assert [record["case"] for record in table.records] == list(error.index[:5])
    assert [record["error"] for record in table.records] == pytest.approx(error.head(5).round(6))


def test_a_case_without_a_label_is_no_case_of_its_task() -> None:
    truth = truth_table()
    truth.loc["case0003", "er"] = np.nan
    found = task_cases(results(method("one", truth, 1.0), truth=truth))
    assert "case0003" not in found[0].case_ids
    assert "case0003" in found[1].case_ids


def test_a_case_that_all_methods_get_wrong_comes_first() -> None:
    truth = truth_table()
    rows = [method(name, truth, 1.0, salt=salt) for salt, name in enumerate(("one", "two"))]
    for one in rows:
        table = one.predictions
        chosen = table["case_id"] == "case0007"
        table.loc[chosen & (table["task"] == "er"), "prediction"] = 1 - truth.loc["case0007", "er"]
        table.loc[chosen & (table["task"] == "ki67"), "prediction"] = 100.0
    first, *others = case_reports(results(*rows, truth=truth), 4)
    assert first.case_id == "case0007"
    assert first.error == pytest.approx(1)
    assert len(others) == 3


def test_an_unknown_method_or_task_is_named_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="unknown method with a value for er 'fourht': did you mean fourth"):
        worst_cases(simulated(), "er", "fourht", 5)
    with pytest.raises(UsageError, match="unknown task 'her2'"):
        worst_cases(simulated(), "her2", "fourth", 5)


def test_planes_stand_in_radiological_convention() -> None:
    image, mask = np.zeros((2, 8, 8, 8))
    mask[3:5, 3:5, 3:5] = 1
    image[7, 4, 4], image[4, 0, 4], image[4, 4, 7] = 1, 2, 3  # head, front, patient's left
    axial, coronal, sagittal = three_planes(image, mask)
    assert axial.image[0, 4] == 2 and axial.image[4, 7] == 3
    assert coronal.image[0, 4] == 1 and coronal.image[3, 7] == 3
    assert sagittal.image[0, 4] == 1 and sagittal.image[3, 0] == 2


def test_the_outline_lies_on_the_edge_of_the_lesion() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:6, 3:7] = True
    picture = outlined(Plane("axial", np.zeros((8, 8)), mask))
    coloured = np.all(picture == OUTLINE, axis=2)
    rows, columns = np.nonzero(coloured)
    assert (rows.min(), rows.max()) == (2 * ENLARGED, 6 * ENLARGED - 1)
    assert (columns.min(), columns.max()) == (3 * ENLARGED, 7 * ENLARGED - 1)
    assert coloured.sum() == 4 * (4 * ENLARGED - 1)


def test_a_sheet_has_a_row_a_case(tiny: Cohort, tmp_path: Path) -> None:
    name = tiny.case_ids[0]
    truth = tiny.table[["patient_id", "site", "group", "er", "ki67"]]
    given = results(method("one", truth, 1.0, folds=2), truth=truth)
    table = worst_cases(given, "er", "one", 2)
    planes = {str(record["case"]): case_planes(tiny, str(record["case"])) for record in table.records}
    write_sheet(table, planes, tmp_path / "sheet.png")
    tall = imread(tmp_path / "sheet.png").shape[0]
    write_sheet(worst_cases(given, "er", "one", 1), planes, tmp_path / "one.png")
    assert tall > 1.5 * imread(tmp_path / "one.png").shape[0]
    assert case_planes(tiny, name)[0].mask.any()
