"""Tables as HTML: nothing that a name holds becomes markup, and a synthetic cohort is flagged."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bench.report.formats.html import to_html
from bench.report.table import Column, Table, TableCell

HOSTILE = """<script>alert("x")</script> & <img src=x onerror='y'>"""


def table(text: str, synthetic: bool = False) -> Table:
    return Table(
        title=text,
        synthetic=synthetic,
        columns=(
            Column("task", text, "left"),
            Column("metric", "Metric", "left"),
            Column("method", "Method"),
        ),
        rows=({"task": TableCell(text), "metric": TableCell("AUC"), "method": TableCell(text, "good")},),
        brief=(),
        notes=("What it shows of " + text, text),
        records=({"method": text},),
        csv_columns=("method",),
        facts={},
        flags=(text,),
    )


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_names_are_escaped_wherever_they_stand() -> None:
    parser = Tags()
    parser.feed(to_html(replace(table(HOSTILE), summary=table(HOSTILE))))
    assert not parser.tags & {"script", "img"}
    assert sum(HOSTILE in text for text in parser.texts) >= 8


@pytest.mark.parametrize("synthetic", [True, False])
def test_a_synthetic_cohort_is_flagged_before_the_numbers(synthetic: bool) -> None:
    page = to_html(table("board", synthetic))
    assert ("SYNTHETIC" in page) is synthetic
    assert not synthetic or page.index("SYNTHETIC") < page.index("<table>")
