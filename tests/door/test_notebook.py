"""The shipped notebook holds the eight lines, and runs from the first cell to the last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import bench

NOTEBOOK = Path(bench.__file__).parent / "docs" / "first_board.ipynb"


def test_the_notebook_is_valid_and_holds_no_output() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_the_board(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [
        output.data.get("text/html", output.data["text/plain"])
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    board, comparison, predictions, item = shown
    assert "SYNTHETIC" in board and "MyMethod[strength=3] (not isolated)" in board
    assert "Comparison: phantom-tiny, internal_cv" in comparison
    assert "prediction" in predictions and "torch.Size([2, 20, 20, 20])" in item
