"""The fence holds what it says: tried in a process of its own, as none can be taken down."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.files import cache_dir
from bench.methods.registry import load_registry
from bench.running.fence import landlock
from bench.running.fence.fence import chosen_fence
from bench.running.fence.method_caches import kept_caches
from bench.running.fence.reach import GENERATOR, reach_of

TRY = """
import json, os, socket, subprocess, sys
from dataclasses import replace
from pathlib import Path
from bench.running.fence.fence import raise_fence
from bench.running.fence.reach import reach_of

fence, own, other = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
reach = reach_of([], [other])
found = {"fence": raise_fence(replace(reach, writable=(*reach.writable, own)), fence)}


def attempt(name, act):
    try:
        found[name] = act() and "" or "done"
    except (OSError, subprocess.CalledProcessError) as error:
        found[name] = f"{error} {getattr(error, 'stderr', '')}"


attempt("write own", lambda: (own / "a").write_text("a"))
attempt("rename own", lambda: (own / "a").rename(own / "b"))
attempt("import", lambda: __import__("scipy.stats"))
attempt("read", lambda: (other / "secret").read_text())
attempt("list", lambda: os.listdir(other))
attempt("write", lambda: (other / "new").write_text("a"))
attempt("remove", lambda: (other / "secret").unlink())
attempt("read by a link", lambda: ((own / "link").symlink_to(other / "secret"), (own / "link").read_text()))
attempt("generator", lambda: __import__("bench.cohorts.phantom.draw"))
attempt("connect", lambda: socket.socket().connect(("127.0.0.1", 9)))
attempt("program", lambda: subprocess.run(["cat", other / "secret"], check=True, capture_output=True))
print(json.dumps(found))
"""
OWN = ("write own", "rename own", "import")
OTHER = ("read", "list", "write", "remove", "read by a link", "generator", "connect")


def tried(fence: str, folder: Path) -> dict[str, str]:
    """What a process behind the fence could do: an empty word or the error, by what it tried."""
    own, other = folder / "own", folder / "other"
    for made in (own, other):
        made.mkdir()
    (other / "secret").write_text("1")
    command = [sys.executable, "-c", TRY, fence, str(own), str(other)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (other / "secret").is_file() or fence == "no"
    return dict(json.loads(ended.stdout))


@pytest.mark.parametrize("fence", ["kernel", "python"])
def test_a_fenced_process_uses_its_own_and_the_libraries_alone(fence: str, tmp_path: Path) -> None:
    if fence == "kernel" and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    found = tried(fence, tmp_path)
    assert found["fence"] == fence
    assert not [what for what in OWN if found[what] not in ("", "done")], found
    assert not [what for what in OTHER if "Errno 13" not in found[what]], found
    assert ("secret: Permission denied" in found["program"]) == (fence == "kernel"), found


def test_without_a_fence_all_of_it_is_open(tmp_path: Path) -> None:
    found = tried("no", tmp_path)
    assert not [what for what in (*OWN, "read", "list", "write", "generator") if "Errno" in found[what]], (
        found
    )


def test_the_reach_leaves_out_the_generator_and_what_is_hidden(tmp_path: Path) -> None:
    plugin = tmp_path / "method.py"
    plugin.touch()
    (tmp_path / "cases.csv").touch()
    package = tmp_path / "parts"
    package.mkdir()
    (package / "__init__.py").touch()
    reach = reach_of([plugin], [GENERATOR.parents[1] / "door"])
    hidden = (GENERATOR, GENERATOR.parents[1] / "door", tmp_path / "cases.csv")
    assert not [path for path in hidden for root in reach.readable if path.is_relative_to(root)]
    assert {plugin, package, GENERATOR.parent / "cohort.py"} <= {*reach.readable}


def test_an_unknown_fence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_FENCE", "kernle")
    with pytest.raises(UsageError, match="did you mean kernel"):
        chosen_fence()
    monkeypatch.delenv("BENCH_FENCE")
    assert chosen_fence() == "kernel"


def test_the_benchmarks_radiomics_methods_alone_keep_measurements(tiny: Cohort) -> None:
    specs = load_registry().specs
    (folder,) = kept_caches(specs["radiomics_lr"], tiny)
    assert folder == cache_dir() / "radiomics" / tiny.fingerprint[:16]
    assert kept_caches(specs["tumour_size"], tiny) == ()
    assert kept_caches(replace(specs["radiomics_lr"], target="acme.radiomics:Method"), tiny) == ()
