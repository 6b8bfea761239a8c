"""The page is one file that asks no address, is escaped, and holds what the tables hold."""

import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.page.html import Shots, page
from bench.page.svg import NAMES
from bench.report.full_report import FullReport, full_report
from bench.report.layout import all_notes, one_line, shown_columns
from tests.page.reports import FORMULA, HOSTILE_SITE, SCRIPT, report, simulated

VOID = {"meta", "img", "link", "input", "br"}


class Read(HTMLParser):
    """Elements with their attributes, and the text, as a browser would read them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def values() -> FullReport:
    return report()


@pytest.fixture(scope="module")
def written(values: FullReport) -> str:
    return page(values, Shots({values.cases[0].case_id: b"\x89PNG"}))


@pytest.fixture(scope="module")
def read(written: str) -> Read:
    return Read(written)


def test_nothing_is_loaded_from_any_address(read: Read) -> None:
    loading = [
        value
        for _, attributes in read.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "data", "poster", "action", "srcset")
    ]
    assert loading
    assert [one for one in loading if not one.startswith(("#", "data:image/png;base64,"))] == []
    assert "default-src 'none'" in next(
        each["content"] for tag, each in read.elements if "http-equiv" in each and tag == "meta"
    )
    assert {tag for tag, _ in read.elements} & {"link", "iframe", "object", "embed", "base", "form"} == set()


def test_hostile_names_are_text(read: Read) -> None:
    assert [tag for tag, _ in read.elements].count("script") == 1
    assert not any("onerror" in attributes for _, attributes in read.elements)
    for name in (SCRIPT, FORMULA, HOSTILE_SITE, "_under_score"):
        assert name in read.text


def test_every_element_is_closed(read: Read) -> None:
    assert read.open == []


def test_every_note_and_cell_of_the_board_is_on_the_page(values: FullReport, read: Read) -> None:
    for table in (values.board, values.board.summary, values.sites):
        if table is None:
            continue
        for note in all_notes(table, shown_columns(table)):
            assert one_line(note) in read.text
        for row in table.rows:
            for column in shown_columns(table):
                assert row[column.name].text in read.text


def test_ids_are_unique_and_what_is_referred_to_exists(written: str, read: Read) -> None:
    ids = Counter(attributes["id"] for _, attributes in read.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    named = [
        name
        for _, attributes in read.elements
        for key in ("aria-labelledby", "for")
        for name in attributes.get(key, "").split()
    ]
    named += re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', written) and [
        one or other for one, other in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', written)
    ]
    assert len(named) > 50
    assert set(named) - set(ids) == set()


def test_every_figure_has_words_for_who_does_not_see_it(read: Read) -> None:
    figures = [attributes for tag, attributes in read.elements if tag == "svg"]
    # Of the binary task seven figures, of the continuous one five.
    assert len(figures) == 12
    assert all(each["role"] == "img" and each["aria-labelledby"] for each in figures)
    assert all(attributes["alt"] for tag, attributes in read.elements if tag == "img")


def test_colours_of_figures_are_those_of_the_page(written: str) -> None:
    drawn = "".join(re.findall(r"<svg.*?</svg>", written, flags=re.DOTALL))
    assert all(f"var(--{name})" in drawn for name in ("ink", "muted", "others", "series-0", "series-2"))
    assert not [colour for colour in NAMES if colour in drawn]


def test_a_synthetic_cohort_says_so_in_every_figure_and_a_real_one_nowhere(written: str) -> None:
    synthetic = re.findall(r"<svg.*?</svg>", written, flags=re.DOTALL)
    assert all("SYNTHETIC" in each for each in synthetic)
    assert "SYNTHETIC" not in page(report(synthetic=False))


def test_an_anonymous_page_has_neither_ids_nor_sites_of_cases(values: FullReport) -> None:
    cases = page(values, anonymous=True).split('id="cases"')[1].split('id="notes"')[0]
    assert "Case 1" in cases
    assert not any(one.case_id in cases for one in values.cases)
    assert "<img" not in cases and "onerror" not in cases


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_lines_stand_out_from_both_papers() -> None:
    style = (Path(__file__).parents[2] / "bench/page/assets/page.css").read_text(encoding="utf-8")
    sides = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    assert len(sides) == 3  # light, dark and print
    for side in sides:
        for name in ("ink", "muted", "link", "good", "bad"):
            assert contrast(side[name], side["paper"]) >= 4.5
            assert contrast(side[name], side["panel"]) >= 4.5
        for name in ("others", "lit", *(f"series-{place}" for place in range(4))):
            assert contrast(side[name], side["paper"]) >= 3
        assert contrast(side["ink"], side["lit-row"]) >= 4.5


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_runs_the_page_without_network_and_error(written: str, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(written, encoding="utf-8")
    ended = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *(f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "report.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0
    assert "CONSOLE" not in ended.stderr
    shown = Read(ended.stdout)
    assert not any(
        attributes.get("id") == "methods" and "hidden" in attributes for _, attributes in shown.elements
    )
    assert "Columns" in shown.text


def test_a_page_of_methods_without_a_value_names_each_with_its_reason() -> None:
    given = simulated()
    broken = replace(
        given.methods[0], status="failed: out of memory", predictions=given.methods[0].predictions[:0]
    )
    read = Read(page(full_report(replace(given, methods=(broken,)), cases=2)))
    assert "failed: out of memory" in read.text
    assert SCRIPT in read.text
    assert not [tag for tag, _ in read.elements if tag == "svg"]
