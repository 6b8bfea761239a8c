"""The configuration of a split: a protocol with its parameters, as a TOML file states them."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bench.errors import SplitError, unknown_name
from bench.files import configs_dir
from bench.splits.protocols import PROTOCOLS
from bench.splits.spec import POPULATION_MARK, SplitSpec

SEED_MARK = "@"
"""What stands between the name of a split and another seed than its own."""
SIZE_MARK = ":n="
"""What stands between the name of a split and the number of patients that each fold learns from."""
TABLES = (".csv", ".tsv", ".xlsx")
"""How a file of folds ends."""
Offered = Callable[[], Mapping[str, SplitSpec]]
"""Finds the splits of plugins by name; called only for a name that is no split of the benchmark."""
# What no key of a split file sets.
_OWN = ("name", "patients", "offer", "params")


@dataclass(frozen=True)
class SplitConfig:
    """A protocol with its parameters, as one flat TOML file states it.

    Parameters
    ----------
    name
        Stem of the file.
    protocol
        A key of :data:`PROTOCOLS`, or the name of ``offer``.
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
    column
        Of ``cases.csv``, each value of which is left out in turn.
    file
        A table of folds, see :func:`bench.splits.given.given_folds`; beside the split's own file where it is
        no whole path. The cases of the folds count for the split's identity, not where the file lies.
    patients
        How many patients of each fold's training part are learned from, see
        :func:`bench.splits.fewer.with_fewer`; 0 for all of them.
    offer
        The split of a plugin whose function cuts, None for a protocol of the benchmark.
    params
        Parameters of that function.

    Examples
    --------
    >>> import bench
    >>> bench.SplitConfig("three", "internal_cv", "Three folds", "AUC within the centres.", folds=3).seed
    0
    >>> bench.SplitConfig("none", "internal_cv", "No fold", "Nothing.", folds=1)
    Traceback (most recent call last):
        ...
    bench.errors.SplitError: split 'none': folds must be a whole number >= 2, got 1
    """

    name: str
    protocol: str
    title: str
    estimand: str
    seed: int = 0
    folds: int = 5
    test_share: float = 0.2
    validation_share: float = 0.125
    column: str = ""
    file: str = ""
    patients: int = 0
    offer: SplitSpec | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.offer is None and self.protocol not in PROTOCOLS:
            raise unknown_name("split protocol", self.protocol, PROTOCOLS, f"(split {self.name!r})")
        for key, least in (("seed", 0), ("folds", 2), ("patients", 0)):
            value = getattr(self, key)
            if type(value) is not int or value < least:
                raise SplitError(
                    f"split {self.name!r}: {key} must be a whole number >= {least}, got {value!r}"
                )
        for key in ("test_share", "validation_share"):
            value = getattr(self, key)
            if type(value) is not float or not 0 < value < 1:
                raise SplitError(f"split {self.name!r}: {key} must be a number in (0, 1), got {value!r}")
        for key in {"column", "file"} & {*self.parameters}:
            if type(getattr(self, key)) is not str or not getattr(self, key):
                raise SplitError(f"split {self.name!r}: {key} must be a name, got {getattr(self, key)!r}")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of this configuration that its protocol uses."""
        return PROTOCOLS[self.protocol].parameters if self.offer is None else ("validation_share",)

    @property
    def statement(self) -> str:
        """The protocol and the parameters that it uses, such as ``internal_cv folds=5 ...``."""
        used = {key: getattr(self, key) for key in self.parameters if key != "file"} | dict(self.params)
        marks = [POPULATION_MARK] if self.offer is not None and self.offer.one_population else []
        fewer = [f"patients={self.patients}"] if self.patients else []
        return " ".join([self.protocol, *(f"{key}={value!r}" for key, value in used.items()), *fewer, *marks])


def split_names() -> list[str]:
    """Names of the splits that are shipped, sorted."""
    return sorted(path.stem for path in _shipped_folder().glob("*.toml"))


def _none_offered() -> Mapping[str, SplitSpec]:
    return {}


def load_split_config(name_or_path: str | Path, offered: Offered = _none_offered) -> SplitConfig:
    """Read a split by its name, a split file by a path that ends in ``.toml``, or a table of folds.

    ``NAME@SEED`` is the same with another seed, as ``internal_cv@3``; ``NAME:n=PATIENTS`` tests the same
    cases and learns from so many patients a fold, as ``internal:n=100``.

    Parameters
    ----------
    offered
        Finds the splits of plugins.

    Raises
    ------
    UsageError
        For an unknown name or protocol, with the nearest ones.
    SplitError
        Where the file is absent, is no TOML, or has an unknown, unused, missing or impossible key.
    """
    name, patients = named_and_size(str(name_or_path))
    if patients is not None:
        return with_size(load_split_config(name, offered), patients)
    name, seed = named_and_seed(str(name_or_path))
    if seed is not None:
        return with_seed(load_split_config(name, offered), seed)
    path = Path(name_or_path)
    if path.suffix in TABLES:
        return given(path)
    if path.suffix != ".toml":
        if str(name_or_path) not in split_names():
            return _offered_config(str(name_or_path), offered())
        path = _shipped_folder() / f"{name_or_path}.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SplitError(f"split file {path} cannot be read: {error}") from error
    return _config_from(path, entries, offered)


def named_and_seed(split: str) -> tuple[str, int | None]:
    """``NAME`` and 3 of ``NAME@3``, None of ``NAME``."""
    matched = re.fullmatch(rf"(.+){SEED_MARK}(\d+)", split)
    return (matched[1], int(matched[2])) if matched else (split, None)


def named_and_size(split: str) -> tuple[str, int | None]:
    """``NAME`` and 100 of ``NAME:n=100``, None of ``NAME``."""
    matched = re.fullmatch(rf"(.+){SIZE_MARK}([1-9]\d*)", split)
    return (matched[1], int(matched[2])) if matched else (split, None)


def given(file: Path) -> SplitConfig:
    """The split of the folds in a table: see :func:`bench.splits.given.given_folds`."""
    if not file.is_file():
        raise SplitError(f"no file {file}; name a table of folds, or a split (see `bench splits`)")
    title = f"The folds of {file.name}"
    return SplitConfig(
        file.stem, "given", title, f"Accuracy on the tested cases of {file.name}.", file=str(file)
    )


def with_seed(config: SplitConfig, seed: int) -> SplitConfig:
    """The protocol with another seed, named ``NAME@SEED``; the same one where the seed is the one it has."""
    name = f"{config.name}{SEED_MARK}{seed}"
    return config if seed == config.seed else replace(config, name=name, seed=seed)


def with_size(config: SplitConfig, patients: int) -> SplitConfig:
    """The protocol with so many patients to learn from in each fold, named ``NAME:n=PATIENTS``."""
    return replace(config, name=f"{config.name}{SIZE_MARK}{patients}", patients=patients)


def _shipped_folder() -> Path:
    return configs_dir() / "splits"


def offered_config(spec: SplitSpec) -> SplitConfig:
    """The configuration of a plugin's split as the plugin offers it."""
    return SplitConfig(
        spec.name,
        spec.name,
        spec.title,
        spec.estimand,
        seed=spec.seed,
        validation_share=spec.validation_share,
        offer=spec,
        params=dict(spec.params),
    )


def _offered_config(name: str, offered: Mapping[str, SplitSpec]) -> SplitConfig:
    if name not in offered:
        raise unknown_name("split", name, [*split_names(), *offered], "See `bench splits`.")
    return offered_config(offered[name])


def _config_from(path: Path, entries: Mapping[str, Any], offered: Offered) -> SplitConfig:
    """The config of a parsed file; raises SplitError for a key that is unknown, unused or missing."""
    spec = _spec_named(entries.get("protocol"), offered)
    known = [field.name for field in fields(SplitConfig) if field.name not in _OWN]
    params = {} if spec is None else {**spec.params, **_taken(entries, spec.params)}
    unknown = sorted(set(entries) - {*known, *params})
    if unknown:
        raise SplitError(
            f"split file {path} has an unknown key {unknown[0]!r}; known keys: {', '.join((*known, *params))}"
        )
    missing = [key for key in ("protocol", "title", "estimand") if not isinstance(entries.get(key), str)]
    if missing:
        raise SplitError(f"split file {path} must give {missing[0]!r} as text")
    if isinstance(entries.get("file"), str):
        entries = {**entries, "file": str(path.parent / entries["file"])}
    for key, default in (spec.params if spec else {}).items():
        if type(params[key]) is not type(default):
            raise SplitError(
                f"split file {path}: {key} must be of the type of {default!r}, its default, got "
                f"{params[key]!r}"
            )
    config = SplitConfig(path.stem, **_taken(entries, known, but=params), offer=spec, params=params)
    used = {"protocol", "title", "estimand", "seed", *config.parameters, *params}
    unused = sorted(set(entries) - used)
    if unused:
        raise SplitError(
            f"split file {path} sets {unused[0]!r}, which protocol {config.protocol!r} does not use: "
            f"remove it; it uses {', '.join(sorted(used))}"
        )
    return config


def _spec_named(protocol: Any, offered: Offered) -> SplitSpec | None:
    """The plugin's split whose function a split file names as the protocol, or None."""
    if protocol in PROTOCOLS or not isinstance(protocol, str):
        return None
    found = offered()
    if protocol not in found:
        raise unknown_name("split protocol", protocol, [*PROTOCOLS, *found])
    return found[protocol]


def _taken(entries: Mapping[str, Any], names: Collection[str], but: Collection[str] = ()) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key in names and key not in but}
