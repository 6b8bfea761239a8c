"""Recipes of labels, and tables as hospitals keep them: workbooks, several header rows, odd names."""

import gzip
import tomllib
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cli import main
from bench.cohorts.checking.check import check_folder
from bench.cohorts.folder import load_folder
from bench.cohorts.proposal.columns import propose_columns
from bench.cohorts.proposal.propose import Proposal, propose, write_proposal
from bench.cohorts.proposal.recipes import apply_recipe, parse_recipe
from bench.errors import UsageError


def labels(text: str, **columns: list[str]) -> list[str]:
    table = pd.DataFrame({name.replace("__", " "): cells for name, cells in columns.items()})
    table.index += 2
    return list(apply_recipe(parse_recipe(text, list(map(str, table))), table))


@pytest.mark.parametrize(
    ("recipe", "cells", "expected"),
    [
        (
            "er >= 1",
            ["0", "0,5", "1", "90 %", "<1", ">10", "", "n/a", "neg"],
            ["0", "0", "1", "1", "0", "1", "", "", "0"],
        ),
        ("er = er > 1", ["1", "1.1", "<=1", "≤1"], ["0", "1", "0", "0"]),
        ("er: low = 1, none = 0", ["low", "none", "pos", "neg"], ["1", "0", "1", "0"]),
        ('er >= 10: "trace" = 0, "?" = unknown', ["trace", "?", "12"], ["0", "", "1"]),
        ("er", ["Positive", "no", "NA"], ["1", "0", ""]),
    ],
)
def test_a_limit_or_a_list_of_words_makes_a_label(recipe: str, cells: list[str], expected: list[str]) -> None:
    assert labels(recipe, er=cells) == expected


def test_ki67_in_words_becomes_numbers() -> None:
    made = labels(
        'ki67: "<1" = 0.5, "10-15" = midpoint, high = unknown',
        ki67=["<1", "10-15", "20 %", "7,5", "high", ""],
    )
    assert made == ["0.5", "12.5", "20", "7.5", "", ""]


def test_her2_follows_from_immunohistochemistry_and_in_situ_hybridisation() -> None:
    ihc = ["0", "1+", "2+", "2+", "2", "3+", "2+", "", "", "2+"]
    fish = ["", "amplified", "not amplified", "amplified", "2.1", "neg", "", "1.9", "", "+"]
    made = labels("her2 = ihc + fish", HER2__IHC=ihc, FISH__ratio=fish)
    assert made == ["0", "0", "0", "1", "1", "1", "", "0", "", "1"]


def test_a_label_that_is_positive_where_one_of_two_is() -> None:
    assert labels("hr = er + pr", er=["1", "0", "0", ""], pr=["0", "0", "", "pos"]) == ["1", "0", "", "1"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            "er >= 1",
            r"says nothing of 'weak' \(lines 3, 5\) and 1 more values; add what it means, such as \"weak\"",
        ),
        ("er = Allred >= 3", r"no column 'Allred'; the table has 'er', 'er2'"),
        ("her2 = a + b + c", r"is no recipe; write one such as"),
        ("er: weak", r"'weak' is not of the form \"value\" = label"),
        ("er: weak = maybe", r"'maybe' is no label; expected a number, midpoint or unknown"),
        ("er: weak = midpoint", r"'weak' is no range such as 10-15"),
    ],
)
def test_a_recipe_that_leaves_a_value_open_is_refused(recipe: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        labels(recipe, er=["1", "weak", "0", "weak", "?!"], er2=["", "", "", "", ""])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images in a folder below, whose names a table gives bare."""
    (tmp_path / "study/scans/more").mkdir(parents=True)
    for number in range(12):
        image = sitk.GetImageFromArray(
            np.random.default_rng(number).normal(100, 20, (12, 24, 24)).astype(np.int16)
        )
        image.SetOrigin((-30.0, -40.0, 5.0))
        sitk.WriteImage(image, str(tmp_path / f"study/scans/more/S{number:03d}.nii.gz"))
    return tmp_path / "study"


def book(path: Path, rows: list[list[object]], *more: tuple[str, list[list[object]]]) -> Path:
    made = openpyxl.Workbook()
    made.active.title = "Notes"
    made.active.append(["What", "is", "this"])
    made.active.append(["A", "study", "."])
    for title, lines in (("Data", rows), *more):
        sheet = made.create_sheet(title)
        for line in lines:
            sheet.append(line)
    made.save(path)
    return path


BOX = ["Start Row", "End Row", "Start Column", "End Column", "Start Slice", "End Slice"]
HEAD = [
    "Patient ID",
    "Cohort",
    "Field Strength (Tesla)",
    "Menopause (at diagnosis)",
    "ER (%)",
    "IHC",
    "FISH",
    "Ki-67 (%)",
]
LEGEND = [None, None, "1.5=0, 3=1", "{0 = pre, 1 = post}", "nuclei", None, None, None]


def study_rows() -> list[list[object]]:
    lines: list[list[object]] = [["Patients", None, "MRI"], [*HEAD, "image", *BOX], [*LEGEND, "a = b"]]
    for number in range(12):
        ki67: object = {0: "<1", 1: "10-15"}.get(number, 0.03 * number)
        values = [number % 2, number % 2, 10 * number, f"{number % 4}+", "amplified", ki67]
        lines.append(
            [
                f"S{number:03d}",
                "Internal" if number % 3 else "external",
                *values,
                f"S{number:03d}.nii.gz",
                8,
                15,
                6,
                13,
                3,
                8,
            ]
        )
    return lines


def study(folder: Path) -> Proposal:
    path = book(folder / "study.xlsx", study_rows())
    made = openpyxl.load_workbook(path)
    for row in range(4, 16):
        made["Data"][f"H{row}"].number_format = "0%"
    made.save(path)
    recipes = ["er >= 1", "her2 = ihc + fish", 'ki67: "<1" = 0.5, "10-15" = midpoint']
    return propose(folder, path, recipes=recipes)


def test_a_workbook_with_three_header_rows_and_recipes_becomes_a_cohort_that_runs(folder: Path) -> None:
    proposal = study(folder)
    write_proposal(proposal)
    assert not [
        violation
        for violation in check_folder(folder, quiet=True).violations
        if violation.severity == "error"
    ]
    cohort = load_folder(folder)
    assert [task.name for task in cohort.tasks] == ["er", "her2", "ki67"]
    np.testing.assert_array_equal(cohort.labels("er"), [0] + [1] * 11)
    np.testing.assert_array_equal(cohort.labels("her2"), [0, 0, 1, 1] * 3)
    np.testing.assert_allclose(cohort.labels("ki67")[:4], [0.5, 12.5, 6, 9])
    assert list(cohort.groups[:4]) == ["external", "internal", "internal", "external"]
    assert set(cohort.covariates("acquisition")["Field Strength (Tesla)"]) == {"0", "1"}
    assert cohort.label_rule == (
        "er: ER (%) >= 1; her2: IHC 3+ positive, 0 and 1+ negative, 2+ or unknown by FISH (positive "
        "where amplified, or from a ratio of 2 on); ki67: Ki-67 (%) ('<1' = 0.5, '10-15' = 12.5)"
    )
    said = "\n".join(proposal.notes)
    for words in (
        "the sheet 'Data' is read",
        "named in line 2",
        "line 3 has no id",
        "found in folders below",
    ):
        assert words in said
    z, y, x = np.nonzero(sitk.GetArrayFromImage(cohort.volume("S004").mask))
    assert [(a.min(), a.max()) for a in (x, y, z)] == [(6, 13), (8, 15), (3, 8)]


def test_the_same_table_as_text_and_as_gzip_is_the_same_proposal(folder: Path) -> None:
    first = study(folder)
    rows = [["" if cell is None else str(cell) for cell in line] for line in study_rows()]
    for line in rows[5:]:
        line[7] = f"{100 * float(line[7]):g}%"
    width = max(map(len, rows))
    text = "\n".join("\t".join(line + [""] * (width - len(line))) for line in rows)
    (folder / "study.tsv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    recipes = ["er >= 1", "her2 = ihc + fish", 'ki67: "<1" = 0.5, "10-15" = midpoint']
    second = propose(folder, folder / "study.tsv.gz", recipes=recipes)
    tasks = ["case_id", "group", "image", "er", "her2", "ki67"]
    assert second.cases[tasks].equals(first.cases[tasks]) and second.toml == first.toml


def test_a_box_in_mm_is_the_box_in_voxels(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "scans/more/S000.nii.gz"))
    first, last = (
        image.TransformContinuousIndexToPhysicalPoint(entry) for entry in ((5.5, 7.5, 2.5), (13.5, 15.5, 8.5))
    )
    names = [f"{axis}_{end}_mm" for end in ("min", "max") for axis in "xyz"]
    values = ",".join(f"{entry:g}" for entry in (*first, *last))
    (folder / "mm.csv").write_text(f"patient,er,{','.join(names)}\nS000,1,{values}\n")
    proposal = propose(folder, folder / "mm.csv")
    (made,) = proposal.surrogates
    np.testing.assert_allclose(made.shape.centre, (9.5, 11.5, 5.5))
    np.testing.assert_allclose(made.shape.half, (4, 4, 3))
    assert any("corners in mm" in note for note in proposal.notes)


def test_a_bare_name_that_two_folders_have_is_not_guessed(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other/S000.nii.gz").write_bytes((folder / "scans/more/S000.nii.gz").read_bytes())
    (folder / "t.csv").write_text("patient,er,image\nS000,1,S000.nii.gz\nS001,0,S001.nii.gz\n")
    proposal = propose(folder, folder / "t.csv")
    assert proposal.cases["image"].tolist() == ["S000.nii.gz", "scans/more/S001.nii.gz"]
    assert any("the image of S000 is named like several files" in note for note in proposal.notes)


def test_blank_ids_are_refused_with_their_lines(folder: Path) -> None:
    (folder / "t.csv").write_text("patient,er\nS000,1\n,0\nS002,1\n,1\n")
    with pytest.raises(
        UsageError, match=r"lines 3, 5: column 'patient' is empty there and names the patient id"
    ):
        propose(folder, folder / "t.csv")


def test_a_site_that_is_blank_is_written_as_unknown_and_said(folder: Path) -> None:
    (folder / "t.csv").write_text("patient,er,hospital\nS000,1,A\nS001,0,\n")
    proposal = propose(folder, folder / "t.csv")
    assert proposal.cases["site"].tolist() == ["A", "unknown"]
    assert any("no site in line 3: 'unknown' is written" in note for note in proposal.notes)


def test_a_line_of_another_length_is_refused_and_does_not_shift_the_others(folder: Path) -> None:
    (folder / "t.csv").write_text("patient,er,pr\nS000,1,0,\nS001,0,1,\n")
    assert propose(folder, folder / "t.csv").cases[["er", "pr"]].to_numpy().tolist() == [
        ["1", "0"],
        ["0", "1"],
    ]
    (folder / "t.csv").write_text("patient,er,pr\nS000,1,0,\nS001,0,1\n")
    with pytest.raises(UsageError, match=r"line 2: 4 cells, expected the 3 of the header"):
        propose(folder, folder / "t.csv")


def test_a_column_without_a_name_is_ignored(folder: Path) -> None:
    (folder / "t.csv").write_text("patient,er,,er\nS000,1,x,2\nS001,0,y,3\n")
    columns = {column.source: column.use for column in propose(folder, folder / "t.csv").columns}
    assert columns == {"patient": "patient_id", "er": "task", "column 3": "ignore", "er (2)": "ignore"}


@pytest.mark.parametrize(
    ("name", "cells", "use"),
    [
        ("Field Strength (Tesla)", ["1.5", "3"], "acquisition"),
        ("Slice thickness [mm]", ["1", "2"], "acquisition"),
        ("Age (years)", ["50", "60"], "clinical"),
        ("ER (1 = positive)", ["1", "0"], "task"),
        ("Cohort", ["internal", "External"], "group"),
        ("Cohort", ["Duke", "UCSF"], "ignore"),
        ("Mol Subtype", ["0", "1"], "ignore"),
    ],
)
def test_a_name_with_its_unit_is_known(name: str, cells: list[str], use: str) -> None:
    (column,) = propose_columns(pd.DataFrame({name: cells}), [])
    assert column.use == use


def test_numbers_and_words_are_categories_where_they_are_few_and_else_said() -> None:
    notes: list[str] = []
    few = propose_columns(pd.DataFrame({"density": ["1", "2", "2", "4a"]}), notes)
    assert few[0].categorical and not notes
    ages = pd.DataFrame({"age": [*map(str, range(40, 60)), ">70"]})
    assert not propose_columns(ages, notes)[0].categorical and "holds numbers and '>70' (1)" in notes[0]


def test_a_table_without_a_label_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "t.csv").write_text("patient,age\nS000,50\nS001,60\n")
    asked = ["bench", "cohort", "init", str(folder), "--csv", str(folder / "t.csv")]
    for arguments in ([], ["--write"]):
        monkeypatch.setattr("sys.argv", [*asked, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2 and "no column holds a label" in capsys.readouterr().err
    assert not (folder / "cohort.toml").exists()
    (folder / "t.csv").write_text("patient,age,Allred\nS000,50,2\nS001,60,5\n")
    monkeypatch.setattr("sys.argv", [*asked, "--label", "er = Allred >= 3", "--write"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and pd.read_csv(folder / "cases.csv")["er"].tolist() == [0, 1]
    assert tomllib.loads((folder / "cohort.toml").read_text())["label_rule"] == "er: Allred >= 3"


def test_a_sheet_that_is_not_there_is_named(folder: Path) -> None:
    path = book(folder / "t.xlsx", [["patient", "er"], ["S000", 1]])
    with pytest.raises(UsageError, match=r"has no sheet 'Table' with a table; it has 'Notes', 'Data'"):
        propose(folder, path, sheet="Table")
    (folder / "t.csv").write_text("patient,er\nS000,1\n")
    with pytest.raises(UsageError, match="is no Excel workbook"):
        propose(folder, folder / "t.csv", sheet="Data")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "tasks", "cases"),
    [
        ("duke/Clinical_and_Other_Features.xlsx", {"er", "pr", "her2"}, 922),
        ("mama_mia/clinical_and_imaging_info.xlsx", {"er", "pr", "her2", "hr"}, 1506),
        ("ispy1/clinical_and_outcome.xlsx", {"er", "pr"}, 221),
    ],
)
def test_published_workbooks_are_read(
    real_data: Path, tmp_path: Path, table: str, tasks: set[str], cases: int
) -> None:
    recipes = ["er = ERpos", "pr = PgRpos"] if "ispy1" in table else []
    write_proposal(propose(tmp_path, real_data / table, recipes=recipes))
    cohort = load_folder(tmp_path)
    assert len(cohort) == cases and tasks <= {task.name for task in cohort.tasks}
    if "duke" in table:
        assert [int(np.nansum(cohort.labels(task))) for task in ("er", "pr", "her2")] == [686, 598, 163]
        assert "2" in set(cohort.covariates("acquisition")["Manufacturer"])
