"""The synthetic cohorts that methods are checked on."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.image_files import with_data_files
from bench.cohorts.phantom import GENERATOR, SCENARIOS, make_phantom
from bench.errors import CohortError
from bench.files import cache_dir
from bench.methods.method import MethodSpec

SCENARIO = "phantom-tiny"
FEATURES, HEADER, LISTING = "features.csv", "cohort.toml", "cases.csv"
# A third is tested: statistics of fewer cases than four would show little.
LEAST_CASES = 12


def tiny_cohort(folder: Path, cases: int = 12, seed: int = 0) -> Cohort:
    """A synthetic cohort of a few cases at two internal sites, written into ``folder``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from bench.testing import tiny_cohort
    >>> len(tiny_cohort(Path("tiny"), cases=4))
    4
    """
    sites = list(SCENARIOS[SCENARIO].counts)[:2]
    counts = {sites[0]: cases - cases // 2, sites[1]: cases // 2}
    make_phantom(SCENARIO, folder / "cohort", folder / "oracle.csv", seed=seed, workers=1, counts=counts)
    return load_folder(folder / "cohort")


def copied_cohort(folder: Path, cases: int, spec: MethodSpec) -> Cohort:
    """A synthetic cohort that carries what a method needs, alone in ``folder``: no oracle lies beside it.

    It is rendered once and then copied from the cache. Where the method needs several images, the first is
    that of the phantom; in the others the lesion is darker.
    """
    rendered = tiny_cohort(cache_dir() / "contract" / f"{SCENARIO}-{GENERATOR}-{cases}", cases)
    shutil.copytree(rendered.folder, folder)
    if "features" in spec.needs:
        _add_features(folder, rendered)
    if spec.images:
        _add_images(folder, rendered, spec.images)
    return load_folder(folder)


def part_of_cohort(source: Path, folder: Path, cases: int) -> Cohort:
    """Some cases of a cohort's folder, evenly spread over its table, copied into ``folder``.

    Raises
    ------
    CohortError
        The cohort cannot be read, or has fewer than :data:`LEAST_CASES` cases.
    """
    whole = load_folder(source)
    if len(whole) < LEAST_CASES:
        raise CohortError(f"cohort {whole.name} has {len(whole)} cases, expected at least {LEAST_CASES}")
    chosen = np.linspace(0, len(whole) - 1, min(cases, len(whole))).round().astype(int)
    ids = {whole.case_ids[index] for index in chosen}
    folder.mkdir(parents=True)
    shutil.copy(source / HEADER, folder)
    _copy_rows(source / LISTING, folder / LISTING, ids)
    if whole.feature_file is not None:
        _copy_rows(whole.feature_file, folder / whole.feature_file.relative_to(whole.folder), ids)
    files = whole.files.loc[sorted(ids)].to_numpy().ravel()
    for name in with_data_files(whole.folder, [name for name in files if isinstance(name, str) and name]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(whole.folder / name, folder / name)
    return load_folder(folder)


def _copy_rows(source: Path, target: Path, ids: set[str]) -> None:
    """Copy the rows of some cases of a table, word for word."""
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(source, dtype=str, keep_default_na=False)
    rows[rows["case_id"].isin(ids)].to_csv(target, index=False)


def _add_features(folder: Path, cohort: Cohort) -> None:
    """Write a feature table: columns that follow the first label with noise, and columns of noise alone."""
    draw = np.random.default_rng(0)
    signal = np.nan_to_num(cohort.labels(cohort.tasks[0].name), nan=0.5)
    columns = {f"follows_{index}": signal + draw.normal(0, 0.7, len(cohort)) for index in range(3)}
    columns |= {f"noise_{index}": draw.normal(size=len(cohort)) for index in range(5)}
    table = pd.DataFrame(columns, index=pd.Index(cohort.case_ids, name="case_id"))
    table.to_csv(folder / FEATURES)
    _declare(folder, f'features = "{FEATURES}"')


def _add_images(folder: Path, cohort: Cohort, images: Sequence[str]) -> None:
    """Name the image of each case as the first, and write the others, where the lesion is darker."""
    table = pd.read_csv(folder / LISTING, dtype=str, keep_default_na=False)
    table = table.rename(columns={"image": images[0]})
    for at, name in enumerate(images[1:], start=1):
        kept = 1 / (1 + at)
        for row, case_id in enumerate(table["case_id"]):
            volume = cohort.volume(case_id)
            lesion = sitk.Cast(volume.mask, sitk.sitkFloat32)
            darker = sitk.Cast(volume.image, sitk.sitkFloat32) * (1 - (1 - kept) * lesion)
            path = f"{name}-{row}.nii"
            sitk.WriteImage(darker, str(folder / path))
            table.loc[row, name] = path
    table.to_csv(folder / LISTING, index=False)
    _declare(folder, f"images = {list(images)}")


def _declare(folder: Path, line: str) -> None:
    header = folder / HEADER
    header.write_text(f"{line}\n{header.read_text(encoding='utf-8')}", encoding="utf-8")
