"""A figure as files: PDF, SVG and PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.page.drawing import Drawing, drawn_in
from bench.page.style import STYLES, StyleName

ENDINGS = ("pdf", "svg", "png")
# Without a date equal figures give equal files.
UNDATED: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "svg": {"Date": None},
    "png": {},
}


def save_drawing(
    drawing: Drawing, folder: Path, style: StyleName, endings: Sequence[str] = ENDINGS
) -> list[Path]:
    """Write one figure into a folder that is there, once an ending; the paths."""
    paths = [folder / f"{drawing.name}.{ending}" for ending in endings]
    for path, ending in zip(paths, endings, strict=True):
        with drawn_in(STYLES[style]):
            drawing.figure.savefig(path, metadata=UNDATED[ending] | {"Title": drawing.title})
    return paths
