"""Every check of the audit on its planted fault and on five clean cohorts: the table of bench/docs/audit.md.

    python -m tests.benchmarks.audit_table

A clean cohort is a small phantom with its images, a made cohort with covariates and tuned rows, and a made
table of features, each with predictions of honest methods; a check counts as silent where none of the three
raises it. What clean cohorts raise is printed in words below the table.
"""

import tempfile
import time
from pathlib import Path

from bench.audit import learning
from bench.audit.audit import check_named
from bench.cohorts.catalogue import open_cohort
from tests.audit.fault_table import CLEAN, WORDS, clean, of_clean, planted, rows

# Fits with permuted labels, enough for a leak as large as the planted one.
PERMUTATIONS = 20


def main() -> None:
    """Print the table."""
    learning.MOST = PERMUTATIONS
    started = time.perf_counter()
    tiny = open_cohort("phantom-tiny", quiet=True)
    found = {}
    for code in WORDS:
        with tempfile.TemporaryDirectory() as folder:
            found[code] = bool(planted(code, tiny, Path(folder)).evidence)
    of_cohorts = []
    for number in range(1, CLEAN + 1):
        with tempfile.TemporaryDirectory() as folder:
            phantom = open_cohort(f"phantom-tiny@{number}", quiet=True)
            of_cohorts.append(of_clean(clean(number, phantom, Path(folder))))
    lines = rows(found, of_cohorts, lambda code: check_named(code).title)
    print("| code | planted fault | found | false alarms | check |\n|---|---|---|---|---|")
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))
    for number, one in enumerate(of_cohorts, 1):
        for code, (_, texts) in one.items():
            print(*(f"\nclean cohort {number}, {code}: {text}" for text in texts), end="")
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
