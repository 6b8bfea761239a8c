"""What there is: methods, splits, cohorts."""

from typing import Any

from bench.cli.options import FormatOption, PluginOption
from bench.listing import Format, print_rows


def methods(plugin: PluginOption = None, wanted: FormatOption = Format.table) -> None:
    """List the methods, whether each can run here, and plugins that failed to load."""
    from bench.registry import load_registry, unavailable_reason

    registry = load_registry(plugin or ())
    rows: list[dict[str, Any]] = []
    for name, spec in registry.specs.items():
        reason = unavailable_reason(spec)
        status = "ready" if reason is None else f"unavailable: {reason}"
        rows.append(
            {"method": name, "status": status, "plugin": registry.plugins[name], "summary": spec.summary}
        )
    rows += [
        {"method": "", "status": f"broken: {its.error}", "plugin": its.plugin, "summary": ""}
        for its in registry.broken
    ]
    print_rows(rows, wanted, "Methods")


def splits(wanted: FormatOption = Format.table) -> None:
    """List the splits."""
    from bench.split import load_split_config, split_names

    configs = [load_split_config(name) for name in split_names()]
    rows = [{"split": its.name, "estimand": its.estimand, "summary": its.title} for its in configs]
    print_rows(rows, wanted, "Splits")


def cohorts(wanted: FormatOption = Format.table) -> None:
    """List the phantom scenarios; a folder with a cohort.toml is a cohort too."""
    from bench.cohorts.catalogue import phantom_folder
    from bench.cohorts.phantom import SCENARIOS

    rows = [
        {
            "cohort": name,
            "kind": "synthetic",
            "status": "made" if (phantom_folder(name) / "cohort.toml").is_file() else "made at first use",
            "summary": its.summary,
        }
        for name, its in SCENARIOS.items()
    ]
    print_rows(rows, wanted, "Cohorts (or the path of a cohort folder)")
