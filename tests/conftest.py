import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort

# A test session in the background ignores Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest's importlib mode puts no folder of tests on the path; tests of boards share made_results.py.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the test session's own, for this process and those it starts.

    Cells run in the process that asks for them, which spares its start; what is about worker processes names
    them.
    """
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(folder))
        patch.setenv("BENCH_EXECUTOR", "here")
        yield folder


@pytest.fixture(scope="session")
def tiny(cache: Path) -> Cohort:
    """The phantom-tiny cohort."""
    return open_cohort("phantom-tiny", quiet=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data, where there is one."""
    folder = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set BENCH_DATA to its folder")
    return folder
