"""A command of the program, run in the process of the tests: as typed, without the seconds of a start."""

import io
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from bench.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def bench(*words: str, cwd: Path | None = None) -> Ended:
    """What ``bench WORDS`` prints and returns, in ``cwd``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with chdir(cwd or Path()), redirect_stdout(out), redirect_stderr(err):
        try:
            with patch.object(sys, "argv", ["bench", *words]):
                main()
            raise AssertionError("the program did not exit")
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return Ended(code, *(_written(stream) for stream in (out, err)))


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
