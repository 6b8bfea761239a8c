# ruff: noqa: RUF001
"""Output on any terminal: characters that it lacks are written with those that it has."""

import codecs
import io
import os
import sys
import unicodedata

# What stands in columns has one character for one, so that they stay aligned.
_PLAIN = {
    **{"↑": "^", "↓": "v", "→": ">", "†": "*", "×": "x"},
    **{"─": "-", "–": "-", "—": "-", "−": "-", "±": "+-", "≥": ">=", "≤": "<=", "…": "..."},
}


def open_streams() -> None:
    """Let standard output and error take any text, whatever their encoding."""
    codecs.register_error("bench.plain", plain_characters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="bench.plain")


def flush_output() -> None:
    """Write what is still buffered; raises OSError where standard output takes no more."""
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail on it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def plain_characters(error: UnicodeError) -> tuple[str, int]:
    """Stand-ins for characters that an encoding lacks: an arrow as ``^``, ``ü`` as ``u``, else ``?``.

    An error handler in the sense of :func:`codecs.register_error`.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_plain(letter) for letter in error.object[error.start : error.end]), error.end


def _plain(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0]
    return _PLAIN.get(character, base if base.isascii() else "?")
