"""A parcel in a process of its own, which ends with the one that started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

Asked = tuple[str, str, int, tuple[str, ...], tuple[str, ...]]
# The end of what the process wrote, as far as an error repeats it.
TOLD = 600


def run_parcel(asked: Asked) -> None:
    """Run a parcel: store, plan, cells at once, ids of cells, statuses to retry.

    A thread of a Dask worker may not catch signals, as a worker of the store does, so that is a process. When
    the Dask worker is gone, however it ended, the pipe to it is closed, and it ends its cells at once.

    Raises
    ------
    RuntimeError
        The process failed; how cells ended stands in the store.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        said = process.stderr.read()
        code = process.wait()
    if code:
        raise RuntimeError(f"a worker of the store ended with {code}: {said[-TOLD:].strip()}")


def _end_with_the_other_side() -> None:
    with contextlib.suppress(OSError):
        os.read(0, 1)  # nothing more is written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)


def _main() -> None:
    from bench.running.worker import work_on

    line = bytearray()
    while not line.endswith(b"\n"):
        line += os.read(0, 1 << 16) or b"\n"
    store, plan, at_once, cells, retry = json.loads(line)
    threading.Thread(target=_end_with_the_other_side, daemon=True).start()
    work_on(Path(store), plan, at_once, cells=cells, retry=retry, quiet=True)


if __name__ == "__main__":
    _main()
