"""Feature tables: what becomes of their columns, and of hostile ones."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.importer import Card
from bench.cohorts.importers.run_import import import_cohort
from bench.cohorts.importers.scan import identifying_strings, scan
from bench.cohorts.importers.table import TableImporter
from bench.errors import BenchError, CohortError, UsageError


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def table(cases: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "exam": [f"EXAM-{at:04d}" for at in range(cases)],
            "mrn": [f"MRN{at // 2:06d}" for at in range(cases)],
            "er": ["" if at == 3 else str(at % 2) for at in range(cases)],
            "ki67": rng.integers(1, 90, cases),
            "hospital": ["north" if at % 4 < 2 else "south" for at in range(cases)],
            "age": rng.integers(30, 80, cases),
            "note": ["=1+1"] * cases,
            "f1": rng.normal(size=cases),
            "f2": rng.normal(size=cases),
        }
    )


OPTIONS = {
    "tasks": ("er", "ki67"),
    "id": "exam",
    "patient": "mrn",
    "site": "hospital",
    "covariates": ("age",),
    "drop": ("note",),
}


def test_a_pattern_drops_every_column_that_it_fits(tmp_path: Path) -> None:
    extra = {"diagnostics_Hash": "b5", "diagnostics_Mean": 3.0, "f*": 1.0}
    table().assign(**extra).to_csv(tmp_path / "features.csv", index=False)
    card = TableImporter(tmp_path / "features.csv", **{**OPTIONS, "drop": ("note", "diag*_*", "f*")}).card()
    assert card.features == ("f1", "f2")
    with pytest.raises(UsageError, match="no column 'x\\*'"):
        TableImporter(tmp_path / "features.csv", **{**OPTIONS, "drop": ("note", "x*")}).card()


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "xlsx", "parquet"])
def test_every_kind_of_table_gives_the_same_cohort(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"features.{ending}"
    if ending == "xlsx":  # a workbook's formulas are refused, see below
        table().assign(note="none").to_excel(path, index=False)
    elif ending == "parquet":
        table().to_parquet(path)
    else:
        table().to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    report = import_cohort(TableImporter(path, **OPTIONS), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert (report.patients_kept, report.cases_kept) == (20, 40)
    assert [task.kind for task in cohort.tasks] == ["binary", "continuous"]
    assert np.isnan(cohort.labels("er")).sum() == 1 and np.nansum(cohort.labels("er")) == 19
    assert set(cohort.sites) == {"north", "south"} and not cohort.has_volumes
    assert list(cohort.features()) == ["f1", "f2"]
    np.testing.assert_allclose(cohort.features()["f1"], table()["f1"], rtol=1e-9)
    np.testing.assert_array_equal(cohort.covariates("clinical")["age"], table()["age"])


def test_no_id_of_the_table_is_in_the_output(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    table().to_csv(path, index=False)
    import_cohort(TableImporter(path, **OPTIONS), tmp_path / "out", quiet=True)
    strings = identifying_strings(path)
    assert {"MRN000003", str(path.resolve())} <= set(strings)
    assert scan(tmp_path / "out", strings) == []
    with gzip.open(tmp_path / "out" / "planted.csv.gz", "wt") as file:
        file.write("a,MRN000003,b\n")
    assert [leak.file for leak in scan(tmp_path / "out", strings)] == ["planted.csv.gz"]


def imported(tmp_path: Path, content: pd.DataFrame | bytes, name: str = "features.csv", **options: object):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.to_csv(path, index=False)
    return import_cohort(TableImporter(path, **{**OPTIONS, **options}), tmp_path / "out", quiet=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f1": "high"}, "f1 is 'high', expected a number or nothing; correct it, or name the column with"),
        (
            {"diagnostics_Versions": "v3", "diagnostics_Hash": "b5"},
            r"diagnostics_Versions is 'v3', expected a number or nothing \(and in 1 more columns, such as "
            r"diagnostics_Hash\); correct it, or name the column with `covariates` or drop='diagnostics_\*'",
        ),
        ({"ki67": "many"}, "ki67 is 'many', expected a number"),
        ({"exam": "EXAM-0002"}, "exam has 'EXAM-0002' a second time"),
        ({"mrn": ""}, "mrn is empty and names the case"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    faulty = table().astype(object)
    for column, value in change.items():
        faulty.loc[7, column] = value
    with pytest.raises(UsageError, match=f"features.csv, line 9: {message}"):
        imported(tmp_path, faulty)


def test_missing_columns_and_columns_of_two_uses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no column 'pr'; it has exam, mrn"):
        imported(tmp_path, table(), tasks=("pr",))
    with pytest.raises(UsageError, match="'er' is named for two uses"):
        imported(tmp_path, table(), covariates=("er",))
    with pytest.raises(UsageError, match="name the column of the case ids with `id`"):
        imported(tmp_path, table(), id="", patient="")


def test_hostile_ids_are_hashed_and_refused_where_they_would_stay(tmp_path: Path) -> None:
    hostile = table()
    hostile.loc[:3, "exam"] = ["../../etc/passwd", "/etc/passwd", "<script>x</script>", "=cmd|' /C calc'!A0"]
    report = imported(tmp_path, hostile)
    assert report.cases_kept == 40
    written = (tmp_path / "out" / "cases.csv").read_text()
    assert "passwd" not in written and "script" not in written and "=cmd" not in written
    path = tmp_path / "features.csv"
    kept = import_cohort(TableImporter(path, **OPTIONS), tmp_path / "kept", quiet=True, ids="keep")
    assert kept.reasons == {"id that cannot stay as it is": 4} and kept.cases_kept == 36
    assert len(kept.problems) == 4 and "cannot stay as it is" in kept.problems[0]


def test_formulas_stay_text(tmp_path: Path) -> None:
    imported(tmp_path, table(), drop=(), covariates=("age", "note"))
    assert set(load_folder(tmp_path / "out").table["note"]) == {"'=1+1"}


def test_a_text_of_ten_thousand_characters_leaves_its_case_out(tmp_path: Path) -> None:
    long = table()
    long.loc[5, "note"] = "x" * 10_000
    report = imported(tmp_path, long, drop=(), covariates=("age", "note"))
    assert report.reasons == {"text of more than 1000 characters": 1} and report.cases_kept == 39


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/worksheets/sheet1.xml", b" " * (128 << 20))


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.xlsx")
    with pytest.raises(CohortError, match=r"bomb.xlsx of \d+ bytes unpacks to \d+ or more"):
        import_cohort(TableImporter(tmp_path / "bomb.xlsx", **OPTIONS), tmp_path / "out", quiet=True)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"0," * (65 << 19)))
    with pytest.raises(CohortError, match=r"unpacks to"):
        import_cohort(TableImporter(tmp_path / "bomb.csv.gz", **OPTIONS), tmp_path / "out", quiet=True)


@pytest.mark.parametrize(
    "content", [b"exam,mrn\0\n1,2\n", b"", b"\x1f\x8bxxxx", b"PK\x03\x04xxxx", b"\xff\xfe\xfd"]
)
def test_what_is_no_table_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BenchError, match=r"features.csv"):
        imported(tmp_path, content)
    assert not (tmp_path / "out").exists()


def test_a_formula_that_was_never_calculated_is_named(tmp_path: Path) -> None:
    book = Workbook()
    for row in (["exam", "mrn", "er", "ki67"], ["a", "b", "=1", "=2"]):
        book.active.append(row)
    book.save(tmp_path / "f.xlsx")
    importer = TableImporter(tmp_path / "f.xlsx", tasks=("er",), id="exam")
    with pytest.raises(CohortError, match="was never calculated"):
        importer.card()


def test_a_card_names_features_and_tasks(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "features.csv", index=False)
    card = TableImporter(tmp_path / "features.csv", **OPTIONS).card()
    assert isinstance(card, Card) and card.features == ("f1", "f2") and card.name == "features"
