"""What the cells of a run have in common, written once: a cell names it, and the process of a cell reads it.

The file lies in the store, which no method can read, and is of its owner alone. It goes with the run; what a
killed one left is removed by the next run of the same machine.
"""

import contextlib
import os
import pickle
import socket
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.errors import MachineError, StoreError
from bench.running.executors.batch import Work
from bench.running.executors.method_process import Enclosure
from bench.running.executors.process_tree import lives
from bench.running.run_cell import PlannedCell
from bench.store.cell import Cell


class Given(NamedTuple):
    """What a process is sent: its cell, and where the rest lies."""

    shared: Path
    cell: Cell

    def read(self) -> tuple[Enclosure, PlannedCell]:
        """Where methods are held, and the cell with all that running it takes.

        Raises MachineError where the file is gone or cannot be read.
        """
        try:
            content = self.shared.read_bytes()
        except OSError as error:
            raise MachineError(f"what the cells of the run share cannot be read: {error}") from error
        enclosure, work = pickle.loads(content)
        return enclosure, work.of(self.cell)


@contextlib.contextmanager
def shared_work(work: Work, enclosure: Enclosure) -> Iterator[Path]:
    """The file of a run, while it runs; raises StoreError where the store cannot be written."""
    folder, host = work.store.folder / "work", socket.gethostname()
    path = folder / f"run.{host}.{os.getpid()}.{uuid.uuid4().hex[:8]}.pickle"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"run.{host}.*.pickle"):
            if not lives(int(left.name.split(".")[-3])):
                left.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            pickle.dump((enclosure, replace(work, cells=())), file)
    except OSError as error:
        raise StoreError(f"cannot write to the run store {work.store.folder}: {error}") from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
