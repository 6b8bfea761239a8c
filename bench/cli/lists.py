"""What there is: methods, splits, cohorts."""

import sys
from typing import TYPE_CHECKING, Any

from bench.cli.options import FormatOption, PluginOption
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows

if TYPE_CHECKING:
    from bench.methods.registry import Registry


def methods(plugin: PluginOption = None, wanted: FormatOption = Format.table) -> None:
    """List the methods, and whether each can run here.

    Below stand the modifications, for NAME+MODIFICATION, and plugins that failed to load, with the error.
    """
    from bench.methods.registry import load_registry, unavailable_reason

    registry = load_registry(plugin or ())
    rows: list[dict[str, Any]] = []
    for name, spec in registry.specs.items():
        reason = unavailable_reason(spec)
        status = "ready" if reason is None else f"unavailable: {reason}"
        rows.append(
            {"method": name, "status": status, "plugin": registry.plugins[name], "summary": spec.summary}
        )
    rows += [
        {
            "method": f"NAME+{name}",
            "status": "modification",
            "plugin": registry.modification_plugins[name],
            "summary": f"NAME {change.summary}; for {change.applies_to}",
        }
        for name, change in registry.modifications.items()
    ]
    rows += [
        {"method": "", "status": f"broken: {broken.error}", "plugin": broken.plugin, "summary": ""}
        for broken in registry.broken
    ]
    print_rows(rows, wanted, "Methods")


def splits(plugin: PluginOption = None, wanted: FormatOption = Format.table) -> None:
    """List the splits, those of plugins too."""
    from bench.methods.registry import BUILT_IN, load_registry
    from bench.splits.config import load_split_config, offered_config, split_names

    registry = load_registry(plugin or ())
    configs = [load_split_config(name) for name in split_names()]
    configs += [offered_config(spec) for spec in registry.splits.values()]
    rows = [
        {
            "split": config.name,
            "estimand": config.estimand,
            "summary": config.title,
            "plugin": registry.split_plugins.get(config.name, BUILT_IN),
        }
        for config in configs
    ]
    print_rows(rows, wanted, "Splits")
    _tell_broken(registry)


def cohorts(plugin: PluginOption = None, wanted: FormatOption = Format.table) -> None:
    """List the phantom scenarios, and the cohorts of plugins.

    The path of a folder with a cohort.toml takes the place of a name wherever a cohort is asked for.
    """
    from bench.cohorts.catalogue import phantom_folder
    from bench.cohorts.phantom import SCENARIOS
    from bench.methods.registry import BUILT_IN, load_registry

    registry = load_registry(plugin or ())
    rows = [
        {
            "cohort": name,
            "kind": "synthetic",
            "status": "made" if (phantom_folder(name) / "cohort.toml").is_file() else "made at first use",
            "summary": value.summary,
            "plugin": BUILT_IN,
        }
        for name, value in SCENARIOS.items()
    ]
    rows += [
        {
            "cohort": name,
            "kind": "of a plugin",
            "status": "read at first use",
            "summary": spec.summary,
            "plugin": registry.cohort_plugins[name],
        }
        for name, spec in registry.cohorts.items()
    ]
    print_rows(rows, wanted, "Cohorts (or the path of a cohort folder)")
    _tell_broken(registry)


def _tell_broken(registry: "Registry") -> None:
    """Name plugins that failed to load, which may be where something was expected to come from."""
    if registry.broken:
        print(f"bench: {registry.told_broken}", file=sys.stderr)
