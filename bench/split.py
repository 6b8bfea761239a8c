"""Who learns and who is tested: named protocols that cut a cohort into folds, never through a patient."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.cohort import Cohort, Task
from bench.errors import SplitError
from bench.names import unknown_name
from bench.paths import configs_dir
from bench.stratify import quantile_bins, stratify

PARTS = ("train", "val", "test")
# Octiles keep the mean of a skewed label two to three times closer between folds than quartiles do, at no
# cost to the binary tasks.
TASK_BINS = 8
DRAW = "draw"
"""Column of cohorts that hold several draws of one population."""

_OTHER_SPLIT = "use another split (see `bench splits`) or other folds and shares in a split file of your own"


@dataclass(frozen=True)
class Fold:
    """Case ids of one fold's three parts, each sorted and disjoint from the others, patients included.

    Parameters
    ----------
    index
        Position in the split, from 0.
    train, val, test
        Who is learned from, who stops the learning early and sets thresholds, who is scored.
    label
        What tells this fold from the others, such as the site left out.
    """

    index: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True)
class SplitConfig:
    """A protocol with its parameters, as one flat TOML file states it.

    Parameters
    ----------
    name
        Stem of the file.
    protocol
        A key of :data:`PROTOCOLS`.
    title
        One line for lists.
    estimand
        One sentence for boards: which accuracy the numbers estimate.
    seed
        The split's own seed; training seeds are apart from it.
    folds
        Parts that a cross-validation cuts the tested cases into, at least 2.
    test_share
        Share of the internal cases that a hold-out cut sets aside, within (0, 1).
    validation_share
        Share of the validation part among the cases that it is cut from, train and val together, in (0, 1).
    """

    name: str
    protocol: str
    title: str
    estimand: str
    seed: int = 0
    folds: int = 5
    test_share: float = 0.2
    validation_share: float = 0.125

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise unknown_name("split protocol", self.protocol, PROTOCOLS, f"(split {self.name!r})")
        for key, least in (("seed", 0), ("folds", 2)):
            value = getattr(self, key)
            if type(value) is not int or value < least:
                raise SplitError(
                    f"split {self.name!r}: {key} must be a whole number >= {least}, got {value!r}"
                )
        for key in ("test_share", "validation_share"):
            value = getattr(self, key)
            if type(value) is not float or not 0 < value < 1:
                raise SplitError(f"split {self.name!r}: {key} must be a number in (0, 1), got {value!r}")

    @property
    def statement(self) -> str:
        """The protocol and the parameters that it uses, such as ``internal_cv folds=5 ...``."""
        used = PROTOCOLS[self.protocol].parameters
        return " ".join([self.protocol, *(f"{key}={getattr(self, key)!r}" for key in used)])


@dataclass(frozen=True)
class Split:
    """A protocol applied to one cohort: the folds, and what they estimate.

    Parameters
    ----------
    name, title, estimand, seed, validation_share
        As in the :class:`SplitConfig` that it was made from.
    folds
        In order.
    fingerprint
        SHA-256 of ``protocol``, ``seed`` and the folds' case ids, in hex; wording does not change it.
    protocol
        :attr:`SplitConfig.statement`.
    """

    name: str
    title: str
    estimand: str
    seed: int
    validation_share: float
    folds: tuple[Fold, ...]
    fingerprint: str
    protocol: str


def split_names() -> list[str]:
    """Names of the splits that are shipped, sorted."""
    return sorted(path.stem for path in _shipped_folder().glob("*.toml"))


def load_split_config(name_or_path: str | Path) -> SplitConfig:
    """Read a shipped split by its name, or any split file by a path that ends in ``.toml``.

    Raises
    ------
    UsageError
        For an unknown name or protocol, with the nearest ones.
    SplitError
        Where the file is absent, is no TOML, or has an unknown, unused, missing or impossible key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if str(name_or_path) not in split_names():
            raise unknown_name("split", str(name_or_path), split_names(), "See `bench splits`.")
        path = _shipped_folder() / f"{name_or_path}.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SplitError(f"split file {path} cannot be read: {error}") from error
    return _config_from(path, entries)


def make_split(cohort: Cohort, config: SplitConfig, seed: int | None = None) -> Split:
    """Cut a cohort by a protocol.

    The result depends on the cases, their patients, groups, sites and labels, and on the seed; not on the
    order of the cases.

    Parameters
    ----------
    cohort
        With labels.
    config
        The protocol.
    seed
        Replaces the config's.

    Raises
    ------
    SplitError
        Where the cohort does not allow the protocol; the message names the task, site or patient, the number
        found and the remedy. Tasks that are not ranked never block a split.
    """
    config = config if seed is None else replace(config, seed=seed)
    by_id = cohort.take(sorted(cohort.case_ids))
    folds = PROTOCOLS[config.protocol].cut(by_id, config, np.random.default_rng(config.seed))
    _require_parts(by_id, config, folds)
    for task in by_id.tasks:
        if task.ranked:
            _require_labels(by_id, config, folds, task)
    return Split(
        name=config.name,
        title=config.title,
        estimand=config.estimand,
        seed=config.seed,
        validation_share=config.validation_share,
        folds=folds,
        fingerprint=_fingerprint(config.statement, config.seed, folds),
        protocol=config.statement,
    )


def split_to_json(split: Split) -> str:
    """The whole split as JSON text; :func:`split_from_json` reads an equal one back."""
    return json.dumps(asdict(split), ensure_ascii=False, indent=1)


def split_from_json(text: str) -> Split:
    """Read what :func:`split_to_json` wrote.

    Raises
    ------
    SplitError
        Where the text is no split, or its folds are not those that its fingerprint was taken of.
    """
    try:
        entries = json.loads(text)
        folds = tuple(_fold_from(fold) for fold in entries.pop("folds"))
        split = Split(folds=folds, **entries)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SplitError(
            f"expected a split as JSON, got text that is none ({error}); make the split anew"
        ) from error
    found = _fingerprint(split.protocol, split.seed, split.folds)
    if found != split.fingerprint:
        raise SplitError(
            f"stored split {split.name!r} was altered: its folds have fingerprint {found[:12]}, "
            f"it states {split.fingerprint[:12]}; make the split anew"
        )
    return split


# Protocols. Each is handed a cohort sorted by case id and a fresh generator.


def _internal(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from one part of the internal cases, test on another."""
    train, val, test = _cut_internal(cohort, config, rng)
    return (Fold(0, train, val, test, label="internal test part"),)


def _internal_cv(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Cross-validate within the internal cases."""
    return _cross_validate(_group(cohort, config, "internal"), config, rng, "internal")


def _external_only_cv(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Cross-validate within the external cases."""
    return _cross_validate(_group(cohort, config, "external"), config, rng, "external")


def _external_cv(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from the internal training part and all external folds but one, test on that one.

    arXiv 2601.07001: "internal cases split 7:1:2, external cases in five-fold cross-validation". The internal
    cut is the one that ``internal`` makes with this seed, and its test part stays out, so that no method that
    was fitted here has learned from a case that ``internal`` tests on.
    """
    _refuse_shared_patients(cohort, config, "group")
    # The internal cut comes first, as in `internal`, so both read the same stretch of the generator.
    train, val, _ = _cut_internal(cohort, config, rng)
    external = _group(cohort, config, "external")
    _require_enough_patients(external, config, "external")
    tests = _cut(external, [1.0] * config.folds, rng)
    return tuple(
        Fold(index, _joined(train, *_others(tests, index)), val, test, label=f"external fold {index + 1}")
        for index, test in enumerate(tests)
    )


def _external_frozen(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Learn from internal cases alone, test on every external one."""
    _refuse_shared_patients(cohort, config, "group")
    train, val = _cut_validation(_group(cohort, config, "internal"), config, rng)
    test = _group(cohort, config, "external").case_ids
    return (Fold(0, train, val, test, label="all external cases"),)


def _leave_site_out(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
    """Test on each site in turn, internal and external alike, and learn from all the others."""
    sites = sorted(set(cohort.sites))
    if len(sites) < 2:
        raise SplitError(
            f"split {config.name!r} needs at least two sites, cohort {cohort.name!r} has {len(sites)} "
            f"({', '.join(sites)}); name each case's centre in the column 'site' of cases.csv, or "
            f"use another split (see `bench splits`)"
        )
    _refuse_shared_patients(cohort, config, "site")
    folds = []
    for index, site in enumerate(sites):
        test, learn = (
            tuple(cohort.table.index[mask]) for mask in (cohort.sites == site, cohort.sites != site)
        )
        train, val = _cut_validation(cohort.take(learn), config, rng)
        folds.append(Fold(index, train, val, test, label=str(site)))
    return tuple(folds)


def _across_draws(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> tuple[Fold, ...]:
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
    _refuse_shared_patients(internal, config, DRAW)
    members = [internal.take(internal.table.index[internal.table[DRAW] == draw]) for draw in draws]
    folds = []
    for index, learn in enumerate(members):
        test = (index + 1) % len(draws)
        train, val = _cut_validation(learn, config, rng)
        label = f"draw {draws[test]} by draw {draws[index]}"
        folds.append(Fold(index, train, val, members[test].case_ids, label=label))
    return tuple(folds)


@dataclass(frozen=True)
class Protocol:
    """How folds are cut, and which parameters of a :class:`SplitConfig` that reads."""

    cut: Callable[[Cohort, SplitConfig, np.random.Generator], tuple[Fold, ...]]
    parameters: tuple[str, ...]


PROTOCOLS: Mapping[str, Protocol] = {
    "internal": Protocol(_internal, ("test_share", "validation_share")),
    "internal_cv": Protocol(_internal_cv, ("folds", "validation_share")),
    "external_cv": Protocol(_external_cv, ("folds", "test_share", "validation_share")),
    "external_frozen": Protocol(_external_frozen, ("validation_share",)),
    "external_only_cv": Protocol(_external_only_cv, ("folds", "validation_share")),
    "leave_site_out": Protocol(_leave_site_out, ("validation_share",)),
    "across_draws": Protocol(_across_draws, ("validation_share",)),
}


def _cut_internal(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Train, val and test part of the internal cases."""
    learn = 1 - config.test_share
    shares = [learn * (1 - config.validation_share), learn * config.validation_share, config.test_share]
    return _cut(_group(cohort, config, "internal"), shares, rng)


def _cut_validation(cohort: Cohort, config: SplitConfig, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Train and val part of the cases that may be learned from."""
    return _cut(cohort, [1 - config.validation_share, config.validation_share], rng)


def _cross_validate(
    cohort: Cohort, config: SplitConfig, rng: np.random.Generator, group: str
) -> tuple[Fold, ...]:
    """Test on each of the equal parts in turn; the rest learns, a share of it as the validation part."""
    _require_enough_patients(cohort, config, group)
    tests = _cut(cohort, [1.0] * config.folds, rng)
    folds = []
    for index, test in enumerate(tests):
        train, val = _cut_validation(cohort.take(_joined(*_others(tests, index))), config, rng)
        folds.append(Fold(index, train, val, test, label=f"{group} fold {index + 1}"))
    return tuple(folds)


def _group(cohort: Cohort, config: SplitConfig, group: str) -> Cohort:
    """The cases of one group; raises SplitError where there are none."""
    found = tuple(cohort.table.index[cohort.groups == group])
    if not found:
        raise SplitError(
            f"split {config.name!r} needs {group} cases, cohort {cohort.name!r} has none among its "
            f"{len(cohort)}; mark them in the column 'group' of cases.csv, or use another split "
            f"(see `bench splits`)"
        )
    return cohort.take(found)


def _others(parts: Sequence[tuple[str, ...]], left_out: int) -> list[tuple[str, ...]]:
    return [part for index, part in enumerate(parts) if index != left_out]


def _joined(*parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(case_id for part in parts for case_id in part))


def _cut(cohort: Cohort, shares: Sequence[float], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Case ids of parts of the given shares: patients whole, all tasks and the site balanced at once."""
    part_of = stratify(cohort.patient_ids, _levels(cohort), shares, rng)
    return [tuple(cohort.table.index[part_of == part]) for part in range(len(shares))]


def _levels(cohort: Cohort) -> np.ndarray:
    """What is balanced, bool, shape (case, level): each site and each level of each task.

    A binary task has the levels 0 and 1, a continuous one its octiles, each a level more where labels are
    missing. Every level has a case.
    """
    columns = [cohort.sites == site for site in sorted(set(cohort.sites))]
    for task in cohort.tasks:
        labels = cohort.labels(task.name)
        known = ~np.isnan(labels)
        codes = np.full(len(labels), -1.0)
        codes[known] = labels[known] if task.kind == "binary" else quantile_bins(labels[known], TASK_BINS)
        columns += [codes == code for code in np.unique(codes)]
    return np.stack(columns, axis=1)


def inner_split(cohort: Cohort, split: Split, fold: int, folds: int) -> Split:
    """Cross-validate within the training part of one fold, so that its cases get predictions to choose by.

    Each training case is tested once, by a model that learned from other training cases of the fold alone;
    patients stay whole. No case of the fold's validation or test part takes part, nor does a label of theirs.
    The cut depends on the seed of the split and on the fold.

    Parameters
    ----------
    cohort, split
        With labels, and a split of it.
    fold
        Index of the fold whose training part is cut.
    folds
        Into how many parts, at least 2.

    Returns
    -------
    Split
        Named ``<split>/inner<fold>``.

    Raises
    ------
    SplitError
        The training part has too few patients of a class of a ranked task; or ``folds`` is below 2.
    """
    config = SplitConfig(
        name=f"{split.name}/inner{fold}",
        protocol=split.protocol.partition(" ")[0],
        title=f"{folds}-fold cross-validation of the training part of fold {fold} of {split.name}",
        estimand="Nothing that is reported: thresholds of that fold are chosen on it.",
        seed=split.seed,
        folds=folds,
        validation_share=split.validation_share,
    )
    training = cohort.take(sorted(split.folds[fold].train))
    cut = _cross_validate(training, config, np.random.default_rng([split.seed, fold]), "training")
    _require_parts(training, config, cut)
    statement = f"inner folds={folds} validation_share={split.validation_share!r} of {split.fingerprint}"
    return Split(
        name=config.name,
        title=config.title,
        estimand=config.estimand,
        seed=config.seed,
        validation_share=config.validation_share,
        folds=cut,
        fingerprint=_fingerprint(statement, config.seed, cut),
        protocol=statement,
    )


# What makes a split impossible.


def _refuse_shared_patients(cohort: Cohort, config: SplitConfig, column: str) -> None:
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


def _require_enough_patients(cohort: Cohort, config: SplitConfig, group: str) -> None:
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


def _require_parts(cohort: Cohort, config: SplitConfig, folds: tuple[Fold, ...]) -> None:
    """Raise SplitError where a part of a fold got no case."""
    patients = len(set(cohort.patient_ids))
    for fold in folds:
        for part in PARTS:
            if not getattr(fold, part):
                raise SplitError(
                    f"split {config.name!r}: the {part} part of fold {fold.index} ({fold.label}) got no case "
                    f"of the {patients} patient(s) of cohort {cohort.name!r}; {_OTHER_SPLIT}"
                )


def _require_labels(cohort: Cohort, config: SplitConfig, folds: tuple[Fold, ...], task: Task) -> None:
    """Raise SplitError unless a ranked task can be learned and scored.

    A fold whose test cases all lack the label does not score the task, as where a site that is left out never
    measured it. Some fold must score it, and one that does needs labels in train and test, of a binary task
    both classes.
    """
    labels = cohort.table[task.name].astype(float)
    scored = [fold for fold in folds if labels.loc[list(fold.test)].notna().any()]
    where = f"split {config.name!r}: task {task.name!r} has 0 cases with a"
    if not scored:
        raise SplitError(f"{where} known label among the tested cases; {_OTHER_SPLIT}, {_unranked(task)}")
    for fold in scored:
        for part in ("train", "test"):
            its = labels.loc[list(getattr(fold, part))].to_numpy()
            absent = [word for word, has in _label_kinds(task, its).items() if not has.any()]
            if absent:
                raise SplitError(
                    f"{where} {absent[0]} label among the {np.isfinite(its).sum()} labelled ones of the "
                    f"{part} part of fold {fold.index} ({fold.label}); {_OTHER_SPLIT}, {_unranked(task)}"
                )


def _label_kinds(task: Task, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The kinds of label that a task cannot do without, each with the cases that have it."""
    if task.kind == "binary":
        return {"negative": labels == 0, "positive": labels == 1}
    return {"known": ~np.isnan(labels)}


def _unranked(task: Task) -> str:
    return f"or set ranked = false for [tasks.{task.name}] in cohort.toml"


# Reading and identity.


def _shipped_folder() -> Path:
    return configs_dir() / "splits"


def _config_from(path: Path, entries: Mapping[str, Any]) -> SplitConfig:
    """The config of a parsed file; raises SplitError for a key that is unknown, unused or missing."""
    known = [field.name for field in fields(SplitConfig) if field.name != "name"]
    unknown = sorted(set(entries) - set(known))
    if unknown:
        raise SplitError(
            f"split file {path} has an unknown key {unknown[0]!r}; known keys: {', '.join(known)}"
        )
    missing = [key for key in ("protocol", "title", "estimand") if not isinstance(entries.get(key), str)]
    if missing:
        raise SplitError(f"split file {path} must give {missing[0]!r} as text")
    config = SplitConfig(name=path.stem, **entries)
    used = {"protocol", "title", "estimand", "seed", *PROTOCOLS[config.protocol].parameters}
    unused = sorted(set(entries) - used)
    if unused:
        raise SplitError(
            f"split file {path} sets {unused[0]!r}, which protocol {config.protocol!r} does not use: "
            f"remove it; it uses {', '.join(sorted(used))}"
        )
    return config


def _fold_from(entries: dict[str, Any]) -> Fold:
    """A fold of its JSON form, where parts are lists."""
    return Fold(**(entries | {part: tuple(entries[part]) for part in PARTS}))


def _fingerprint(protocol: str, seed: int, folds: tuple[Fold, ...]) -> str:
    cases = [[fold.train, fold.val, fold.test] for fold in folds]
    return hashlib.sha256(json.dumps([protocol, seed, cases]).encode()).hexdigest()
