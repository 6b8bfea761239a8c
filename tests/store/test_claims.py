"""Claims: one holder at a time, taken over only from the dead."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import StoreError
from bench.store.claims import LEASE_SECONDS, claim, owner_of, release, renew

CELL = "ab" * 32


def test_a_claim_is_held_once_and_free_again_after_its_release(tmp_path: Path) -> None:
    held = claim(tmp_path, CELL)
    assert held is not None and claim(tmp_path, CELL) is None
    owner = owner_of(tmp_path, CELL)
    assert owner is not None and owner["processes"][0][0] == os.getpid()
    release(held)
    assert owner_of(tmp_path, CELL) is None and claim(tmp_path, CELL) is not None


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from bench.store.claims import claim;"
        f"claim(Path({str(tmp_path)!r}), {CELL!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(tmp_path.glob(CELL[:16]))
    assert claim(tmp_path, CELL) is not None


def test_a_claim_of_another_machine_is_taken_over_when_its_lease_is_over(tmp_path: Path) -> None:
    held = claim(tmp_path, CELL)
    assert held is not None
    elsewhere = json.loads(held.path.read_text()) | {"machine": "elsewhere", "processes": [[1, 0.0]]}
    held.path.write_text(json.dumps(elsewhere))
    assert claim(tmp_path, CELL) is None
    long_ago = time.time() - LEASE_SECONDS - 1
    os.utime(held.path, (long_ago, long_ago))
    taken = claim(tmp_path, CELL)
    assert taken is not None and not renew(held) and renew(taken)
    release(held)  # which is not its to give up any more
    assert owner_of(tmp_path, CELL) is not None


def _claims(
    folder: str, barrier: "multiprocessing.synchronize.Barrier", found: "multiprocessing.Queue[int]"
) -> None:
    barrier.wait()
    found.put(sum(claim(Path(folder), f"{number:016x}") is not None for number in range(200)))
    barrier.wait()  # alive until all have tried


@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "left by a dead process"])
def test_of_many_processes_at_once_one_gets_each_claim(tmp_path: Path, stale: bool) -> None:
    if stale:
        loop = f"[claim(Path({str(tmp_path)!r}), f'{{number:016x}}') for number in range(200)]"
        code = f"from pathlib import Path; from bench.store.claims import claim; {loop}"
        subprocess.run([sys.executable, "-c", code], check=True)
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_claims, args=(str(tmp_path), barrier, found)) for _ in range(4)]
    for process in processes:
        process.start()
    counts = [found.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sum(counts) == 200


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("a file, where a folder should be")
    with pytest.raises(StoreError, match="cannot write to the run store"):
        claim(tmp_path / "claims", CELL)
