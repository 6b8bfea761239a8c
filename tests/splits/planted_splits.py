"""Functions of splits that plugins offer: sound ones, and each mistake that a split is refused for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bench import Cohort, Fold

STATE = iter(range(1000))


def by_column(cohort: Cohort, rng: np.random.Generator, column: str = "site") -> list[Fold]:
    values = cohort.table[column].astype(str)
    # Patients of several values stay whole: all their cases go where the first one is.
    first = values.groupby(cohort.table["patient_id"]).transform("first")
    folds = []
    for value in sorted(set(first)):
        test, train = first.index[first == value], first.index[first != value]
        folds.append(Fold(len(folds), tuple(train), (), tuple(test), label=value))
    return folds


def halves(cohort: Cohort, rng: np.random.Generator) -> Iterator[Fold]:
    patients = np.array(sorted(set(cohort.patient_ids)))
    chosen = set(rng.permutation(patients)[: len(patients) // 2])
    is_chosen = np.array([patient in chosen for patient in cohort.patient_ids])
    sides = [tuple(cohort.table.index[side]) for side in (is_chosen, ~is_chosen)]
    for at in (0, 1):
        yield Fold(at, sides[at], (), sides[1 - at], label=f"half {at}")


def _first(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return by_column(cohort, rng)


def _changed(cohort: Cohort, rng: np.random.Generator, **parts: Any) -> list[Fold]:
    folds = _first(cohort, rng)
    return [replace(folds[0], **parts), *folds[1:]]


def no_fold(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return []


def nobody_learns(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return _changed(cohort, rng, train=())


def nobody_tested(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return _changed(cohort, rng, test=())


def tested_and_learned(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    first = _first(cohort, rng)[0]
    return _changed(cohort, rng, train=(*first.train, first.test[0]))


def patient_on_both_sides(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    """Moves one of a patient's several cases to the other side."""
    patients = cohort.table["patient_id"]
    several = patients[patients.duplicated(keep=False)]
    folds = _first(cohort, rng)
    for at, fold in enumerate(folds):
        moved = [case for case in fold.test if case in several.index]
        if moved:
            folds[at] = replace(
                fold,
                train=(*fold.train, moved[0]),
                test=tuple(case for case in fold.test if case != moved[0]),
            )
            return folds
    raise AssertionError("no patient has several cases")


def tested_twice(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    folds = _first(cohort, rng)
    return [*folds, replace(folds[0], label="again")]


def named_twice(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    first = _first(cohort, rng)[0]
    return _changed(cohort, rng, test=(*first.test, first.test[0]))


def of_another_cohort(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    first = _first(cohort, rng)[0]
    return _changed(cohort, rng, train=(*first.train, "elsewhere-1"))


def no_folds_at_all(cohort: Cohort, rng: np.random.Generator) -> list[Any]:
    return [{"train": cohort.case_ids, "test": ()}]


def ids_as_one_text(cohort: Cohort, rng: np.random.Generator) -> list[Any]:
    return [Fold(0, "abc", (), cohort.case_ids)]  # type: ignore[arg-type]


def another_every_time(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return list(halves(cohort, np.random.default_rng(next(STATE))))


def raises(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    return cohort.table["vendor_of_nobody"]  # type: ignore[return-value]


def writes_labels(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    """Changes the cohort that it is handed, which must change no label of anybody else."""
    for task in cohort.tasks:
        cohort.table[task.name] = 1.0
    return _first(cohort, rng)


def one_class_learned(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    """Learns from cases without a positive label of the first task."""
    task = cohort.tasks[0].name
    first = _first(cohort, rng)[0]
    positive = cohort.table[task] == 1
    whole = set(cohort.table["patient_id"][positive])
    kept = [case for case in first.train if cohort.table["patient_id"][case] not in whole]
    return _changed(cohort, rng, train=tuple(kept))


def some_left_out(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    patient = cohort.patient_ids[0]
    kept = cohort.take(cohort.table.index[cohort.patient_ids != patient])
    return by_column(kept, rng)


def of_one_site(cohort: Cohort, rng: np.random.Generator) -> list[Fold]:
    """Two halves, of which the first learns from some of the others alone."""
    first, second = halves(cohort, rng)
    kept = set(first.train[: len(first.train) // 2])
    whole = {cohort.table["patient_id"][case] for case in first.train if case not in kept}
    train = tuple(case for case in kept if cohort.table["patient_id"][case] not in whole)
    return [replace(first, train=train), second]
