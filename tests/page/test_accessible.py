"""Axe finds nothing in the page: contrast, names, roles, headings; light and dark, wide and narrow."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from bench.page.html import Shots, page
from tests.command import bench
from tests.page.browser import CHROMIUM, NO_WEBGL, opened
from tests.page.reports import report

AXE = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
FOUND = (
    "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map("
    "one => `${one.impact} ${one.id}: ${one.nodes[0].html.slice(0, 200)}`))"
)


def violations(file: Path, folder: Path, width: int, scheme: str) -> list[str]:
    """What axe finds, a line a rule, also in what opens at a click."""
    with opened(file, folder, width, NO_WEBGL) as shown:
        shown.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        shown.run("document.querySelectorAll('details').forEach(one => {one.open = true})")
        shown.run(
            "(() => {const script = document.createElement('script'); "
            f"script.textContent = {json.dumps(AXE)}; document.head.appendChild(script)}})()"
        )
        found: list[str] = shown.run(FOUND)
        return found


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(width: int, scheme: str, tmp_path: Path) -> None:
    values = report()
    file = tmp_path / "report.html"
    file.write_text(page(values, Shots({values.cases[0].case_id: b"\x89PNG"})), encoding="utf-8")
    assert violations(file, tmp_path / "browser", width, scheme) == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_view_of_a_store(scheme: str, finished_store: Path, tmp_path: Path) -> None:
    ended = bench("view", "--store", str(finished_store), "--static", str(tmp_path / "viewed"))
    assert ended.returncode == 0, ended.stderr
    assert violations(tmp_path / "viewed" / "index.html", tmp_path / "browser", 1440, scheme) == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_axe_finds_what_is_planted(tmp_path: Path) -> None:
    file = tmp_path / "faint.html"
    file.write_text(
        "<!doctype html><html lang='en'><title>t</title><main><h1>A</h1>"
        "<p style='color:#ccc;background:#fff'>faint</p><img src='data:,'></main></html>"
    )
    found = violations(file, tmp_path / "browser", 1440, "light")
    assert [line.split(":")[0] for line in found] == ["serious color-contrast", "critical image-alt"]
