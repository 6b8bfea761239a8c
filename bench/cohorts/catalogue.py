"""Cohorts by name: phantom scenarios, made when first asked for, and folders."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from bench.cohorts.check import load_sound
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.phantom import GENERATOR, SCENARIOS, make_phantom
from bench.cohorts.phantom.make import write_listing
from bench.files import writing
from bench.names import unknown_name
from bench.paths import cache_dir
from bench.progress import progress_bar


def open_cohort(name: str, quiet: bool = False, skip_broken: bool = False) -> Cohort:
    """The cohort of that name or folder; a phantom is made first where it was not made before.

    Parameters
    ----------
    name
        A phantom scenario, with ``@SEED`` for another seed than 0 (``phantom-rim@3``), or a folder.
    skip_broken
        Leave out the cases that a run would refuse, and remember them in the folder's ``skipped.csv``, which
        every later opening follows; ``skipped_cases`` of the cohort names them.

    Raises
    ------
    UsageError
        Neither a scenario nor a folder.
    CohortError
        The folder is not a valid cohort.
    """
    folder = Path(name) if Path(name).is_dir() else make_cohort(*_parse(name), quiet)
    return load_sound(folder, quiet) if skip_broken else load_folder(folder)


def open_listed(name: str, quiet: bool = False, skip_broken: bool = False) -> Cohort:
    """As :func:`open_cohort`, but of a phantom that was not made yet only what its tables say: no voxel."""
    if Path(name).is_dir() or (phantom_folder(*_parse(name)) / "cohort.toml").is_file():
        return open_cohort(name, quiet, skip_broken)
    scenario, seed = _parse(name)
    if scenario not in SCENARIOS:
        raise unknown_name("cohort", scenario, SCENARIOS, "A folder with a cohort.toml works too.")
    with TemporaryDirectory() as folder:
        write_listing(scenario, Path(folder), seed)
        return load_folder(Path(folder))


def make_cohort(scenario: str, seed: int = 0, quiet: bool = False) -> Path:
    """Make a phantom in the user's cache unless it is there; its folder."""
    if scenario not in SCENARIOS:
        raise unknown_name("cohort", scenario, SCENARIOS, "A folder with a cohort.toml works too.")
    folder = phantom_folder(scenario, seed)
    if not (folder / "cohort.toml").is_file():
        label = f"making the synthetic cohort {folder.name}"
        with writing(cache_dir(), "the cohort", "BENCH_CACHE"), progress_bar(label, quiet) as advance:
            make_phantom(scenario, folder, _oracle(folder.name), seed=seed, report=advance)
    return folder


def phantom_folder(scenario: str, seed: int = 0) -> Path:
    """Where a phantom lies once made."""
    return _phantoms() / (f"{scenario}@{seed}" if seed else scenario)


def ceiling_predictions(cohort: Cohort) -> pd.DataFrame | None:
    """Predictions of a reader of the phantom's true parameters: case_id, task, prediction.

    Read by the scoring alone; None for a cohort of real patients.
    """
    path = _oracle(cohort.folder.name)
    if cohort.folder.parent != _phantoms().resolve() or not path.is_file():
        return None
    return pd.read_csv(path, dtype={"case_id": str})


def _phantoms() -> Path:
    """Phantoms of this generator's version; those of another are other cohorts."""
    return cache_dir() / "phantoms" / f"generator-{GENERATOR}"


def _oracle(name: str) -> Path:
    return cache_dir() / "oracles" / f"generator-{GENERATOR}" / f"{name}.csv"


def _parse(name: str) -> tuple[str, int]:
    matched = re.fullmatch(r"(.+?)@(\d+)", name)
    return (matched[1], int(matched[2])) if matched else (name, 0)
