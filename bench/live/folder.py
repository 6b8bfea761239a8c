"""The pages of a store as a folder of files that any web host can carry."""

from pathlib import Path

from bench.errors import BenchError, parameter
from bench.files import writing
from bench.live.pages import Pages
from bench.store.store import Store


def write_folder(store: Store, out: Path) -> tuple[list[Path], list[str]]:
    """Write every page of a store, as it stands now, into a folder.

    The pages load nothing and name one another by file name alone. What was in the folder under other names
    stays.

    Returns
    -------
    tuple
        The files written, and a sentence for each page that could not be made.

    Raises
    ------
    BenchError
        The folder cannot be written.
    """
    pages = Pages.of(store, live=False)
    written, missing = [], []
    with writing(out, "the pages", parameter("static")):
        out.mkdir(parents=True, exist_ok=True)
        for name in pages.names():
            try:
                text = pages.text(name)
            except BenchError as error:
                missing.append(f"{name}: {error}")
                continue
            (out / name).write_text(text, encoding="utf-8")
            written.append(out / name)
    return written, missing
