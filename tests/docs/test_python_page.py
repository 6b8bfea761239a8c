"""The start page runs as printed, and the page on Python describes every public name once."""

import re
from pathlib import Path

import pytest

import bench
from tests.docs.pages import page


def test_the_page_on_python_describes_every_public_name_once() -> None:
    described = re.findall(r"^::: bench\.(\w+)$", page("python.md"), flags=re.MULTILINE)
    assert sorted(described) == sorted(bench.__all__)


def test_the_lines_of_the_start_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", page("index.md"), flags=re.MULTILINE | re.DOTALL)
    values: dict[str, object] = {}
    exec(code, values)
    board = values["board"]
    assert isinstance(board, bench.Table)
    assert set(board.to_frame()["method"]) == {"constant", "tumour_size"}
