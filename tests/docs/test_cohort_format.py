"""Every statement of the page on the cohort format that a table or an example makes is tried."""

import ast
import gzip
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cohorts.checking.check import check_folder
from bench.cohorts.columns import FILES, IDENTITY, ROLES
from bench.cohorts.folder import load_folder, read_listing
from bench.cohorts.header import CATEGORICAL, TASK_KEYS, TOP_KEYS
from bench.cohorts.lesion_labels import LESION_LABEL
from bench.cohorts.proposal.recipes import apply_recipe, parse_recipe
from bench.errors import UsageError
from tests.cohorts.checked_folders import SHAPE, VIOLATIONS, ball, save
from tests.docs.pages import ROOT, page, table_after, titled_blocks

PAGE = page("cohort_format.md")
EXAMPLE = titled_blocks(PAGE)
CASES = ("c001", "c002", "c003")
UNKNOWN, REFUSED = "unknown", "refused"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page, with images that it only names."""
    folder = tmp_path_factory.mktemp("example")
    for name, text in EXAMPLE.items():
        (folder / name).write_text(text)
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for case_id in CASES:
        save(folder / "images" / f"{case_id}.nii.gz", rng.normal(100, 20, SHAPE).astype(np.int16))
        save(folder / "images" / f"{case_id}_mask.nii.gz", ball())
    return folder


@pytest.fixture
def folder(example: Path, tmp_path: Path) -> Path:
    """The same for one change: the images are those of the example."""
    for name in EXAMPLE:
        (tmp_path / name).write_text((example / name).read_text())
    (tmp_path / "images").symlink_to(example / "images")
    return tmp_path


def test_the_example_is_a_cohort_without_an_error(example: Path) -> None:
    cohort = load_folder(example)
    assert cohort.case_ids == CASES
    assert [violation.kind for violation in check_folder(example, quiet=True).violations] == [
        "group without contrast",
        "group without contrast",
    ]
    np.testing.assert_array_equal(cohort.labels("ki67"), [14, 40.5, np.nan])
    assert cohort.lesion_labels == {"c001": (1, 2), "c002": (1,), "c003": (1, 2)}
    assert cohort.covariates("clinical")["menopause"].tolist() == ["1", "1", "0"]
    assert list(cohort.features()) == ["volume_ml", "sphericity"]


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("## cohort.toml", (*TOP_KEYS, "tasks", "columns", "phantom")),
        ("### Tasks", TASK_KEYS),
        ("### Roles of columns", (*ROLES, CATEGORICAL)),
        ("## cases.csv", (*IDENTITY, *FILES, LESION_LABEL)),
    ],
)
def test_keys_roles_and_columns_are_those_of_the_code(title: str, names: tuple[str, ...]) -> None:
    assert sorted(row[0] for row in table_after(PAGE, title)) == sorted(f"`{name}`" for name in names)


@pytest.mark.parametrize("row", table_after(PAGE, "### What a cell may hold"), ids=lambda row: row[0])
def test_a_cell_is_read_as_the_page_says(row: list[str], tmp_path: Path) -> None:
    cell, binary, continuous = row
    assert label("binary", cell.strip("`"), tmp_path) == binary
    assert label("continuous", cell.strip("`"), tmp_path) == continuous


def label(kind: str, cell: str, folder: Path) -> str:
    """What becomes of a cell that stands in a column of labels beside a 0."""
    (folder / "cohort.toml").write_text(f'name = "one"\nsynthetic = true\n[tasks.it]\nkind = "{kind}"\n')
    (folder / "cases.csv").write_text(
        f'case_id,patient_id,site,group,it\na,a,s,internal,"{cell}"\nb,b,s,internal,0\n'
    )
    told: list[object] = []
    found = read_listing(folder, told.append).labels["it"].iloc[0]
    if told:
        return REFUSED
    return UNKNOWN if np.isnan(found) else f"{found:g}"


@pytest.mark.parametrize(
    "row", table_after(PAGE, "## Labels from other columns"), ids=lambda row: f"{row[0]} of {row[2]}"
)
def test_a_recipe_makes_the_label_that_the_page_says(row: list[str]) -> None:
    names, cells = (re.findall(r"`([^`]*)`", text) for text in row[1:3])
    table = pd.DataFrame([[cell.strip() for cell in cells]], columns=names)
    try:
        (made,) = apply_recipe(parse_recipe(row[0].strip("`"), names), table)
    except UsageError:
        made = REFUSED
    assert (made or UNKNOWN) == row[3]


@pytest.mark.parametrize(
    "row",
    table_after(PAGE, "These changes of the example"),
    ids=lambda row: f"{row[1]} {row[2]}".strip(),
)
def test_a_change_of_the_example_is_refused_as_the_page_says(row: list[str], folder: Path) -> None:
    file, column, content, kind = (cell.strip("`") for cell in row)
    if file == "cohort.toml":
        rewrite_header(folder / file, content)
    else:
        cases = pd.read_csv(folder / file, dtype=str, keep_default_na=False)
        cases.loc[0, column] = content.strip()
        cases.to_csv(folder / file, index=False)
    found = check_folder(folder, quiet=True).violations
    assert kind in {violation.kind for violation in found if violation.severity == "error"}


def rewrite_header(path: Path, line: str) -> None:
    """Put a line in the place of the first one of its key, or at the top where there is none."""
    key = re.escape(line.split(" = ")[0])
    text, changed = re.subn(rf"^{key} = .*$", line, path.read_text(), count=1, flags=re.MULTILINE)
    path.write_text(text if changed else f"{line}\n{text}")


def test_the_kinds_are_all_that_the_code_has() -> None:
    listed = [row[0] for row in table_after(PAGE, "Every kind that")]
    assert len(listed) == len(set(listed))
    assert literal_kinds() - set(listed) == set()
    in_code = {text for path in sources() for text in literals(path)}
    # Four kinds are made of the name of a column.
    made = {"patient in several groups", "patient in several sites", "case ids alike", "patient ids alike"}
    assert set(listed) - in_code - made == set()


def test_the_severities_are_those_of_planted_violations() -> None:
    severity = {row[0]: row[1] for row in table_after(PAGE, "Every kind that")}
    wrong = {kind: row[1] for kind, row in VIOLATIONS.items() if row[1] not in severity[kind].split(" or ")}
    assert wrong == {}


def sources() -> list[Path]:
    packages = ("bench/cohorts", "bench/imaging")
    found = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    importers = ROOT / "bench/cohorts/importers"
    return [ROOT / "bench/errors.py", *(path for path in found if not path.is_relative_to(importers))]


def literals(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def literal_kinds() -> set[str]:
    """Kinds that a violation or an image error is made with, as text or as a name of the module."""
    kinds = set()
    for path in sources():
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Violation"), args=[kind, *_]):
                    pass
                case ast.Call(func=ast.Name(id="ImageError"), args=[_, kind]):
                    pass
                case _:
                    continue
            if isinstance(kind, ast.Constant):
                kinds.add(kind.value)
            elif isinstance(kind, ast.Name) and isinstance(getattr(module, kind.id, None), str):
                kinds.add(getattr(module, kind.id))
    return kinds


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_table_may_be_in_any_of_the_dialects(separator: str, folder: Path) -> None:
    table = folder / "cases.csv"
    text = table.read_text().replace(",", separator)
    table.write_bytes(gzip.compress(text.encode("utf-16")))
    assert load_folder(folder).case_ids == CASES


def test_the_feature_table_may_be_a_workbook(folder: Path) -> None:
    pd.read_csv(folder / "features.csv").to_excel(folder / "features.xlsx", index=False)
    rewrite_header(folder / "cohort.toml", 'features = "features.xlsx"')
    assert load_folder(folder).features()["volume_ml"].tolist() == [4.1, 1.9, 7.7]


def test_a_comma_that_may_be_of_thousands_is_refused(tmp_path: Path) -> None:
    assert label("continuous", "1,234", tmp_path) == REFUSED
