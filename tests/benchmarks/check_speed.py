"""`bench cohort check` of many cases, against reading the same files whole with SimpleITK, in one run.

    python -m tests.benchmarks.check_speed --cases 40

CPU seconds a case of either; the check also hashes voxels, looks at lesions and cuts the default crop.
"""

import argparse
import tempfile
import time
from pathlib import Path

import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder
from tests.benchmarks.crop_cache import EXAMS, cohort_of
from tests.benchmarks.crop_speed import write_exam
from tests.benchmarks.figure import Figure, tell

HEADER = 'name = "made"\nsynthetic = true\n[tasks.er]\nkind = "binary"\n'


def main() -> None:
    """Print both and tell the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=40)
    cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cohort = cohort_of(folder, [write_exam(folder, seed) for seed in range(EXAMS)], cases)
        (folder / "cohort.toml").write_text(HEADER)
        table = cohort.table.join(cohort.files).assign(er=[number % 2 for number in range(cases)])
        table.to_csv(folder / "cases.csv", index_label="case_id")
        started = time.process_time()
        checked = check_folder(folder, quiet=True)
        ours = (time.process_time() - started) / cases
        started = time.process_time()
        for names in cohort.files.to_numpy():
            for name in names:
                sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))
        theirs = (time.process_time() - started) / cases
    assert checked.cases == cases
    print(f"a case is checked in {1000 * ours:.0f} ms of CPU, read by SimpleITK in {1000 * theirs:.0f} ms")
    print(f"100,000 cases: {ours * 100_000 / 3600:.1f} CPU hours of files of this size")
    tell(Figure("a case checked, CPU", "ms", 1000 * ours, 1000 * theirs, "SimpleITK reading it"))


if __name__ == "__main__":
    main()
