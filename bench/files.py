"""Files that a user asked for: written whole, or refused in one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, UsageError


@contextmanager
def written(path: Path, what: str, option: str) -> Iterator[Path]:
    """A place to write a file, which takes the name ``path`` once it is whole.

    What was at ``path`` before stays until then, so that a full disk costs no earlier result. Devices and
    pipes are written directly. Missing parent folders are made.

    Parameters
    ----------
    what
        What is written, such as "the board".
    option
        The option that chose the path, which the remedy names.

    Raises
    ------
    UsageError
        ``path`` is a folder.
    BenchError
        The file cannot be written.
    """
    refuse_folder(path, what, option)
    with writing(path, what, option):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            yield aside
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, what: str, option: str) -> Iterator[None]:
    """Turn what the file system refuses into one line with the remedy.

    Raises
    ------
    BenchError
        The file system refused something.
    """
    try:
        yield
    except OSError as error:
        raise BenchError(
            f"cannot write {what} to {path}: {reason(error)}; name another place with {option}"
        ) from error


def refuse_folder(path: Path, what: str, option: str) -> None:
    """Raise UsageError where a file is to be written and ``path`` is a folder."""
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder, expected the name of a file for {what}")


def reason(error: OSError) -> str:
    """What the file system said, without number and path."""
    return error.strerror or str(error)
