"""The cases of several cohorts as one cohort."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.cohorts.columns import FILES, IMAGE
from bench.cohorts.joining.duplicates import require_no_duplicates
from bench.cohorts.joining.recipe import MARK, Recipe
from bench.errors import CohortError, UsageError, unknown_name
from bench.files import replacing, writing
from bench.progress import warn
from bench.task import Task


def join(cohorts: Sequence[Cohort], recipe: Recipe, folder: Path) -> Cohort:
    """The cohorts as one, named ``A+B``.

    Cases, patients and sites are named ``COHORT:NAME``. Tasks are those that all cohorts declare under one
    name with one kind and unit, covariates those that all declare in one role with one type. Features are
    those that all cohorts carry. Images are those that all have under one name, where the first one is among
    them; else the first of each, as ``image``. The cohort is synthetic where one of them is.

    Parameters
    ----------
    folder
        Where links to the folders of the cohorts, and the joined features, are kept.

    Raises
    ------
    CohortError
        Two cohorts have one name, hold cases of one patient, or have no task in common; or the id map lists
        none of a cohort's patients.
    UsageError
        A case to drop is in none of the cohorts, or the id map names another cohort.
    """
    _require_own_names(cohorts)
    _require_own_people(cohorts, recipe.people)
    drop = _dropped(cohorts, recipe.drop)
    kept = _without(cohorts, drop)
    require_no_duplicates(kept, recipe.people)
    tasks = _shared_tasks(cohorts)
    roles = _shared_roles(cohorts)
    columns = ["patient_id", "site", "group", *(task.name for task in tasks), *roles]
    fingerprint, images = _fingerprint(cohorts, drop), _shared_images(cohorts)
    places = _linked(cohorts, folder)
    return Cohort(
        name="+".join(cohort.name for cohort in cohorts),
        title=" + ".join(cohort.title for cohort in cohorts),
        synthetic=any(cohort.synthetic for cohort in cohorts),
        licence=_by_source(cohorts, "licence"),
        citation=_by_source(cohorts, "citation"),
        label_rule=_by_source(cohorts, "label_rule"),
        tasks=tasks,
        table=pd.concat([_prefixed_table(cohort)[columns] for cohort in kept]),
        files=pd.concat(
            [_prefixed_files(cohort, place, images) for cohort, place in zip(kept, places, strict=True)]
        ),
        folder=folder.resolve(),
        roles=roles,
        feature_file=_joined_features(kept, folder / f"features-{fingerprint[:16]}.csv"),
        fingerprint=fingerprint,
        lesion_labels=_prefixed(cohorts, "lesion_labels"),
        skipped_cases=_prefixed(cohorts, "skipped_cases"),
        sources=tuple(source for cohort in cohorts for source in (cohort.folder, *cohort.sources)),
        images=images,
    )


def _require_own_names(cohorts: Iterable[Cohort]) -> None:
    places: dict[str, Path] = {}
    for cohort in cohorts:
        if cohort.name in places:
            raise CohortError(
                f"{places[cohort.name]} and {cohort.folder} are both named {cohort.name!r}, expected a name "
                "for each; rename one in its cohort.toml"
            )
        places[cohort.name] = cohort.folder


def _require_own_people(cohorts: Sequence[Cohort], people: Iterable[Mapping[str, str]]) -> None:
    """Raise where an id map names another cohort, or none of a cohort's patients: it would find nobody."""
    own = {cohort.name: set(cohort.patient_ids) for cohort in cohorts}
    listed: dict[str, set[str]] = {}
    for row in people:
        for name, patient in row.items():
            listed.setdefault(name, set()).add(patient)
    for name, patients in listed.items():
        if name not in own:
            raise unknown_name("cohort in the id map", name, own)
        if absent := sorted(patients - own[name]):
            told = (
                f"{len(absent)} of the {len(patients)} patients that the id map lists of {name!r} are not in "
                f"it, such as {absent[0]!r}; give ids as its cases.csv has them"
            )
            if len(absent) == len(patients):
                raise CohortError(told)
            warn(told)


def _dropped(cohorts: Sequence[Cohort], names: Sequence[str]) -> set[str]:
    """The cases that are dropped by name, or by a pattern in which * stands for any characters."""
    known = {f"{cohort.name}{MARK}{case_id}" for cohort in cohorts for case_id in cohort.case_ids}
    dropped = {name for name in names if name in known}
    for name in names:
        if name in known:
            continue
        pattern = re.compile(".*".join(map(re.escape, name.split("*"))))
        matched = {case for case in known if pattern.fullmatch(case)}
        if not matched:
            raise unknown_name("case to drop", name, known if len(known) < 1000 else ())
        dropped |= matched
    return dropped


def _without(cohorts: Sequence[Cohort], drop: Collection[str]) -> list[Cohort]:
    """The cohorts without the dropped cases."""
    kept = []
    for cohort in cohorts:
        left = [case_id for case_id in cohort.case_ids if f"{cohort.name}{MARK}{case_id}" not in drop]
        if not left:
            raise UsageError(f"every case of {cohort.name} is dropped; leave the cohort out instead")
        kept.append(replace(cohort.take(left), files=cohort.files.loc[left], as_loaded=()))
    return kept


def _shared_tasks(cohorts: Sequence[Cohort]) -> tuple[Task, ...]:
    first, *others = cohorts
    shared = []
    for task in first.tasks:
        same = [task, *(other for cohort in others for other in cohort.tasks if _are_alike(task, other))]
        if len(same) == len(cohorts):
            shared.append(_widest(same, [cohort.name for cohort in cohorts]))
        elif any(task.name == other.name for cohort in others for other in cohort.tasks):
            warn(f"task {task.name!r} is left out: not every cohort declares it with one kind and unit")
    if not shared:
        declared = "; ".join(
            f"{cohort.name}: {', '.join(f'{task.name} ({task.kind} {task.unit})' for task in cohort.tasks)}"
            for cohort in cohorts
        )
        raise CohortError(
            f"the cohorts have no task in common, expected one with the same name, kind and unit; {declared}"
            "; rename a task in one cohort.toml"
        )
    return tuple(shared)


def _are_alike(task: Task, other: Task) -> bool:
    return (task.name, task.kind, task.unit) == (other.name, other.kind, other.unit)


def _widest(same: Sequence[Task], names: Sequence[str]) -> Task:
    """The task as the first cohort declares it, with every range, and what positive means in each."""
    meanings = dict(zip(names, (task.positive for task in same), strict=True))
    differ = len(set(meanings.values())) > 1
    return replace(
        same[0],
        positive="; ".join(f"{name}: {text or 'not declared'}" for name, text in meanings.items())
        if differ
        else same[0].positive,
        range=(min(task.range[0] for task in same), max(task.range[1] for task in same)),
        ranked=all(task.ranked for task in same),
    )


def _shared_roles(cohorts: Sequence[Cohort]) -> dict[str, str]:
    """Covariates that every cohort has, in one role and as numbers or words alike."""
    first, *others = cohorts
    return {
        name: role
        for name, role in first.roles.items()
        if all(other.roles.get(name) == role for other in others)
        and len({pd.api.types.is_numeric_dtype(cohort.table[name]) for cohort in cohorts}) == 1
    }


def _shared_images(cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    """Images that every cohort has under one name; the first of each alone where these differ in name."""
    first, *others = cohorts
    alike = len({cohort.images[0] for cohort in cohorts}) == 1
    shared = tuple(name for name in first.images if all(name in other.images for other in others))
    if not alike:
        shared = (IMAGE,)
    if any(len(cohort.images) > len(shared) or cohort.images[0] != shared[0] for cohort in cohorts):
        named = "; ".join(f"{cohort.name}: {', '.join(cohort.images)}" for cohort in cohorts)
        meaning = "" if alike else ", the first image of each, which may be of different phases"
        warn(f"not every cohort has the same images ({named}): joined are {', '.join(shared)}{meaning}")
    return shared


def _fingerprint(cohorts: Sequence[Cohort], drop: Collection[str]) -> str:
    listed = [[(cohort.name, cohort.fingerprint) for cohort in cohorts], sorted(drop)]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def _linked(cohorts: Sequence[Cohort], folder: Path) -> list[str]:
    """Names of links in the folder, each to the folder of a cohort."""
    names = [str(number) for number in range(1, len(cohorts) + 1)]
    with writing(folder, "the joined cohort", "BENCH_CACHE"):
        for cohort, name in zip(cohorts, names, strict=True):
            link = folder / name
            if link.resolve() != cohort.folder.resolve():
                link.unlink(missing_ok=True)
                link.symlink_to(cohort.folder, target_is_directory=True)
    return names


def _by_source(cohorts: Sequence[Cohort], field: str) -> str:
    """What each cohort says of itself, after its name."""
    return "; ".join(f"{cohort.name}: {text}" for cohort in cohorts if (text := getattr(cohort, field)))


def _prefixed_table(cohort: Cohort) -> pd.DataFrame:
    named = {name: cohort.name + MARK + cohort.table[name] for name in ("patient_id", "site")}
    return cohort.table.assign(**named).set_axis(_prefixed_ids(cohort), axis="index")


def _prefixed_files(cohort: Cohort, place: str, images: tuple[str, ...]) -> pd.DataFrame:
    names = (*FILES, *images[1:])
    inside = {name: place + "/" + cohort.files[name].astype(object) for name in names}
    return pd.DataFrame(inside).set_axis(_prefixed_ids(cohort), axis="index")


def _prefixed_ids(cohort: Cohort) -> "pd.Index[str]":
    return pd.Index(
        [f"{cohort.name}{MARK}{case_id}" for case_id in cohort.case_ids], name="case_id", dtype=object
    )


def _prefixed(cohorts: Iterable[Cohort], field: str) -> dict[str, Any]:
    """A mapping of each cohort by case id, as one."""
    return {
        f"{cohort.name}{MARK}{case_id}": value
        for cohort in cohorts
        for case_id, value in getattr(cohort, field).items()
    }


def _joined_features(cohorts: Sequence[Cohort], path: Path) -> Path | None:
    """A table of the features that all cohorts carry; None where one carries none."""
    if any(cohort.feature_file is None for cohort in cohorts):
        return None
    tables = [cohort.features().set_axis(_prefixed_ids(cohort), axis="index") for cohort in cohorts]
    joined = pd.concat(tables, join="inner")
    if not len(joined.columns):
        return None
    with writing(path, "the joined features", "BENCH_CACHE"), replacing(path) as temporary:
        joined.to_csv(temporary)
    return path.resolve()
