"""A cohort by its name, among those of the benchmark and of plugins."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.cohorts.catalogue import open_cohort, open_listed
from bench.cohorts.cohort import Cohort
from bench.cohorts.fingerprint import content_hashes
from bench.cohorts.sources.kept import kept_folder
from bench.cohorts.sources.spec import CohortSource, CohortSpec
from bench.errors import CohortError, UsageError
from bench.methods.distributions import versions
from bench.methods.fingerprint import code_fingerprint, used_modules
from bench.methods.registry import Registry, load_registry


class _Offered:
    """The cohorts of plugins, which are loaded when they are asked for."""

    def __init__(self, plugins: Iterable[Path]) -> None:
        self.plugins = tuple(plugins)
        self.registry: Registry | None = None

    def __call__(self) -> Mapping[str, Callable[[bool], Path]]:
        self.registry = load_registry(self.plugins)
        return {name: partial(cohort_folder, spec) for name, spec in self.registry.cohorts.items()}

    @property
    def broken(self) -> str:
        """Which plugins failed to load, where they were asked for."""
        return self.registry.told_broken if self.registry else ""


def cohort_named(
    name: str | Sequence[str],
    plugins: Iterable[Path] = (),
    *,
    quiet: bool = False,
    skip_broken: bool = False,
    drop: Sequence[str] = (),
    id_map: Path | None = None,
) -> Cohort:
    """The cohort of that name; plugins are loaded only where it is no phantom and no folder.

    Parameters
    ----------
    name, quiet, skip_broken, drop, id_map
        As of :func:`bench.cohorts.catalogue.open_cohort`.
    plugins
        Plugin files, beside the installed plugins and ``$BENCH_PLUGINS``.

    Raises
    ------
    UsageError
        There is no such cohort; the message names plugins that failed to load.
    CohortError
        The cohort is not valid, or its source cannot be read.
    """
    return _told(_Offered(plugins), partial(open_cohort, name, quiet, skip_broken, drop, id_map))


def cohort_listed(
    name: str, plugins: Iterable[Path] = (), *, quiet: bool = False, skip_broken: bool = False
) -> Cohort:
    """As :func:`cohort_named`, but of a phantom that was not made yet only what its tables say."""
    return _told(_Offered(plugins), partial(open_listed, name, quiet, skip_broken))


def cohort_folder(spec: CohortSpec, quiet: bool = False) -> Path:
    """The folder of a plugin's cohort in the cache; its cases are read where they were not yet.

    Raises
    ------
    CohortError
        A file that it declares is missing; it declares none and has no version; or it cannot be read.
    """
    opener, paths = spec.opener(), spec.paths()
    try:
        source = opener(*paths)
    except Exception as error:  # a stranger's source may raise anything
        cause = f"{type(error).__name__}: {error}"
        raise CohortError(f"cohort {spec.name!r} ({spec.target}) cannot be opened: {cause}") from error
    return kept_folder(spec, source, _key(spec, source, paths), quiet)


def _key(spec: CohortSpec, source: CohortSource, paths: Sequence[Path]) -> str:
    """Hash of what the cases are read by and from."""
    version = getattr(source, "version", None)
    if version is None and not paths:
        raise CohortError(
            f"cohort {spec.name!r} declares no files and its source has no version(); give one of the two, "
            "so that a change of its cases is noticed"
        )
    read_from = [content_hashes(path.parent, [path.name]) for path in paths]
    read_by = [code_fingerprint(spec), versions(used_modules(spec))]
    stated = "" if version is None else str(version())
    return hashlib.sha256(json.dumps([read_by, read_from, stated], sort_keys=True).encode()).hexdigest()


def _told(offered: _Offered, opened: Callable[..., Cohort]) -> Cohort:
    """The cohort; where there is none, plugins that failed to load are named too."""
    try:
        return opened(offered=offered)
    except UsageError as error:
        raise UsageError(f"{error.args[0]} {offered.broken}") if offered.broken else error from None
