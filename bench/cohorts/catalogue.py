"""Cohorts by name: phantom scenarios, made when first asked for, folders, and what plugins offer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from bench.cohorts.checking.check import load_valid
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.joining.join import join
from bench.cohorts.joining.recipe import JOINED, keep_recipe, read_recipe
from bench.cohorts.phantom import GENERATOR, SCENARIOS, make_phantom
from bench.cohorts.phantom.make import cohort_name, write_listing
from bench.cohorts.sources.kept import source_files
from bench.errors import UsageError, parameter, unknown_name
from bench.files import cache_dir, writing
from bench.progress import progress_bar

Offered = Callable[[], Mapping[str, Callable[[bool], Path]]]
"""Finds the cohorts of plugins: what gives the folder of each, quietly or not, by name."""


def none_offered() -> Mapping[str, Callable[[bool], Path]]:
    """No cohort of a plugin."""
    return {}


def open_cohort(
    name: str | Sequence[str],
    quiet: bool = False,
    skip_broken: bool = False,
    drop: Sequence[str] = (),
    id_map: Path | None = None,
    offered: Offered = none_offered,
) -> Cohort:
    """The cohort of that name or folder; a phantom is made first where it was not made before.

    Several are joined: their cases with the tasks that all of them declare, under the names ``COHORT:CASE``,
    ``COHORT:PATIENT`` and ``COHORT:SITE``. A patient who is in two of them, by the id map, by id or by the
    content of an image, is an error that names the pair, unless one copy is dropped.

    Parameters
    ----------
    name
        A phantom scenario, with ``:n=CASES`` for another number of cases and ``@SEED`` for another seed
        (``phantom-rim@3``, ``phantom:n=4000@1``), or a folder; or several.
    skip_broken
        Leave out the cases that a run would reject, and remember them in the folder's ``skipped.csv``, which
        every later opening follows; ``skipped_cases`` of the cohort names them.
    drop
        Of several cohorts: cases to leave out, each as ``COHORT:CASE``; a ``*`` stands for any characters.
    id_map
        Of several cohorts: a table with a column a cohort, named as the cohort, and a row a person, which
        holds the patient ids that the person has. Two rows are two people, also where their ids are equal.
    offered
        Finds the cohorts of plugins; called only for a name that is no scenario and no folder.

    Raises
    ------
    UsageError
        Neither a scenario nor a folder, or no such case to drop.
    CohortError
        The folder is not a valid cohort, or the cohorts cannot be joined.
    """
    if not isinstance(name, str) or drop or id_map is not None:
        name = str(joined_folder([name] if isinstance(name, str) else name, drop, id_map))
    folder = _folder(name, quiet, offered)
    if (folder / JOINED).is_file():
        recipe = read_recipe(folder)
        opened = [open_cohort(one, quiet, skip_broken, offered=offered) for one in recipe.cohorts]
        return join(opened, recipe, folder)
    cohort = load_valid(folder, quiet) if skip_broken else load_folder(folder)
    return replace(cohort, sources=source_files(folder))


def _folder(name: str, quiet: bool, offered: Offered) -> Path:
    """The folder of a cohort by its name, made where it is not there."""
    if Path(name).is_dir():
        return Path(name)
    phantom = _parse(name)
    if phantom.scenario in SCENARIOS:
        return make_cohort(phantom.scenario, phantom.seed, quiet, phantom.cases)
    found = offered()
    if name not in found:
        raise unknown_name("cohort", name, [*SCENARIOS, *found], "A folder with a cohort.toml works too.")
    return found[name](quiet)


def joined_folder(names: Sequence[str], drop: Sequence[str] = (), id_map: Path | None = None) -> Path:
    """A folder that stands for several cohorts that are joined as :func:`open_cohort` joins them.

    Raises UsageError where there are not two or more different ones, CohortError for an invalid id map.
    """
    if len(names) == 1:
        raise UsageError(
            f"{parameter('drop')} and {parameter('id_map')} are for several cohorts that are joined; name "
            "them all, or leave these out"
        )
    return keep_recipe(names, drop, id_map)


def open_listed(
    name: str, quiet: bool = False, skip_broken: bool = False, offered: Offered = none_offered
) -> Cohort:
    """As :func:`open_cohort`, but of a phantom that was not made yet only what its tables say: no voxel."""
    phantom = _parse(name)
    if Path(name).is_dir() or phantom.scenario not in SCENARIOS or phantom.is_made:
        return open_cohort(name, quiet, skip_broken, offered=offered)
    with TemporaryDirectory() as folder:
        write_listing(phantom.scenario, Path(folder), phantom.seed, phantom.counts)
        return load_folder(Path(folder))


def make_cohort(scenario: str, seed: int = 0, quiet: bool = False, cases: int | None = None) -> Path:
    """Make a phantom in the user's cache unless it is there; its folder.

    ``cases`` are so many in all, with the scenario's shares of the sites; None for the scenario's own number.
    """
    if scenario not in SCENARIOS:
        raise unknown_name("cohort", scenario, SCENARIOS, "A folder with a cohort.toml works too.")
    phantom = _Phantom(scenario, seed, cases)
    folder = phantom.folder
    if not phantom.is_made:
        label = f"making the synthetic cohort {folder.name}"
        with writing(cache_dir(), "the cohort", "BENCH_CACHE"), progress_bar(label, quiet) as advance:
            make_phantom(
                scenario, folder, _oracle(folder.name), seed=seed, report=advance, counts=phantom.counts
            )
    return folder


def phantom_folder(scenario: str, seed: int = 0) -> Path:
    """Where a phantom lies once made."""
    return _Phantom(scenario, seed).folder


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


@dataclass(frozen=True)
class _Phantom:
    """What the name of a phantom says; ``cases`` is None for the scenario's own number."""

    scenario: str
    seed: int = 0
    cases: int | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """Cases by site, in each draw.

        Raises UsageError where the draws cannot be equal, or a site would have no case.
        """
        chosen = SCENARIOS[self.scenario]
        if self.cases is None:
            return chosen.counts
        found = chosen.sized(self.cases)
        if self.cases % chosen.draws or min(found.values()) < 1:
            draws = f", in {chosen.draws} equal draws" if chosen.draws > 1 else ""
            raise UsageError(
                f"{self.scenario} with {self.cases} cases: expected so many that each of the {len(found)} "
                f"sites has one{draws}; name another number"
            )
        return found

    @property
    def folder(self) -> Path:
        """Where it lies once made."""
        return _phantoms() / cohort_name(SCENARIOS[self.scenario], self.seed, self.counts)

    @property
    def is_made(self) -> bool:
        """Whether it lies there."""
        return (self.folder / "cohort.toml").is_file()


def _parse(name: str) -> _Phantom:
    """The phantom of ``SCENARIO:n=CASES@SEED``, of which the last two may be left out."""
    matched = re.fullmatch(r"(.+?)(?::n=([1-9]\d*))?(?:@(\d+))?", name)
    if matched is None:
        return _Phantom(name)
    return _Phantom(matched[1], int(matched[3] or 0), int(matched[2]) if matched[2] else None)
