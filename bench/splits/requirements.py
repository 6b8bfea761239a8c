"""What makes a split of a cohort impossible: each check raises SplitError with the remedy."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import SplitError
from bench.splits.fold import PARTS, Fold
from bench.task import Task

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.splits.config import SplitConfig

_OTHER_SPLIT = "use another split (see `bench splits`) or other folds and shares in a split file of your own"


def refuse_shared_patients(cohort: "Cohort", config: "SplitConfig", column: str) -> None:
    """Raise SplitError where a patient has cases in several groups (or sites) that the protocol parts."""
    kinds = cohort.table.groupby("patient_id")[column].nunique()
    shared = sorted(kinds.index[kinds > 1])
    if shared:
        cases = cohort.table.loc[cohort.patient_ids == shared[0], column]
        named = ", ".join(f"{case_id} ({value})" for case_id, value in cases.items())
        raise SplitError(
            f"split {config.name!r} puts each {column} on one side, but patient {shared[0]!r} has cases in "
            f"several: {named}; {len(shared)} such patient(s) in cohort {cohort.name!r}. Keep of each the "
            f"cases of one {column} in cases.csv"
        )


def require_enough_patients(cohort: "Cohort", config: "SplitConfig", group: str) -> None:
    """Raise SplitError unless every fold can test on a patient of each class of each ranked task."""
    cut = f"split {config.name!r} cuts the {group} cases into {config.folds} folds"
    patients = len(set(cohort.patient_ids))
    if patients < config.folds:
        raise SplitError(f"{cut}, but they are of {patients} patient(s); {_OTHER_SPLIT}")
    for task in cohort.tasks:
        labels = cohort.labels(task.name)
        for word, has in _label_kinds(task, labels).items():
            found = len(set(cohort.patient_ids[has]))
            if task.ranked and found < config.folds:
                raise SplitError(
                    f"{cut}, but task {task.name!r} has {found} patient(s) with a {word} label among them; "
                    f"{_OTHER_SPLIT}, {_unranked(task)}"
                )


def require_sound_folds(cohort: "Cohort", config: "SplitConfig", folds: tuple[Fold, ...]) -> None:
    """Raise SplitError for folds that no score can be had from, however they were cut.

    There has to be a fold; every case is of the cohort and in one part of a fold; all cases of a patient are
    in one part of it; and no case is tested in two folds.
    """
    if not folds:
        raise SplitError(f"split {config.name!r} has no fold; {_OTHER_SPLIT}")
    if _are_sound(cohort, folds):
        return
    patients = dict(zip(cohort.case_ids, map(str, cohort.patient_ids), strict=True))
    tested: dict[str, Fold] = {}
    for fold in folds:
        _require_whole_patients(cohort, config, fold, patients)
        for case_id in fold.test:
            if other := tested.get(case_id):
                raise SplitError(
                    f"split {config.name!r}: case {case_id!r} is tested in fold {other.index} "
                    f"({other.label}) and in fold {fold.index} ({fold.label}), so that its predictions would "
                    "count twice; test it in one, and make repeats with other seeds"
                )
            tested[case_id] = fold


def _are_sound(cohort: "Cohort", folds: tuple[Fold, ...]) -> bool:
    """Whether the folds pass :func:`require_sound_folds`, for all cases at once."""
    patients = np.unique(cohort.patient_ids.astype(str), return_inverse=True)[1]
    place = _places(cohort)
    tested = np.zeros(len(place), dtype=np.intp)
    for fold in folds:
        rows = [_rows(place, getattr(fold, part)) for part in PARTS]
        every = np.concatenate(rows)
        if (every < 0).any() or (np.bincount(every, minlength=1) > 1).any():
            return False
        sides = np.array([np.bincount(patients[one], minlength=patients.max() + 1) > 0 for one in rows])
        if (sides.sum(axis=0) > 1).any():
            return False
        tested[rows[PARTS.index("test")]] += 1
    return bool((tested <= 1).all())


def _require_whole_patients(
    cohort: "Cohort", config: "SplitConfig", fold: Fold, patients: Mapping[str, str]
) -> None:
    """Raise SplitError where a case is unknown or there twice, or a patient is in two parts of a fold."""
    where = f"split {config.name!r}, fold {fold.index} ({fold.label})"
    seen: set[str] = set()
    sides: dict[str, str] = {}
    for part in PARTS:
        for case_id in getattr(fold, part):
            if case_id not in patients:
                raise SplitError(
                    f"{where}: {part} has {case_id!r}, which is no case of cohort {cohort.name!r}"
                )
            if sides.setdefault(patients[case_id], part) != part:
                raise SplitError(
                    f"{where}: patient {patients[case_id]!r} is in {sides[patients[case_id]]} and, with case "
                    f"{case_id!r}, in {part}; put all cases of a patient into one part"
                )
            if case_id in seen:
                raise SplitError(f"{where}: {part} has case {case_id!r} twice; name it once")
            seen.add(case_id)


def require_parts(
    cohort: "Cohort", config: "SplitConfig", folds: tuple[Fold, ...], parts: tuple[str, ...] = PARTS
) -> None:
    """Raise SplitError where one of these parts of a fold got no case."""
    patients = len(set(cohort.patient_ids))
    for fold in folds:
        for part in parts:
            if not getattr(fold, part):
                raise SplitError(
                    f"split {config.name!r}: the {part} part of fold {fold.index} ({fold.label}) got no case "
                    f"of the {patients} patient(s) of cohort {cohort.name!r}; {_OTHER_SPLIT}"
                )


def require_labels(
    cohort: "Cohort",
    config: "SplitConfig",
    folds: tuple[Fold, ...],
    tasks: Sequence[Task],
    parts: tuple[str, ...] = PARTS,
) -> None:
    """Raise SplitError unless these tasks, which are ranked, can be learned and scored.

    A fold whose test cases all lack the label does not score the task, as where a site that is left out never
    measured it. Some fold must score it, and one that does needs labels in train and test, where it has these
    ``parts``, of a binary task both classes.
    """
    place = _places(cohort)
    rows = [{part: _rows(place, getattr(fold, part)) for part in ("train", "test")} for fold in folds]
    for task in tasks:
        _require_labels_of(cohort.labels(task.name), config, folds, rows, task, parts)


def _require_labels_of(
    labels: np.ndarray,
    config: "SplitConfig",
    folds: tuple[Fold, ...],
    rows: Sequence[Mapping[str, np.ndarray]],
    task: Task,
    parts: tuple[str, ...],
) -> None:
    """:func:`require_labels` of one task; ``rows`` are those of each fold's training and test part."""
    where = f"split {config.name!r}: task {task.name!r} has 0 cases with a"
    scored = [
        (fold, held)
        for fold, held in zip(folds, rows, strict=True)
        if not np.isnan(labels[held["test"]]).all()
    ]
    if not scored:
        raise SplitError(f"{where} known label among the tested cases; {_OTHER_SPLIT}, {_unranked(task)}")
    for fold, held in scored:
        for part in (tested for tested in ("train", "test") if tested in parts):
            values = labels[held[part]]
            absent = [word for word, has in _label_kinds(task, values).items() if not has.any()]
            if absent:
                raise SplitError(
                    f"{where} {absent[0]} label among the {np.isfinite(values).sum()} labelled ones of the "
                    f"{part} part of fold {fold.index} ({fold.label}); {_OTHER_SPLIT}, {_unranked(task)}"
                )


def _places(cohort: "Cohort") -> dict[str, int]:
    """The row of each case."""
    return {case_id: row for row, case_id in enumerate(cohort.case_ids)}


def _rows(place: Mapping[str, int], case_ids: Sequence[str]) -> np.ndarray:
    """Rows of cases, -1 for one that is none, shape (case,)."""
    return np.array([place.get(case_id, -1) for case_id in case_ids], dtype=np.intp)


def _label_kinds(task: Task, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The kinds of label that a task cannot do without, each with the cases that have it."""
    if task.kind == "binary":
        return {"negative": labels == 0, "positive": labels == 1}
    return {"known": ~np.isnan(labels)}


def _unranked(task: Task) -> str:
    return f"or set ranked = false for [tasks.{task.name}] in cohort.toml"
