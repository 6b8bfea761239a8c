"""What the server that forks the processes of cells does last: once, what each of them would do anew.

Every process that it forks shares the memory of what is imported by then. A collection of garbage would write
to all of that memory and so copy it, in each process; what is frozen here is left alone. When the server ends
it is collected as ever: libraries print what they take for leaks otherwise.
"""

import atexit
import gc

import pyarrow.pandas_compat
import pyarrow.parquet  # noqa: F401

from bench.running.provenance import environment

environment("cpu")
gc.collect()
gc.freeze()
atexit.register(gc.unfreeze)
