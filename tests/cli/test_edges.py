"""Commands at the edges: outputs that cannot be written, terminals of any encoding, stores without a cell."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cli import app, main
from bench.cli.terminal import open_streams
from bench.cohorts.cohort import Cohort
from bench.splits.config import load_split_config
from bench.splits.make import make_split
from bench.store.store import Store
from bench.store.submission import submit

SPLIT = ("--cohort", "phantom-tiny", "--split", "internal_cv")


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    output: bytes
    error: str

    @property
    def message(self) -> str:
        """Its one line on standard error."""
        (line,) = self.error.splitlines()
        return line


@pytest.fixture(scope="module")
def store(tiny: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with predictions of one row on every case."""
    folder = tmp_path_factory.mktemp("edges")
    split = make_split(tiny, load_split_config("internal_cv"))
    rng = np.random.default_rng(0)
    rows = [
        {"case_id": case_id, "task": task.name, "prediction": rng.random() * (40 if task.unit else 1)}
        for fold in split.folds
        for case_id in fold.test
        for task in tiny.tasks
    ]
    pd.DataFrame(rows).to_csv(folder / "p.csv", index=False)
    submit(folder / "p.csv", "ours", tiny, split, Store(folder / "runs"))
    return folder / "runs"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch):
    """A command in this process, with streams of any encoding."""

    def run(*arguments: str, encoding: str = "utf-8", stdout: io.TextIOBase | None = None) -> Ended:
        raw, said = io.BytesIO(), io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        monkeypatch.setattr(sys, "stdout", stdout or io.TextIOWrapper(raw, encoding=encoding))
        monkeypatch.setattr(sys, "stderr", said)
        with pytest.raises(SystemExit) as ended:
            main()
        said.flush()
        return Ended(ended.value.code, raw.getvalue(), said.buffer.getvalue().decode(encoding))

    return run


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "command", [("leaderboard",), ("metrics", "--list"), ("sites", "--method", "ours (submitted)")]
)
def test_tables_are_printed_on_terminals_of_any_encoding(
    bench, store: Path, encoding: str, command: tuple[str, ...]
) -> None:
    where = () if "--list" in command else (*SPLIT, "--store", str(store))
    done = bench(*command, *where, encoding=encoding)
    assert done.code == 0, done.error
    text = done.output.decode(encoding)
    assert ("↑" in text) == (encoding == "utf-8")
    assert encoding == "utf-8" or "^" in text


def test_characters_that_a_terminal_lacks_have_stand_ins_that_mean_the_same() -> None:
    open_streams()
    assert "Ödem ≥ 5 mm ↑ ± 日".encode("ascii", "bench.plain") == b"Odem >= 5 mm ^ +- ?"
    assert "Ödem ↓ \udcff".encode("latin-1", "bench.plain") == "Ödem v ?".encode("latin-1")


@pytest.mark.parametrize("wanted", ["md", "csv", "json", "latex"])
def test_what_a_file_would_hold_is_printed_as_the_file_would_hold_it(
    bench, store: Path, tmp_path: Path, wanted: str
) -> None:
    where = (*SPLIT, "--store", str(store), "--format", wanted)
    printed = bench("leaderboard", *where, encoding="ascii")
    assert bench("leaderboard", *where, "--out", str(tmp_path / "board")).code == 0
    assert printed.output == (tmp_path / "board").read_bytes()


@pytest.mark.parametrize(
    ("out", "code", "message"),
    [
        ("folder", 2, "is a folder, expected the name of a file for the table"),
        ("file/board.md", 1, "cannot write the table to .*file/board.md: .*; name another place with --out"),
        ("/proc/board.md", 1, "cannot write the table to /proc/board.md: .*; name another place with --out"),
        ("board.docx", 2, "no format ends in '.docx'"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(
    bench, store: Path, tmp_path: Path, out: str, code: int, message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    done = bench("leaderboard", *SPLIT, "--store", str(store), "--out", str(tmp_path / out))
    assert done.code == code
    assert re.search(message, done.message)


def test_the_folders_of_an_output_are_made_and_nothing_else_is_left(
    bench, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "board.md"
    assert bench("leaderboard", *SPLIT, "--store", str(store), "--out", str(out)).code == 0
    assert [path.name for path in out.parent.iterdir()] == ["board.md"] and "ours" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("predictions", "--csv", "{full}"), "cannot write the predictions to"),
        (
            ("predictions", "--csv", "{folder}"),
            "is a folder, expected the name of a file for the predictions",
        ),
        (("leaderboard", "--out", "{full}", "--format", "md"), "cannot write the table to"),
        (("leaderboard", "--freeze", "{file}"), "cannot write the board to"),
        (("leaderboard", "--freeze", "/proc/boards"), "cannot write the board to"),
    ],
)
def test_other_outputs_that_cannot_be_written_are_one_line_too(
    bench, store: Path, tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    places = {"full": Path("/dev/full"), "folder": tmp_path / "folder", "file": tmp_path / "file"}
    places["folder"].mkdir()
    places["file"].touch()
    done = bench(*(word.format(**places) for word in command), *SPLIT, "--store", str(store))
    assert done.code in (1, 2) and message in done.message


def test_a_board_that_cannot_be_written_leaves_the_one_before_it(
    bench, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = (*SPLIT, "--store", str(store), "--freeze", str(tmp_path))
    assert bench("leaderboard", *where).code == 0
    place = tmp_path / "phantom-tiny" / "internal_cv"
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    written = {"board.md", "board.csv", "predictions.csv.gz", "records.json", "ro-crate-metadata.json"}
    assert set(before) == written

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.boards.snapshot._write_records", full)
    done = bench("leaderboard", *where)
    assert done.code == 1 and "No space left on device" in done.message
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_standard_output_on_a_full_disk_is_one_line(store: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "metrics", "--list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "bench: cannot write to standard output: No space left on device\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "splits", "--format", "json"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--nosuch"), "No such option: --nosuch; see `bench run --help`"),
        (("nosuch",), "No such command 'nosuch'"),
        (("run", "--threads", "0"), "Invalid value for '--threads'"),
        (("submit",), "Missing argument"),
    ],
)
def test_a_wrong_call_is_one_line(bench, arguments: tuple[str, ...], message: str) -> None:
    done = bench(*arguments)
    assert done.code == 2 and done.message.startswith("bench: ") and message in done.message


def test_no_call_at_all_prints_the_help(bench) -> None:
    done = bench()
    assert done.code == 2 and b"leaderboard" in done.output and done.error == ""


@pytest.mark.parametrize("wide", ["80", "200"])
def test_the_help_of_run_fits_the_terminal(bench, monkeypatch: pytest.MonkeyPatch, wide: str) -> None:
    monkeypatch.setenv("COLUMNS", wide)
    monkeypatch.setenv("TERMINAL_WIDTH", wide)
    done = bench("run", "--help")
    text = done.output.decode()
    assert done.code == 0
    assert max(map(len, text.splitlines())) <= int(wide)
    for option in ("--method", "--memory-limit", "--tune-time", "--skip-broken"):
        assert option in text, option


@pytest.mark.parametrize(
    "command",
    [
        ("leaderboard", *SPLIT),
        ("metrics", *SPLIT),
        ("compare", "a", "b", *SPLIT),
        ("sites", "--method", "a", *SPLIT),
        ("thresholds", *SPLIT),
        ("subtypes", "--rule", "receptor_only", *SPLIT),
        ("tuning", "--method", "a", *SPLIT),
        ("predictions", "--csv", "p.csv", "--cohort", "phantom-tiny"),
    ],
)
def test_a_store_without_a_cell_makes_no_phantom(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    done = bench(*command, "--store", str(tmp_path / "runs"))
    assert done.code == 2 and "there is no such folder" in done.message and "`bench run`" in done.message
    assert not (tmp_path / "cache").exists()


def test_a_message_that_finds_no_cell_says_what_the_store_holds(
    bench, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = "the store holds phantom-tiny with internal_cv (5 cells)"
    other = bench("leaderboard", "--cohort", "phantom-tiny", "--split", "internal", "--store", str(store))
    assert other.code == 2 and held in other.message
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    unmade = bench("leaderboard", "--cohort", "phantom-rim", "--split", "internal", "--store", str(store))
    assert unmade.code == 2 and held in unmade.message
    assert not (tmp_path / "cache").exists()


def test_a_store_that_is_a_file_is_said_to_be_one(bench, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    done = bench("leaderboard", *SPLIT, "--store", str(tmp_path / "runs"))
    assert done.code == 2 and "it is a file, expected the folder of a run store" in done.message


@pytest.mark.parametrize("cache", ["file", "file/below", "/proc/cache"])
def test_a_cache_that_cannot_be_written_is_one_line(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / cache))
    done = bench("cohort", "make", "phantom-tiny")
    *_, last = done.error.splitlines()
    assert done.code == 1 and "Traceback" not in done.error
    assert "cannot write the cohort to" in last and "name another place with BENCH_CACHE" in last


def test_every_command_is_in_the_help(bench) -> None:
    said = bench("--help").output.decode()
    assert len(app.registered_commands) > 10
    for command in app.registered_commands:
        assert command.callback is not None and f" {command.callback.__name__.replace('_', '-')} " in said
    assert json.loads(bench("splits", "--format", "json").output)


def test_a_list_that_is_interrupted_says_so_in_one_line(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.splits.config.split_names", interrupted)
    done = bench("splits")
    assert done.code == 1 and done.message == "bench: stopped"
