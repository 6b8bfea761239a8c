"""Radiomics features of a case, against the calls of pyradiomics alone on images that are ready, in one run.

    python -m tests.benchmarks.radiomics_speed --exams 4

CPU seconds a case; beside pyradiomics, a case's files are read and inflated, cut and resampled.
"""

import argparse
import tempfile
import time
from pathlib import Path

from bench.cohorts.radiomics import RadiomicsSettings
from bench_zoo.radiomics import extraction
from tests.benchmarks.crop_speed import write_exam
from tests.benchmarks.figure import Figure, tell

MOST = 1.1


def main() -> None:
    """Print both and tell the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exams", type=int, default=4)
    exams = parser.parse_args().exams
    settings = extraction.settings_of(RadiomicsSettings())
    spent = {"ours": 0.0, "pyradiomics": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        files = [write_exam(Path(folder), seed) for seed in range(exams)]
        extraction.case_features("warm up", *files[0], settings)
        for pair in files:
            ready = extraction._images_of(pair[0].name, *pair, settings, ())
            extractors = {region: extraction._extractors(settings, region) for region in ready}
            started = time.process_time()
            for region, images in ready.items():
                for extractor in extractors[region]:
                    extraction.features_of(extractor, *images)
            spent["pyradiomics"] += time.process_time() - started
            started = time.process_time()
            _, failure = extraction.case_features(pair[0].name, *pair, settings)
            spent["ours"] += time.process_time() - started
            assert not failure
    ours, theirs = (1000 * spent[name] / exams for name in ("ours", "pyradiomics"))
    print(f"a case: CPU {ours:.0f} ms, pyradiomics alone {theirs:.0f} ms, ratio {ours / theirs:.2f}")
    tell(Figure("radiomics of a case, CPU", "ms", ours, theirs, "pyradiomics alone", MOST))


if __name__ == "__main__":
    main()
