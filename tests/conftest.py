import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.running.experiment import Experiment
from bench.running.plan import Plan, make_plan
from bench.running.run import run_experiment

# A test session in the background ignores Ctrl-C, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test session, one for all of its processes."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def cache(shared: Path) -> Iterator[Path]:
    """A cache of the test session's own, for its processes and those they start.

    Cells run in the process that asks for them, which spares its start; what is about worker processes names
    them. The contract of methods from outside is checked where a test is about that.
    """
    folder = shared / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(folder))
        patch.setenv("BENCH_EXECUTOR", "here")
        patch.setenv("BENCH_CONTRACT", "off")
        yield folder


@pytest.fixture(scope="session")
def tiny(cache: Path) -> Cohort:
    """The phantom-tiny cohort."""
    return open_cohort("phantom-tiny", quiet=True)


@pytest.fixture(scope="session")
def planned(tiny: Cohort, shared: Path) -> Iterator[Plan]:
    """A finished run of two methods with inner cells, for all tests that only read its store."""
    asked = Experiment(
        methods=("constant", "tumour_size"),
        cohort=tiny.name,
        split="internal_cv",
        device="cpu",
        store=str(shared / "finished"),
        inner_folds=2,
    )
    with FileLock(shared / "finished.lock"):
        assert run_experiment(asked, quiet=True).complete
    plan = make_plan(asked, quiet=True)
    assert not plan.missing()
    before = _cells(plan.store.folder)
    yield plan
    assert before and _cells(plan.store.folder) == before, "a test changed the store that all tests share"


def _cells(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("cells/**/*") if path.is_file()}


@pytest.fixture(scope="session")
def finished_store(planned: Plan) -> Path:
    """The folder of that store."""
    return planned.store.folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data, where there is one."""
    folder = Path(os.environ.get("BENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set BENCH_DATA to its folder")
    return folder
