"""Files that a user asked for: written whole, or refused in one line."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, UsageError

# No space left, a quota used up, a file too large for its disk or for this process.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A disk that can only be read, or no longer.
BROKEN = (errno.EROFS, errno.EIO, errno.ESTALE)


def names_file(text: str) -> bool:
    """Whether a text, which may be anything, is the path of a file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


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
        with replacing(path.resolve()) as temporary:
            yield temporary


@contextmanager
def replacing(path: Path, temporary: Path | None = None) -> Iterator[Path]:
    """A temporary file to write, which takes the name ``path`` once it is whole.

    No reader sees half a file, and what was at ``path`` stays until the new one is there. Where the writing
    fails, the temporary file is removed.

    Parameters
    ----------
    temporary
        Name of the temporary file, on the same file system; beside ``path``, with the number of this process,
        where none is given.
    """
    chosen = temporary or path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield chosen
        chosen.replace(path)
    finally:
        chosen.unlink(missing_ok=True)


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


def plain_text(path: Path, most: int) -> str:
    """The end of a file that another process writes, up to ``most`` bytes; neither link nor pipe is followed.

    Raises
    ------
    OSError
        There is no file, or it is a link, a pipe, a device or a folder.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        file.seek(max(0, os.fstat(opened).st_size - most))
        return file.read(most).decode("utf-8", errors="replace")


def remove_unless_plain(path: Path) -> None:
    """Remove what lies at a path where a file is to be written, if it is a link, a pipe or a device."""
    if path.is_symlink() or (path.exists() and not (path.is_file() or path.is_dir())):
        path.unlink()


def cache_dir() -> Path:
    """Folder of phantoms and crop caches: ``$BENCH_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("BENCH_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("dcebench", appauthor=False))


def configs_dir() -> Path:
    """Folder of the shipped splits and presets: inside the wheel, or beside the packages in a clone."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"


def write_whole(path: Path, text: str) -> None:
    """Write a text file, in UTF-8, so that no reader sees half of it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
