"""Folders of the cache in which methods of the benchmark keep what they measured in images."""

from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.files import cache_dir
from bench.methods.fingerprint import libraries
from bench.methods.method import MethodSpec

# By the library that measures: its values depend on the image and the settings alone.
CACHES = {"radiomics": "radiomics"}


def kept_caches(spec: MethodSpec, cohort: Cohort) -> tuple[Path, ...]:
    """The folders of a cohort's measurements that the method reads and adds to; none of a plugin's method."""
    # What is kept from cell to cell could hold labels: the code of a plugin keeps nothing.
    if not spec.is_of_the_project:
        return ()
    used = libraries(spec)
    folders = sorted({*spec.keeps, *(folder for library, folder in CACHES.items() if library in used)})
    return tuple(cache_dir() / folder / cohort.fingerprint[:16] for folder in folders)
