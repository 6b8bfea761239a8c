"""A split by its name, among those of the benchmark and of plugins."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.errors import UsageError
from bench.methods.registry import Registry, load_registry
from bench.splits.config import SplitConfig, load_split_config
from bench.splits.spec import SplitSpec


def split_named(name: str | Path, plugins: Iterable[Path] = ()) -> SplitConfig:
    """The split of that name; plugins are loaded only where the benchmark has none of it.

    Parameters
    ----------
    name
        As :func:`bench.splits.config.load_split_config` takes it, or the name of a plugin's split.
    plugins
        Plugin files, beside the installed plugins and ``$BENCH_PLUGINS``.

    Raises
    ------
    UsageError
        There is no such split or protocol; the message names plugins that failed to load.
    SplitError
        A file that is no split.
    """
    loaded: list[Registry] = []

    def offered() -> Mapping[str, SplitSpec]:
        loaded.append(load_registry(plugins))
        return loaded[-1].splits

    try:
        return load_split_config(name, offered)
    except UsageError as error:
        broken = loaded[-1].told_broken if loaded else ""
        raise UsageError(f"{error} {broken}") if broken else error from None
