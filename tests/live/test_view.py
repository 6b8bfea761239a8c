"""The page of a store while a real run goes on, and as a folder: what a real browser shows of it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.live.pages import CELLS, INDEX, NoPage, Pages
from bench.live.server import HERE, serving
from bench.running.plan import Plan
from bench.running.stored_plan import stored_plan
from bench.store.store import Store
from tests.command import bench
from tests.page.test_page import CHROMIUM, Read

HOSTILE = "<script>alert(1)</script>"
# A method that takes a while, and one that fails, with words in their logs and errors that no page may run.
PLUGIN = f"""
import time
from dataclasses import dataclass

import numpy as np

from bench import MethodSpec, hookimpl


@dataclass
class Slow:
    def fit(self, train, val, run):
        print("{HOSTILE}", flush=True)
        for step in range(40):
            run.report(step, 40, None)
            time.sleep(0.1)
        return self

    def predict(self, cohort):
        return {{task.name: np.full(len(cohort), 0.25) for task in cohort.tasks}}


@dataclass
class Broken(Slow):
    def fit(self, train, val, run):
        raise ValueError("{HOSTILE}")


@hookimpl
def bench_methods():
    return [
        MethodSpec("slow", "slow:Slow", "Slow.", needs=()),
        MethodSpec("broken", "slow:Broken", "Broken.", needs=()),
    ]
"""
PROTOCOL = ("--cohort", "phantom-tiny", "--split", "internal_cv")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


def shown(address: str, profile: Path) -> Read:
    """What a browser shows of an address, its scripts run, while no other host is known to it."""
    ended = subprocess.run(
        [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--enable-logging=stderr", f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HERE}"),
            *("--virtual-time-budget=5000", f"--user-data-dir={profile}", address),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in ended.stderr
    return Read(ended.stdout)


@pytest.fixture
def served(request: pytest.FixtureRequest, finished_store: Path) -> Iterator[int]:
    with serving(Store(finished_store), 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(port: int, name: str, host: str | None = None, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(HERE, port, timeout=60)
    connection.request(method, f"/{name}", headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_every_planned_cell_stands_on_the_page(planned: Plan) -> None:
    pages = Pages.of(planned.store, live=True)
    rows = re.findall(r"<tr>\n<td>(.*?)</td><td class=\"good\">ok</td>", pages.text(CELLS))
    assert sorted(rows) == sorted(cell.method for cell in stored_plan(planned.store).cells)
    for name in (
        "log-.html",
        "log-../../secret.html",
        "study-x.html",
        "board-9.html",
        "plans",
        "report-.html",
    ):
        with pytest.raises(NoPage):
            pages.text(name)


def test_only_this_machine_is_answered_and_only_reading(served: int) -> None:
    status, text = asked(served, "")
    assert status == 200 and "Content-Security-Policy" in text and "connect-src 'self'" in text
    assert asked(served, CELLS)[0] == 200 and asked(served, "", method="HEAD") == (200, "")
    assert asked(served, "", host="evil.example")[0] == 403
    assert asked(served, "%2e%2e/%2e%2e/etc/passwd")[0] == asked(served, "log-%00.html")[0] == 404
    assert asked(served, "", method="POST")[0] == 501
    own = [each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in set(own) - {HERE}:
        with pytest.raises(OSError), socket.create_connection((address, served), timeout=5):
            pass


def test_what_is_not_there_is_said(tmp_path: Path, served: int) -> None:
    ended = bench("view", "--store", str(tmp_path / "nowhere"))
    assert ended.returncode == 2 and "there is no store" in ended.stderr
    (tmp_path / "runs").mkdir()
    assert "No run has written a plan" in Pages.of(Store(tmp_path / "runs"), live=True).text(INDEX)
    ended = bench("view", "--store", str(tmp_path / "runs"), "--port", str(served))
    assert ended.returncode == 2 and f"port {served} cannot be opened" in ended.stderr
    assert ended.stderr.rstrip().endswith("name another with --port")


@pytest.mark.slow
@needs_chromium
def test_a_browser_sees_a_real_run_go_on(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(PLUGIN)
    command = [sys.executable, "-m", "bench"]
    words = ["--method", "constant,slow,broken", *PROTOCOL, "--plugin", "slow.py", "--store", "runs", "-q"]
    quiet = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"BENCH_EXECUTOR": "workers"}
    run = subprocess.Popen([*command, "run", *words], env=environment, **quiet)  # type: ignore[call-overload]
    server = None
    try:
        wait(lambda: (tmp_path / "runs" / "plans").is_dir())
        server = subprocess.Popen(
            [*command, "view", "--store", "runs", "--port", "0"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        wait(lambda: len(list((tmp_path / "runs").glob("cells/*/*/slow/*/record.json"))) >= 1)
        page = shown(address, tmp_path / "profile")
        assert run.poll() is None, "the run had ended before the browser looked"
        assert "running" in page.text and re.search(r"step \d+ of 40", page.text)
        assert "PARTIAL: folds" in page.text and "looks again every two seconds" in page.text
        assert [tag for tag, _ in page.elements].count("script") == 1
        report = shown(address + "report-0.html", tmp_path / "profile")
        assert any(tag == "svg" for tag, _ in report.elements)
        assert run.wait(timeout=300) == 1  # a cell fails
        last = shown(address, tmp_path / "profile")
        assert "15 of 15 cells have ended" in " ".join(last.text.split()) and HOSTILE in last.text
        logs = [each["href"] for tag, each in last.elements if tag == "a" and each["href"].startswith("log-")]
        log = shown(address + logs[5], tmp_path / "profile")  # behind the five of constant
        assert HOSTILE in log.text and "script" not in {tag for tag, _ in log.elements}
    finally:
        for process in filter(None, (run, server)):
            process.kill()
            process.communicate()


def wait(is_there: object) -> None:
    deadline = time.monotonic() + 120
    while not is_there():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
@needs_chromium
def test_a_folder_of_pages_opens_anywhere(finished_store: Path, tmp_path: Path) -> None:
    ended = bench("view", "--store", str(finished_store), "--static", str(tmp_path / "pages"))
    assert ended.returncode == 0, ended.stderr
    names = {path.name for path in (tmp_path / "pages").iterdir()}
    assert INDEX in names and "report-0.html" in names and len(names) >= 12
    page = shown((tmp_path / "pages" / INDEX).as_uri(), tmp_path / "profile")
    assert "Leaderboard: phantom-tiny" in page.text and "looks again" not in page.text
    asked_for = [
        value
        for _, each in page.elements
        for name, value in each.items()
        if name in ("src", "href") and not value.startswith("#")
    ]
    assert asked_for and set(asked_for) <= names
    assert "script" not in {tag for tag, _ in page.elements}


@pytest.mark.slow
def test_the_trials_of_a_study_are_listed(tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    tuned = ("--method", "spatial_mtl", "--set", "spatial_mtl.epochs=1", "--trials", "2")
    ended = bench("run", *tuned, *PROTOCOL, "--store", store, "-q")
    assert ended.returncode == 0, ended.stderr
    pages = Pages.of(Store(Path(store)), live=False)
    (study, *_) = [name for name in pages.names() if name.startswith("study-")]
    read = Read(pages.text(study))
    assert "learning_rate" in read.text and read.text.count("complete") + read.text.count("pruned") >= 2
