"""What each method cost to fit and to predict, as a table."""

from collections.abc import Mapping
from typing import Any

from bench.predictions.results import MethodResult, Results
from bench.report.columns import NOTHING
from bench.report.table import Column, Table, TableCell

COLUMNS = (
    Column("method", "Method", "left"),
    Column("cells", "Cells"),
    Column("fit_seconds", "Fit s"),
    Column("predict_seconds", "Predict s"),
    Column("peak_memory_mb", "Peak MB"),
    Column("energy_joules", "Energy kJ"),
    Column("parameters", "Parameters"),
    Column("device", "Device", "left"),
    Column("threads", "Threads"),
)
HOW_MEASURED = (
    "Fit s and Predict s: seconds summed over the finished cells of a method. Peak MB: the most memory that "
    "one of its cells took. A dash stands where no record tells."
)
ENERGY = (
    "Energy kJ: what the machine's counters told while a method's finished cells loaded, fitted and "
    "predicted, summed where all of them tell. It is that of {covers}, whole, whoever used it: cells that "
    "ran at the same moment each have all of it."
)


def cost_table(results: Results) -> Table | None:
    """One row a method, in the order of the results; None where no cell recorded its cost."""
    records = tuple(_record(method) for method in results.methods if method.records)
    if not records:
        return None
    return Table(
        title=f"Cost: {results.cohort}, {results.split}",
        synthetic=results.synthetic,
        columns=COLUMNS,
        rows=tuple({column.name: _cell(record, column.name) for column in COLUMNS} for record in records),
        brief=(HOW_MEASURED, *_energy_notes(results)),
        notes=(
            HOW_MEASURED,
            *_energy_notes(results),
            *([f"Hardware: {results.hardware}."] if results.hardware else []),
        ),
        records=records,
        csv_columns=tuple(column.name for column in COLUMNS),
        facts={},
    )


def _record(method: MethodResult) -> dict[str, Any]:
    cells = method.records
    return {
        "method": method.label,
        "cells": len(cells),
        "fit_seconds": _total(cells, "fit_seconds"),
        "predict_seconds": _total(cells, "predict_seconds"),
        "peak_memory_mb": max((known for known in _known(cells, "peak_memory_mb")), default=None),
        "energy_joules": _joules(cells),
        "parameters": method.parameters,
        "device": ", ".join(sorted(set(map(str, _known(cells, "device"))))) or None,
        "threads": max(_known(cells, "threads"), default=None),
    }


def _known(cells: tuple[Mapping[str, Any], ...], name: str) -> list[Any]:
    return [cell[name] for cell in cells if cell.get(name) is not None]


def _total(cells: tuple[Mapping[str, Any], ...], name: str) -> float | None:
    known = _known(cells, name)
    return round(sum(known), 3) if known else None


def _joules(cells: tuple[Mapping[str, Any], ...]) -> float | None:
    """Energy of processor and GPU over all cells; None where one of them does not tell."""
    told = [
        sum(value for name, value in cell["energy"].items() if name.endswith("joules"))
        for cell in cells
        if cell.get("energy")
    ]
    return round(sum(told), 3) if len(told) == len(cells) else None


def _energy_notes(results: Results) -> list[str]:
    """What the counters cover, where some record tells of energy."""
    told = [cell["energy"] for method in results.methods for cell in method.records if cell.get("energy")]
    parts = {value: None for one in told for name, value in one.items() if name.endswith("covers")}
    return [ENERGY.format(covers=" and ".join(parts))] if parts else []


def _cell(record: Mapping[str, Any], name: str) -> TableCell:
    value = record[name]
    if value is None:
        return NOTHING
    if name == "energy_joules":
        return TableCell(f"{value / 1000:,.3g}")
    if isinstance(value, str):
        return TableCell(value)
    return TableCell(f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")
