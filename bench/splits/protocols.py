"""Protocols: how a cohort is cut into folds, never through a patient.

Each is handed a cohort sorted by case id and a fresh generator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import SplitError
from bench.splits.cases import Cases
from bench.splits.fold import PARTS, Fold
from bench.splits.requirements import refuse_shared_patients, require_enough_patients

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.splits.config import SplitConfig

DRAW = "draw"
"""Column of cohorts that hold several draws of one population."""


def _internal(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from one part of the internal cases, test on another."""
    train, val, test = _cut_internal(cohort, config, rng)
    return (Fold(0, train, val, test, label="internal test part"),)


def _internal_cv(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Cross-validate within the internal cases."""
    return cross_validate(_group(cohort, config, "internal"), config, rng, "internal")


def _external_only_cv(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Cross-validate within the external cases."""
    return cross_validate(_group(cohort, config, "external"), config, rng, "external")


def _external_cv(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from the internal training part and all external folds but one, test on that one.

    arXiv 2601.07001: "internal cases split 7:1:2, external cases in five-fold cross-validation". The internal
    cut is the one that ``internal`` makes with this seed, and its test part stays out, so that no method that
    was fitted here has learned from a case that ``internal`` tests on.
    """
    refuse_shared_patients(cohort, config, "group")
    # The internal cut comes first, as in `internal`, so both read the same stretch of the generator.
    train, val, _ = _cut_internal(cohort, config, rng)
    external = _group(cohort, config, "external")
    require_enough_patients(external, config, "external")
    cases = Cases.of(external)
    return tuple(
        Fold(index, _joined(train, cases.without(test).ids), val, test.ids, label=f"external fold {index}")
        for index, test in enumerate(cases.cut([1.0] * config.folds, rng))
    )


def _external_frozen(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from internal cases alone, test on every external one."""
    refuse_shared_patients(cohort, config, "group")
    train, val = Cases.of(_group(cohort, config, "internal")).cut_validation(config.validation_share, rng)
    test = _group(cohort, config, "external").case_ids
    return (Fold(0, train, val, test, label="all external cases"),)


def _leave_site_out(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Test on each site in turn, internal and external alike, and learn from all the others."""
    sites = sorted(set(cohort.sites))
    if len(sites) < 2:
        raise SplitError(
            f"split {config.name!r} needs at least two sites, cohort {cohort.name!r} has {len(sites)} "
            f"({', '.join(sites)}); name each case's centre in the column 'site' of cases.csv, or "
            f"use another split (see `bench splits`)"
        )
    return _leave_value_out(cohort, config, rng, "site")


def _leave_column_out(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Test on the cases of each value of a column in turn, such as each vendor, and learn from all others."""
    values = cohort.table.get(config.column)
    if values is None:
        raise SplitError(
            f"split {config.name!r} leaves out each value of column {config.column!r}, which cohort "
            f"{cohort.name!r} does not have; its columns: {', '.join(map(str, cohort.table))}"
        )
    if (empty := values.index[values.isna() | (values.astype(str) == "")]).size:
        raise SplitError(
            f"split {config.name!r}: {len(empty)} case(s) of cohort {cohort.name!r} have no {config.column}, "
            f"such as {empty[0]!r}; fill it in cases.csv"
        )
    if values.nunique() < 2:
        raise SplitError(
            f"split {config.name!r} needs at least two values of column {config.column!r}, cohort "
            f"{cohort.name!r} has {values.iloc[0]!r} alone; use another split (see `bench splits`)"
        )
    return _leave_value_out(cohort, config, rng, config.column)


def _leave_value_out(
    cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator, column: str
) -> tuple[Fold, ...]:
    """A fold a value of a column, in order: its cases are tested, the rest learn."""
    refuse_shared_patients(cohort, config, column)
    values = cohort.table[column].astype(str).to_numpy()
    folds = []
    for index, value in enumerate(sorted(set(values))):
        test, learn = (tuple(cohort.table.index[mask]) for mask in (values == value, values != value))
        train, val = Cases.of(cohort.take(learn)).cut_validation(config.validation_share, rng)
        folds.append(Fold(index, train, val, test, label=value))
    return tuple(folds)


def _given(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Take the folds of a table; where it gives no validation part, that is cut from who learns."""
    from bench.splits.given import given_folds  # it reads tables, which the list of splits need not

    folds = []
    for index, (name, parts) in enumerate(given_folds(cohort, Path(config.file))):
        fold = Fold(index, parts["train"], parts["val"], parts["test"], label=f"given fold {name}")
        folds.append(with_validation(cohort, config, fold, rng))
    return tuple(folds)


def with_validation(cohort: "Cohort", config: "SplitConfig", fold: Fold, rng: np.random.Generator) -> Fold:
    """The fold; where it has no validation part, with one that is cut from who learns."""
    if fold.val or not fold.train:
        return fold
    train, val = Cases.of(cohort.take(fold.train)).cut_validation(config.validation_share, rng)
    return replace(fold, train=train, val=val)


def _across_draws(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from the internal cases of one draw of the population, test on those of the next, in a circle.

    No two folds learn from the same case and every internal case is tested once, by a model that learned from
    another draw: an association that one draw shows by chance is not in what was learned.
    """
    internal = _group(cohort, config, "internal")
    draws = sorted(set(internal.table[DRAW])) if DRAW in internal.table else []
    if len(draws) < 2:
        raise SplitError(
            f"split {config.name!r} needs a column {DRAW!r} in cases.csv with at least two draws of the "
            f"population, cohort {cohort.name!r} has {len(draws)}; use another split (see `bench splits`)"
        )
    refuse_shared_patients(internal, config, DRAW)
    members = [internal.take(internal.table.index[internal.table[DRAW] == draw]) for draw in draws]
    folds = []
    for index, learn in enumerate(members):
        test = (index + 1) % len(draws)
        train, val = Cases.of(learn).cut_validation(config.validation_share, rng)
        label = f"draw {draws[test]} by draw {draws[index]}"
        folds.append(Fold(index, train, val, members[test].case_ids, label=label))
    return tuple(folds)


def _all_tested(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> tuple[Fold, ...]:
    """Test on every case, internal and external alike; nobody learns: for predictions made elsewhere."""
    return (Fold(0, (), (), cohort.case_ids, label="all cases"),)


@dataclass(frozen=True)
class Protocol:
    """How folds are cut, which parameters of a :class:`SplitConfig` that reads, which parts a fold has."""

    cut: Callable[["Cohort", "SplitConfig", np.random.Generator], tuple[Fold, ...]]
    parameters: tuple[str, ...] = ()
    parts: tuple[str, ...] = PARTS


PROTOCOLS: Mapping[str, Protocol] = {
    "internal": Protocol(_internal, ("test_share", "validation_share")),
    "internal_cv": Protocol(_internal_cv, ("folds", "validation_share")),
    "external_cv": Protocol(_external_cv, ("folds", "test_share", "validation_share")),
    "external_frozen": Protocol(_external_frozen, ("validation_share",)),
    "external_only_cv": Protocol(_external_only_cv, ("folds", "validation_share")),
    "leave_site_out": Protocol(_leave_site_out, ("validation_share",)),
    "leave_column_out": Protocol(_leave_column_out, ("column", "validation_share")),
    "given": Protocol(_given, ("file", "validation_share")),
    "across_draws": Protocol(_across_draws, ("validation_share",)),
    "all_tested": Protocol(_all_tested, parts=("test",)),
}


def _cut_internal(cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Train, val and test part of the internal cases."""
    learn = 1 - config.test_share
    shares = [learn * (1 - config.validation_share), learn * config.validation_share, config.test_share]
    return [part.ids for part in Cases.of(_group(cohort, config, "internal")).cut(shares, rng)]


def cross_validate(
    cohort: "Cohort", config: "SplitConfig", rng: np.random.Generator, group: str
) -> tuple[Fold, ...]:
    """Test on each of the equal parts in turn; the rest learns, a share of it as the validation part."""
    require_enough_patients(cohort, config, group)
    cases = Cases.of(cohort)
    folds = []
    for index, test in enumerate(cases.cut([1.0] * config.folds, rng)):
        train, val = cases.without(test).cut_validation(config.validation_share, rng)
        folds.append(Fold(index, train, val, test.ids, label=f"{group} fold {index}"))
    return tuple(folds)


def _group(cohort: "Cohort", config: "SplitConfig", group: str) -> "Cohort":
    """The cases of one group; raises SplitError where there are none."""
    found = tuple(compress(cohort.case_ids, cohort.groups == group))
    if not found:
        raise SplitError(
            f"split {config.name!r} needs {group} cases, cohort {cohort.name!r} has none among its "
            f"{len(cohort)}; mark them in the column 'group' of cases.csv, or use another split "
            f"(see `bench splits`)"
        )
    return cohort.take(found)


def _joined(*parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(case_id for part in parts for case_id in part))
