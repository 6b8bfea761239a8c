"""The threads of a cell: a number that every pool of a library keeps to."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow
from threadpoolctl import threadpool_limits


@contextmanager
def thread_limits(threads: int) -> Iterator[None]:
    """Hold the pools of BLAS, OpenMP and Arrow to so many threads.

    Arrow, which reads Parquet for pandas, computes with all cores otherwise, whatever OpenMP is told.

    Examples
    --------
    >>> import pyarrow
    >>> with thread_limits(1):
    ...     pyarrow.cpu_count()
    1
    """
    before = pyarrow.cpu_count(), pyarrow.io_thread_count()
    _set_arrow(threads, threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        _set_arrow(*before)


def _set_arrow(computing: int, reading: int) -> None:
    pyarrow.set_cpu_count(computing)
    pyarrow.set_io_thread_count(reading)
