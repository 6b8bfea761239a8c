"""The crop cache of a cohort to which cases are added, against the same cache made from nothing.

    python -m tests.benchmarks.crop_cache --cases 200 --added 10

CPU seconds of both; the crops are equal bit for bit.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.task import Task
from tests.benchmarks.crop_speed import write_exam
from tests.benchmarks.figure import Figure, tell

CROP = Crop(size_mm=48, spacing_mm=1.5, channels=("image", "mask", "distance"))
EXAMS, MOST = 2, 0.3


def cohort_of(folder: Path, exams: list[tuple[Path, Path]], cases: int) -> Cohort:
    """A cohort whose cases take the exams in turn, each under names of its own."""
    ids = [f"c{number:06d}" for number in range(cases)]
    rows = []
    for number, case_id in enumerate(ids):
        names = [f"{case_id}_{kind}.nii.gz" for kind in ("image", "mask")]
        for name, exam in zip(names, exams[number % len(exams)], strict=True):
            if not (folder / name).exists():
                os.link(exam, folder / name)
        rows.append(names)
    table = pd.DataFrame({"patient_id": ids, "site": "a", "group": "internal", "er": 1.0}, index=ids)
    files = pd.DataFrame(rows, columns=["image", "mask"], index=ids)
    return Cohort("made", (Task("er", "binary"),), table, files, folder, f"{cases:016x}" * 4, True)


def crops_in(cache: Path, cohort: Cohort) -> tuple[float, np.ndarray]:
    """CPU seconds until the crops are there, and the crops."""
    os.environ["BENCH_CACHE"] = str(cache)
    started = time.process_time()
    crops = cohort.crops(CROP)
    return time.process_time() - started, crops[:]


def main() -> None:
    """Print both and tell the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--added", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        exams = [write_exam(folder, seed) for seed in range(EXAMS)]
        more = asked.cases + asked.added
        cohort_of(folder, exams, more)  # links are made first: each changes the times of its file
        crops_in(folder / "one", cohort_of(folder, exams, asked.cases))
        added, found = crops_in(folder / "one", cohort_of(folder, exams, more))
        whole, expected = crops_in(folder / "other", cohort_of(folder, exams, more))
    assert np.array_equal(found, expected)
    print(f"{asked.added} cases added to {asked.cases}: CPU {added:.1f} s; from nothing {whole:.1f} s; equal")
    tell(
        Figure(f"crops after {asked.added} new of {more} cases, CPU", "s", added, whole, "a full build", MOST)
    )


if __name__ == "__main__":
    main()
