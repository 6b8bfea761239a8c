"""Imports a made DICOM tree of many studies: minutes, memory, and what a `kill -9` on the way leaves.

python -m tests.benchmarks.import_many [--studies 300] [--jobs 2] [--folder DIR]

Every study has four phases of 8 slices of 20 x 24 pixels in one series, and a segmentation. The tree is
imported whole; a third of it is imported, for the memory that its size takes; and it is imported once more,
killed with SIGKILL, process group and all, when half of the studies are written, and started again. Exits
with 1 where the resumed import gives other files, or the memory grows by more than a tenth.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.figure import Figure, tell
from tests.cohorts.dicom_exams import Exam, lesion, segmentation, slices, write

PHASES = 4
MIB = 1 << 20
# Part by which the memory of an import may exceed that of one of a third of the studies.
MAX_GROWTH = 0.1


@dataclass(frozen=True)
class Outcome:
    """Seconds and peak memory (resident, of all processes of the import together, bytes)."""

    seconds: float
    memory: int


def make_tree(folder: Path, studies: int) -> None:
    """Studies of PHASES phases each, with a segmentation, one folder a study, and a table of labels."""
    rows = ["Patient ID,ER status"]
    for number in range(studies):
        exam = Exam(f"P{number:04d}", phases=PHASES)
        files = [*slices(exam, seed=number), segmentation(exam, lesion().astype(int))]
        write(folder / "exams" / f"{number:04d}", files, shuffle=number)
        rows.append(f"P{number:04d},{'neg' if number % 2 else 'pos'}")
    (folder / "labels.csv").write_text("\n".join(rows))


def command(folder: Path, out: Path, jobs: int, exams: str = "exams") -> list[str]:
    """The command line of an import."""
    table = folder / "labels.csv"
    words = ["cohort", "import", "dicom", str(folder / exams), "--labels", str(table), "--out", str(out)]
    return [sys.executable, "-m", "bench", *words, "--jobs", str(jobs), "--quiet"]


def started(words: list[str]) -> subprocess.Popen[bytes]:
    """The import, in a process group of its own."""
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)


def watched(words: list[str]) -> Outcome:
    """Run an import to its end."""
    begin, memory, process = time.monotonic(), 0, started(words)
    while process.poll() is None:
        memory = max(memory, _resident(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}")
    return Outcome(time.monotonic() - begin, memory)


def _resident(pid: int) -> int:
    """Resident memory of a process and of those that it started, bytes."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def killed_at_half(words: list[str], out: Path, studies: int) -> int:
    """Kill an import when half of its studies are written; how many were."""
    process = started(words)
    while process.poll() is None and len(list(out.glob(".import/*.json"))) < studies // 2:
        time.sleep(0.02)
    if process.poll() is not None:
        raise SystemExit("the import ended before it could be killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(list(out.glob(".import/*.json")))


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def compare(folder: Path, studies: int, jobs: int) -> bool:
    """Import three times and print what it took; whether output and memory are as promised."""
    make_tree(folder, studies)
    third = folder / "third"
    third.mkdir()
    for path in sorted((folder / "exams").iterdir())[: studies // 3]:
        shutil.copytree(path, third / path.name)
    small = watched(command(folder, folder / "small", jobs, "third"))
    whole = watched(command(folder, folder / "whole", jobs))
    again = command(folder, folder / "again", jobs)
    written = killed_at_half(again, folder / "again", studies)
    rest = watched(again)
    equal = contents(folder / "whole") == contents(folder / "again")
    flat = whole.memory <= (1 + MAX_GROWTH) * small.memory
    print(f"{studies} studies of {PHASES} phases, {jobs} job(s)")
    print(f"whole:   {whole.seconds / 60:.2f} min, {whole.memory / MIB:.0f} MiB at most")
    print(f"a third: {small.seconds / 60:.2f} min, {small.memory / MIB:.0f} MiB at most")
    print(f"killed after {written} studies, resumed: {rest.seconds / 60:.2f} min")
    print(f"equal files: {'yes' if equal else 'NO'}; memory flat: {'yes' if flat else 'NO'}")
    tell(
        Figure("DICOM import", "ms a study", 1000 * whole.seconds / studies),
        Figure(
            "memory of the import",
            "MiB",
            whole.memory / MIB,
            small.memory / MIB,
            "a third of it",
            1 + MAX_GROWTH,
        ),
    )
    return equal and flat


def main() -> None:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="where to work; a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.environ["XDG_CONFIG_HOME"] = str(Path(folder, "config"))
        sys.exit(0 if compare(Path(folder), options.studies, options.jobs) else 1)


if __name__ == "__main__":
    main()
