"""A name is read back from every format as it was, whatever it holds."""

import csv
import io
import json
import re
import unicodedata

import pytest

from bench.report.formats.latex import escape_latex
from bench.report.formats.text import to_csv, to_json, to_markdown
from bench.report.select import select_columns
from tests.report.example_board import HOSTILE, random_names, read_markdown, score, table


def visible(text: str) -> str:
    """What a reader can tell apart: no control characters, composed letters."""
    return unicodedata.normalize("NFC", re.sub(r"[\x00-\x20]+", " ", text))


def read_latex(text: str) -> str:
    """The text that LaTeX prints for an escaped one, by the meaning of its commands."""
    signs = {
        **{r"\textbackslash": "\\", r"\textasciitilde": "~", r"\textasciicircum": "^", r"\textbar": "|"},
        **{r"\textless": "<", r"\textgreater": ">", r"\`": "`", r"\ss": "ß", r"\o": "ø", r"\O": "Ø"},
        **{r"\l": "ł", r"\oe": "œ", r"\dots": "…"},
    }
    maths = {
        **{"uparrow": "↑", "downarrow": "↓", "ge": "≥", "le": "≤", "pm": "±", "mu": "μ", "alpha": "\u03b1"},
        **{"beta": "β", "Omega": "Ω"},
    }
    accents = {"'": "\u0301", "~": "\u0303", '"': "\u0308", "c": "\u0327", "v": "\u030c", "H": "\u030b"}
    accents["r"] = "\u030a"
    pattern = re.compile(
        r"(?P<quote>\{\\ttfamily\\char34\})|\$\^2\$|\$\\(?P<maths>\w+)\$|(?P<sign>\\(?:[a-zA-Z]+|`))\{\}"
        r"|\\(?P<accent>['~\"cvHr])\{(?P<letter>\w)\}|\\(?P<mark>[#$%&_{}])|(?P<nothing>\{\})"
        r"|(?P<dash>--)|(?P<tie>~)|(?P<plain>[^\\{}$~#%&_^])"
    )

    def meaning(found: re.Match[str]) -> str:
        entry = found.groupdict()
        if entry["accent"]:
            return unicodedata.normalize("NFC", entry["letter"] + accents[entry["accent"]])
        if found[0] == "$^2$":
            return "²"
        named = {"quote": '"', "nothing": "", "dash": "\u2013", "tie": " "}
        named |= {"maths": maths.get(entry["maths"] or ""), "sign": signs.get(entry["sign"] or "")}
        return next(named.get(kind, part) for kind, part in entry.items() if part is not None)

    assert pattern.sub("", text) == "", "nothing is left that LaTeX would read in another way"
    return pattern.sub(meaning, text)


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_markdown_as_it_was(names):
    text = to_markdown(select_columns(table(*map(score, names)), ["task", "metric", "method", "value"]))
    rows = read_markdown(text)
    assert [row[2] for row in rows[1:]] == [visible(name) for name in names]
    assert all(row[1] == "AUC ↑" for row in rows[1:])


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_csv_as_it_was_and_never_as_a_formula(names):
    rows = list(csv.DictReader(io.StringIO(to_csv(table(*map(score, names))), newline="")))
    assert [row["method"].removeprefix("'") for row in rows] == list(names)
    for row, name in zip(rows, names, strict=True):
        assert row["method"] == (f"'{name}" if name[0] in "=+-@\t\r'" else name)


def test_a_negative_number_is_no_formula_and_stays_as_it_is_in_csv():
    text = to_csv(select_columns(table(score("one")), ["oracle_skill", "better_low", "method"]))
    assert text == "oracle_skill,better_low,method\n-0.4,-0.21,one\n"


@pytest.mark.parametrize("names", [HOSTILE, random_names(300)], ids=["hostile", "random"])
def test_a_name_is_read_back_from_json_as_it_was(names):
    rows = json.loads(to_json(table(*map(score, names))))["rows"]
    assert [row["method"] for row in rows] == list(names)


@pytest.mark.parametrize("name", [*HOSTILE, *random_names(300)])
def test_a_name_is_read_back_from_latex_as_it_was(name):
    assert read_latex(escape_latex(name)) == visible(name).replace("µ", "μ")
