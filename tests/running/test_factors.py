"""A declaration of factors: the rows that it makes, and what is refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import UsageError
from bench.methods.registry import load_registry
from bench.running.factors import combinations, read_design

DESIGN = """
cohort = "phantom-tiny"
split = "internal_cv"
store = "{store}"

[factors.source]
radiomics = {{ method = "radiomics_lda" }}
size = {{ method = "radiomics_svm" }}

[factors.harmonisation]
none = {{}}
combat = {{ suffix = "+combat" }}

[factors.counts]
few = {{ counts = [4] }}
many = {{ counts = [24] }}
"""


def designed(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "design.toml"
    path.write_text(text)
    return path


def test_every_combination_is_a_row_and_the_last_factor_changes_fastest(tmp_path: Path) -> None:
    design = read_design(designed(DESIGN.format(store="runs"), tmp_path))
    made = combinations(design, load_registry())
    assert design.experiment.cohort == "phantom-tiny"
    assert [one.variant.label for one in made][:4] == [
        "radiomics_lda[counts=4]",
        "radiomics_lda[counts=24]",
        "radiomics_lda+combat[counts=4]",
        "radiomics_lda+combat[counts=24]",
    ]
    assert len(made) == 8 and made[-1].levels == ("size", "combat", "many")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("many = {{ counts = [24] }}", "", "two levels of counts or more"),
        ("counts = [24]", "counts = [4]", "the same row"),
        ("counts = [24]", "cuonts = [4]", "cuonts"),
        ('method = "radiomics_svm"', "", "names a method"),
        ("counts = [24]", 'method = "constant"', "set twice"),
        ("many = {{ counts = [24] }}", "many = 3", "is no table"),
        ('split = "internal_cv"', 'methods = ["constant"]', "what the levels of factors say"),
        ('"radiomics_svm"', '"radiomics_smv"', "unknown method"),
    ],
)
def test_a_declaration_that_is_not_one_is_refused(before: str, after: str, told: str, tmp_path: Path) -> None:
    text = DESIGN.replace(before, after).format(store="runs")
    with pytest.raises(UsageError, match=told):
        combinations(read_design(designed(text, tmp_path)), load_registry())


def test_the_command_runs_the_design_and_writes_the_table(tmp_path: Path) -> None:
    text = f"""
cohort = "phantom-tiny"
split = "internal_cv"
store = "{tmp_path / "runs"}"
[factors.ridge]
weak = {{ method = "tumour_size" }}
strong = {{ method = "tumour_size", inverse_penalty = 0.01 }}
[factors.median]
weak = {{ }}
strong = {{ median_penalty = 0.5 }}
"""
    path = designed(text, tmp_path)
    told = CliRunner().invoke(app, ["factors", str(path), "-q", "--out", str(tmp_path / "table.json")])
    assert told.exit_code == 0, told.output
    rows = [row for row in json.loads((tmp_path / "table.json").read_text())["rows"] if row["task"] == "ki67"]
    shares = {row["factor"]: row["share"] for row in rows if row["share"] is not None}
    assert set(shares) == {"ridge", "median", "ridge x median"}
    # The ridge is of binary tasks alone.
    assert shares["ridge"] == 0 and shares["median"] == pytest.approx(1)
