"""How many cells run at a time: as told, or as there is room; and what is said where there is none."""

import pytest

from bench.errors import UsageError
from bench.running import cores
from bench.running.cores import available_cores, crowded, jobs_named
from bench.running.experiment import read_experiment
from bench.running.plan import executor_named


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores and 16 GiB."""
    monkeypatch.setattr(cores, "available_cores", lambda: 8)
    monkeypatch.setattr(cores, "machine_memory_mb", lambda: 16 * 1024.0)


@pytest.mark.parametrize(
    ("threads", "memory_limit", "jobs"),
    [(1, "", 8), (2, "", 4), (3, "", 2), (16, "", 1), (1, "4g", 3), (1, "64g", 1)],
)
def test_auto_takes_the_cores_that_memory_allows(threads: int, memory_limit: str, jobs: int) -> None:
    assert jobs_named("auto", threads, memory_limit, "cpu") == jobs


def test_a_number_of_jobs_stands_as_given() -> None:
    assert jobs_named(40, 8, "64g", "cpu") == 40


def test_auto_on_gpus_takes_a_cell_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "available_gpus", lambda: 2)
    assert jobs_named("auto", 1, "", "cuda") == 2


def test_jobs_that_share_cores_are_warned_of_with_the_remedy() -> None:
    said = crowded(8, 2)
    assert said is not None and "8 jobs of 2 threads share 8 cores" in said and "4 would not" in said
    assert crowded(4, 2) is None and crowded(1, 1) is None


def test_the_cores_of_this_machine_are_counted() -> None:
    assert available_cores() >= 1


def test_auto_is_taken_from_files_and_refused_for_a_cluster() -> None:
    asked = read_experiment(None, {"methods": ["constant"], "jobs": "auto"})
    assert asked.jobs == "auto"
    with pytest.raises(UsageError, match="jobs=auto counts the cores of this machine"):
        executor_named(read_experiment(None, {"jobs": "auto", "executor": "slurm"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'methods = "constant"',
            'methods: expected a list of texts, such as \\["a", "b"\\], got \'constant\'',
        ),
        ("seeds = 3", "seeds: expected a list of different whole numbers"),
        ("seeds = []", "seeds: expected a list of different whole numbers"),
        ("seeds = [0, 0]", "seeds: expected a list of different whole numbers"),
        ("seeds = [-1]", "seeds: expected a list of different whole numbers"),
        ('threads = "two"', "threads: expected a whole number from 1 on, got 'two'"),
        ("threads = true", "threads: expected a whole number from 1 on, got True"),
        ("jobs = 0", 'jobs: expected a whole number from 1 on, or "auto", got 0'),
        ('skip_broken = "yes"', "skip broken: expected true or false"),
        ("device = 1", "device: expected a text, got 1"),
        ("set = 1", "set: expected a table, got 1"),
        ("trials = 1.5", "trials: expected 0 \\(no tuning\\) or more, got 1.5"),
    ],
)
def test_a_value_that_is_not_what_its_key_holds_is_refused(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "night.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as refused:
        read_experiment(path, {})
    assert str(refused.value).startswith(str(path))


def test_a_file_that_cannot_be_read_as_toml_is_refused(tmp_path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfemethods")
    for path in (tmp_path, tmp_path / "latin.toml", tmp_path / "none.toml"):
        with pytest.raises(UsageError, match=str(path)):
            read_experiment(path, {})


def test_a_byte_order_mark_before_an_experiment_is_passed_over(tmp_path) -> None:
    path = tmp_path / "night.toml"
    path.write_bytes(b'\xef\xbb\xbfmethods = ["constant"]\nseeds = [0, 1]\n')
    assert read_experiment(path, {}).seeds == (0, 1)
