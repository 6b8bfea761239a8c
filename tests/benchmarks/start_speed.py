"""What a command costs before it does anything: CPU seconds of help and lists, beside importing NumPy.

    python -m tests.benchmarks.start_speed

Median of several starts, each a process of its own.
"""

import resource
import statistics
import subprocess
import sys

from tests.benchmarks.figure import Figure, tell

STARTS = 5
LIMITS = {"--help": 0.6, "methods": 0.6, "splits": 0.6}


def cpu(command: list[str]) -> float:
    """CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a row a command."""
    numpy = statistics.median(cpu([sys.executable, "-c", "import numpy"]) for _ in range(STARTS))
    for word, limit in LIMITS.items():
        command = [sys.executable, "-m", "bench", word]
        cpu(command)  # the first start reads the files from the disk
        ours = statistics.median(cpu(command) for _ in range(STARTS))
        print(f"bench {word}: CPU {ours:.2f} s; import numpy: {numpy:.2f} s")
        tell(Figure(f"bench {word}, CPU", "s", ours, limit=limit))


if __name__ == "__main__":
    main()
