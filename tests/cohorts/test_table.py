"""Tables as spreadsheets and people write them: read as meant, or refused with line, column and remedy."""

import codecs
import gzip
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.cohorts.checking.check import check_folder
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError

HEADER = """name = "mini"
synthetic = true
[tasks.er]
kind = "binary"
[tasks.ki67]
kind = "continuous"
unit = "percentage points"
range = [0, 100]
[columns]
clinical = ["age"]
acquisition = ["vendor"]
"""


NAMES = ["case_id", "patient_id", "site", "group", "er", "ki67", "age", "vendor"]


CASES = 24


def rows() -> list[list[str]]:
    rng = np.random.default_rng(3)
    return [
        [
            *(f"00{number}", f"p{number}", "Charité" if number % 2 else "NA"),
            "external" if number % 3 == 2 else "internal",
            *(str(number // 2 % 2), f"{5 + 3 * number + 0.5:g}", str(int(rng.integers(30, 80)))),
            *(("GE", "Philips", "")[int(rng.integers(3))],),
        ]
        for number in range(CASES)
    ]


def joined(
    table: list[list[str]], separator: str = ",", end: str = "\n", names: list[str] | None = None
) -> str:
    def cell(text: str) -> str:
        return f'"{text}"' if separator in text or "\n" in text else text

    lines = [separator.join(map(cell, line)) for line in [names or NAMES, *table]]
    return end.join(lines) + end


def write(folder: Path, text: str | bytes, header: str | bytes = HEADER) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in (("cohort.toml", header), ("cases.csv", text)):
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Cohort:
    return load_folder(write(tmp_path / "plain", joined(rows())))


def changed(column: str, change: Callable[[str], str]) -> list[list[str]]:
    place = NAMES.index(column)
    return [[change(cell) if at == place else cell for at, cell in enumerate(line)] for line in rows()]


SAME = {
    "byte-order mark": codecs.BOM_UTF8 + joined(rows()).encode(),
    "UTF-16": joined(rows()).encode("utf-16"),
    "UTF-16, big end first": codecs.BOM_UTF16_BE + joined(rows()).encode("utf-16-be"),
    "carriage returns": joined(rows(), end="\r"),
    "carriage returns and line feeds": joined(rows(), end="\r\n"),
    "no end of the last line": joined(rows()).rstrip(),
    "empty lines": joined(rows()).replace("\n", "\n\n").replace("\n\np", "\n,,,,,,,\np"),
    "semicolons": joined(rows(), ";"),
    "tabs": joined(rows(), "\t"),
    "bars": joined(rows(), "|"),
    "sep line": "sep=,\n" + joined(rows()),
    "sep line of a spreadsheet": "sep=;;;;;;;;\r\n" + joined(rows(), ";", "\r\n"),
    "sep line with a tab": "sep=\t\n" + joined(rows(), "\t"),
    "blanks in the header": joined(rows(), names=[f" {name} " for name in NAMES]),
    "blanks after commas": joined(rows()).replace(",", ", "),
    "unseen blanks": joined(changed("patient_id", lambda cell: f"\u00a0{cell}\u200b")),
    "quotes everywhere": "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in [NAMES, *rows()]),
    "a comma at the end of every line": joined(rows()).replace("\n", ",\n"),
    "commas at the end of every line but the header": joined(rows())
    .replace("\n", ",,\n")
    .replace("vendor,,", "vendor"),
    "a comma at the end of the header": joined(rows()).replace("vendor", "vendor,"),
    "empty columns": "".join(f"{line},,\n" for line in joined(rows()).splitlines()),
    "numbered lines": "".join(
        f"{'' if not at else at - 1},{line}\n" for at, line in enumerate(joined(rows()).splitlines())
    ),
    "TRUE and FALSE": joined(changed("er", lambda cell: ["FALSE", "TRUE"][int(cell)])),
    "true and false": joined(changed("er", lambda cell: ["false", "true"][int(cell)])),
    "1.0 and 0.0": joined(changed("er", lambda cell: f"{cell}.0")),
    "quoted decimal commas": joined(changed("ki67", lambda cell: cell.replace(".", ","))),
    "decimal commas between semicolons": joined(changed("ki67", lambda cell: cell.replace(".", ",")), ";"),
    "groups in other case": joined(changed("group", str.title)),
    "decomposed letters": unicodedata.normalize("NFD", joined(rows())),
    "ids as formulas": joined(rows())
    .replace("\n00", '\n="00')
    .replace(",p", '",p')
    .replace('_id",p', "_id,p"),
    "gzip": gzip.compress(joined(rows()).encode()),
}


@pytest.mark.parametrize("dialect", SAME)
def test_every_dialect_of_a_table_is_the_same_cohort(dialect: str, tmp_path: Path, plain: Cohort) -> None:
    folder = write(tmp_path / "other", SAME[dialect])
    assert check_folder(folder, quiet=True).violations == ()
    cohort = load_folder(folder)
    assert cohort.table.equals(plain.table)


def test_ids_and_names_are_text_whatever_pandas_takes_for_missing(tmp_path: Path) -> None:
    words = ["NA", "None", "null", "nan", "N/A", "007", "1e5", "TRUE"]
    table = [[word, f"p {word}", word, *line[3:]] for word, line in zip(words, rows(), strict=False)]
    cohort = load_folder(write(tmp_path, joined(table)))
    assert list(cohort.case_ids) == words and list(cohort.sites) == words


def test_an_empty_cell_and_a_word_for_missing_are_unknown(tmp_path: Path) -> None:
    table = rows()
    for line, word in zip(table, ["", "NA", "n/a", "NaN", "null", "None", "#N/A"], strict=False):
        line[4] = line[5] = line[6] = word
    cohort = load_folder(write(tmp_path, joined(table)))
    for values in (cohort.labels("er"), cohort.labels("ki67"), cohort.covariates("clinical")["age"]):
        assert np.isnan(values[:7]).all() and not np.isnan(values[7:]).any()


def test_a_header_with_a_byte_order_mark_and_other_line_ends_is_read(tmp_path: Path) -> None:
    for header in (
        codecs.BOM_UTF8 + HEADER.encode(),
        HEADER.replace("\n", "\r").encode(),
        HEADER.encode("utf-16"),
    ):
        assert load_folder(write(tmp_path, joined(rows()), header)).name == "mini"


def test_a_cell_may_hold_a_line_break_and_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    table = changed("vendor", lambda cell: "GE\nHealthcare" if cell == "GE" else cell)
    cohort = load_folder(write(tmp_path, joined(table)))
    assert "GE Healthcare" in set(cohort.covariates("acquisition")["vendor"])
    table[-1][5] = "many"
    text = joined(table)
    line = text[: text.index("many")].count("\n") + 1
    with pytest.raises(CohortError, match=rf"cases\.csv, line {line}: case '0023' has ki67 = many"):
        load_folder(write(tmp_path, text))


def cut(text: str) -> str:
    return text.rstrip()[:-14]


REFUSED = {
    "one line ends in a comma": (
        joined(rows()).replace("\n", ",\n", 2).replace("vendor,", "vendor"),
        r"line 2: 9 cells, expected the 8 of the header; put a cell that holds a comma, such as a decimal",
    ),
    "an unquoted decimal comma": (
        joined(rows()).replace("8.5", "8,5"),
        r"line 3: 9 cells, expected the 8 of the header; .* in quotation marks",
    ),
    "a cut last line": (
        cut(joined(rows())),
        r"line 25: 4 cells, expected the 8 of the header; the line is cut off",
    ),
    "an open quotation mark": (
        joined(rows()).replace("GE", '"GE', 1),
        r"cases\.csv, line \d+: .*quotation mark",
    ),
    "a mark inside a quoted cell": (
        joined(rows()).replace("GE", '"G"E"', 1),
        r"line \d+: .*write \"\" for a mark",
    ),
    "a NUL byte": (joined(rows()).replace("p3", "p\0"), r"line 5: a NUL byte"),
    "UTF-16 without a mark": (joined(rows()).replace("é", "e").encode("utf-16-le"), r"line 1: a NUL byte"),
    "Latin-1": (
        joined(rows()).encode("latin-1"),
        r"line 3: byte 0xe9 is no UTF-8 text; save the file as UTF-8",
    ),
    "one name twice": (
        joined(rows(), names=[*NAMES[:-1], "age"]),
        r"line 1: column 'age' is there twice \(columns 7 and 8\); rename or remove one",
    ),
    "names that differ in case": (
        joined(rows(), names=[*NAMES[:-1], "AGE"]),
        r"column 'AGE' and 'age' differ in case or blanks alone",
    ),
    "a column without a name": (
        joined(rows(), names=[*NAMES[:-2], "", "vendor"]),
        r"line 1: column 7 has no name and holds values, first in line 2; name it",
    ),
    "an id column spelled otherwise": (
        joined(rows(), names=["Case ID", *NAMES[1:]]),
        r"missing: case_id; 'Case ID' is there, rename it",
    ),
    "a task spelled otherwise": (
        joined(rows(), names=[*NAMES[:4], "ER", *NAMES[5:]]),
        r"no column 'er', which cohort.toml declares \(is 'ER' meant\?\)",
    ),
    "words for a label": (
        joined(changed("er", lambda cell: ["negative", "positive"][int(cell)])),
        r"line 2: case '000' has er = negative, .*; write 1 or 0, or let `bench cohort init`",
    ),
    "decimal commas and points": (
        joined(rows(), ";").replace("8.5", "8,5"),
        r"line 3: case '001' has ki67 = 8,5, .* write decimals with a point",
    ),
    "thousands": (
        joined(changed("ki67", lambda cell: "1,234"), ";"),
        r"line 2: case '000' has ki67 = 1,234, .*write decimals with a point",
    ),
    "a percent sign": (joined(rows()).replace("8.5", "8.5%"), r"ki67 = 8.5%, .*leave out the % sign"),
    "a range that became a date": (
        joined(rows()).replace("8.5", "15-Oct"),
        r"ki67 = 15-Oct, .*spreadsheets turn ranges such as 10-15 into dates",
    ),
    "infinity": (joined(rows()).replace("8.5", "inf"), r"ki67 = inf, expected a number from 0 to 100"),
    "a web page": ("<html><table></table></html>", r"is a web page or document, no table; save it as"),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        r"Excel before 2007 .*save it as \.xlsx",
    ),
    "a cut gzip": (gzip.compress(joined(rows()).encode())[:-20], r"cannot be unpacked .*copy it again"),
    "nothing": ("", r"is empty; expected a line of column names"),
    "blank lines alone": ("\n\n,,,\n", r"is empty; expected a line of column names"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_by_check_and_run_alike(kind: str, tmp_path: Path) -> None:
    text, message = REFUSED[kind]
    folder = write(tmp_path, text)
    with pytest.raises(CohortError, match=message) as refused:
        load_folder(folder)
    assert "\n" not in str(refused.value)
    checked = check_folder(folder, quiet=True)
    details = [violation.detail for violation in checked.violations if violation.severity == "error"]
    assert not checked.would_run and any(str(refused.value).startswith(detail) for detail in details)


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        (">70", "write a number, or empty the cell"),
        ("unknown", "write numbers"),
        ("64 years", "write numbers"),
    ],
)
def test_a_word_in_a_column_of_numbers_is_refused_and_does_not_make_it_categories(
    word: str, advice: str, tmp_path: Path
) -> None:
    table = rows()
    table[2][6] = word
    folder = write(tmp_path, joined(table))
    with pytest.raises(
        CohortError, match=rf"line 4: column 'age' holds 23 numbers and '{word}'; {advice}.*categorical"
    ):
        load_folder(folder)
    deliberate = write(tmp_path, joined(table), HEADER + 'categorical = ["age"]\n')
    assert load_folder(deliberate).covariates("clinical")["age"].iloc[2] == word


def test_codes_are_categories_only_where_they_are_declared_to_be(tmp_path: Path) -> None:
    table = changed("vendor", lambda cell: str(len(cell)))
    numeric = load_folder(write(tmp_path, joined(table))).covariates("acquisition")["vendor"]
    declared = HEADER + 'categorical = ["vendor"]\n'
    words = load_folder(write(tmp_path, joined(table), declared)).covariates("acquisition")["vendor"]
    assert numeric.dtype == int and set(words) <= {"0", "2", "7"}
    with pytest.raises(CohortError, match="categorical names 'colour', which has no role"):
        load_folder(write(tmp_path, joined(table), HEADER + 'categorical = ["colour"]\n'))


def test_decimal_commas_in_a_covariate_are_numbers(tmp_path: Path) -> None:
    cohort = load_folder(write(tmp_path, joined(changed("age", lambda cell: f"{cell},5"), ";")))
    ages = cohort.covariates("clinical")["age"].to_numpy()
    np.testing.assert_array_equal(ages, [float(line[6]) + 0.5 for line in rows()])


def test_none_is_a_word_among_words(tmp_path: Path) -> None:
    table = changed("vendor", lambda cell: cell or "None")
    values = load_folder(write(tmp_path, joined(table))).covariates("acquisition")["vendor"]
    assert "None" in set(values) and values.notna().all()


ALIKE = [
    ("patient_id", "q1", "Q1", "error"),
    ("patient_id", "q1", "q 1", "error"),
    ("patient_id", "q1", "q01", "error"),
    ("patient_id", "q1", "\uff511", "error"),
    ("patient_id", "q10", "q1", None),
    ("patient_id", "1.5", "1.05", None),
    ("site", "Grace", "grace", "error"),
    ("site", "Site 1", "Site 01", "error"),
    ("site", "Mercy A", "Mercy B", None),
    ("case_id", "x7", "X7", "warning"),
]


@pytest.mark.parametrize(("column", "one", "other", "severity"), ALIKE)
def test_names_that_differ_in_what_no_eye_sees_are_told_of(
    column: str, one: str, other: str, severity: str | None, tmp_path: Path
) -> None:
    table = [[*line[:2], "Mercy", *line[3:]] for line in rows()]
    table[4][NAMES.index(column)], table[8][NAMES.index(column)] = one, other
    folder = write(tmp_path, joined(table))
    violations = check_folder(folder, quiet=True).violations
    assert [violation.severity for violation in violations] == ([severity] if severity else [])
    if severity:
        assert (
            violations[0].line == 10
            and "lines 6, 10" in violations[0].detail
            and repr(other) in violations[0].detail
        )
    if severity == "error":
        with pytest.raises(CohortError, match="count as different"):
            load_folder(folder)
    else:
        load_folder(folder)


def test_two_hospitals_may_number_their_patients_alike(tmp_path: Path) -> None:
    table = rows()
    table[4][1], table[5][1] = "7", "007"
    folder = write(tmp_path, joined(table))
    (violation,) = check_folder(folder, quiet=True).violations
    assert (violation.kind, violation.severity) == ("patient ids alike", "warning")
    assert load_folder(folder).patient_ids[5] == "007"


def test_empty_image_columns_are_a_cohort_without_images(tmp_path: Path) -> None:
    table = [[*line, "", ""] for line in rows()]
    cohort = load_folder(write(tmp_path, joined(table, names=[*NAMES, "image", "mask"])))
    assert not cohort.has_volumes


def test_a_patient_in_both_groups_is_a_warning_since_some_splits_take_the_cohort(tmp_path: Path) -> None:
    table = rows()
    table[3][1] = table[2][1]
    (group, *_) = [
        violation
        for violation in check_folder(write(tmp_path, joined(table)), quiet=True).violations
        if "group" in violation.kind
    ]
    assert group.severity == "warning" and "external_frozen and external_cv reject the cohort" in group.detail


def test_boxes_of_a_table_written_by_hand_point_to_init(tmp_path: Path) -> None:
    names = [*NAMES, "image", "mask", "x_min", "y_min", "z_min", "x_max", "y_max", "z_max"]
    table = [[*line, "a.nii.gz", "", "1", "1", "1", "5", "5", "5"] for line in rows()]
    header = HEADER + 'ignore = ["x_min", "y_min", "z_min", "x_max", "y_max", "z_max"]\n'
    folder = write(tmp_path, joined(table, names=names), header)
    (folder / "a.nii.gz").touch()
    with pytest.raises(CohortError, match=r"has no mask; .* the table has boxes: .*`bench cohort init"):
        load_folder(folder)
