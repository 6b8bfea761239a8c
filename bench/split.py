"""Who learns and who is tested: named protocols that cut a cohort into folds, never through a patient."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.cohorts.cohort import Cohort
from bench.errors import SplitError
from bench.folds import PARTS, Fold
from bench.names import unknown_name
from bench.paths import configs_dir
from bench.protocols import PROTOCOLS, TASK_BINS, cross_validate
from bench.requirements import require_labels, require_parts

__all__ = [
    "PARTS",
    "PROTOCOLS",
    "SEED_MARK",
    "TASK_BINS",
    "Fold",
    "Split",
    "SplitConfig",
    "inner_split",
    "load_split_config",
    "make_split",
    "split_from_json",
    "split_names",
    "split_to_json",
    "with_seed",
]

SEED_MARK = "@"
"""What stands between the name of a split and another seed than its own."""


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

    @property
    def learns(self) -> bool:
        """Whether there are cases to fit a method on."""
        return any(fold.train for fold in self.folds)


def split_names() -> list[str]:
    """Names of the splits that are shipped, sorted."""
    return sorted(path.stem for path in _shipped_folder().glob("*.toml"))


def load_split_config(name_or_path: str | Path) -> SplitConfig:
    """Read a shipped split by its name, or any split file by a path that ends in ``.toml``.

    ``NAME@SEED`` is the same with another seed, as ``internal_cv@3``.

    Raises
    ------
    UsageError
        For an unknown name or protocol, with the nearest ones.
    SplitError
        Where the file is absent, is no TOML, or has an unknown, unused, missing or impossible key.
    """
    if matched := re.fullmatch(rf"(.+){SEED_MARK}(\d+)", str(name_or_path)):
        return with_seed(load_split_config(matched[1]), int(matched[2]))
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


def with_seed(config: SplitConfig, seed: int) -> SplitConfig:
    """The protocol with another seed, named ``NAME@SEED``; the same one where the seed is the one it has."""
    name = f"{config.name}{SEED_MARK}{seed}"
    return config if seed == config.seed else replace(config, name=name, seed=seed)


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
    protocol = PROTOCOLS[config.protocol]
    folds = protocol.cut(by_id, config, np.random.default_rng(config.seed))
    require_parts(by_id, config, folds, protocol.parts)
    for task in by_id.tasks:
        if task.ranked:
            require_labels(by_id, config, folds, task, protocol.parts)
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
    cut = cross_validate(training, config, np.random.default_rng([split.seed, fold]), "training")
    require_parts(training, config, cut)
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
