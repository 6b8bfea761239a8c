"""Table 1: the characteristics of a cohort's cases, in all and by site or group."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from bench.report.table import Column, Table, TableCell

CHARACTERISTIC = Column("characteristic", "Characteristic", "left")
MISSING = Column("missing", "Missing")
ALL = "All"
PATIENTS = "patients"
COUNTED = ("patient_id", "site", "group")
# Numbers of which there are so few different ones are counted one by one, as field strengths are.
FEW_NUMBERS = 3
NOTE = (
    "Numbers: median [first and third quartile] of the cases in which they are known. Words: cases (per cent "
    "of those in which it is known). A patient with several cases counts with each of them, except in the "
    "line of patients. No test: differences between sites are described, not inferred."
)
NARROW = "A narrow terminal leaves out what does not fit; --out has every column."

Cases = Mapping[str, pd.DataFrame]
Record = dict[str, str | int | float | None]


def characteristics_table(cases: pd.DataFrame, name: str, synthetic: bool, by: str = "site") -> Table:
    """Table 1 of a cohort.

    Parameters
    ----------
    cases
        One row a case: ``patient_id``, ``site``, ``group``, then a column a characteristic, numbers or
        words, missing where unknown; see :func:`bench.cohorts.characteristics.characteristics`.
    name
        Of the cohort.
    synthetic
        Whether no patient is real.
    by
        ``site`` or ``group``: what the table is divided by.

    Returns
    -------
    Table
        A column for all cases and one a site or group; records hold the same as numbers.
    """
    inside = {str(part): members for part, members in cases.groupby(by, sort=True)}
    parts = {ALL: cases, **(inside if len(inside) > 1 else {})}
    records = [record for column in _lines(cases) for record in _records_of(column, parts)]
    columns = (CHARACTERISTIC, *(Column(part, part, spare=part != ALL, kept=True) for part in parts), MISSING)
    return Table(
        title=f"Characteristics of {name}",
        synthetic=synthetic,
        columns=columns,
        rows=tuple(_rows(records, list(parts))),
        brief=(NOTE, *([NARROW] if len(parts) > 1 else [])),
        notes=(NOTE,),
        records=tuple(records),
        csv_columns=tuple(records[0]),
        facts={"cohort": name, "by": by},
    )


def _lines(cases: pd.DataFrame) -> Iterator["pd.Series[str] | pd.Series[float]"]:
    """What the table tells of, from the number of patients on."""
    yield cases["patient_id"]
    for column in cases.columns.drop(list(COUNTED)):
        values = cases[column]
        counted = not pd.api.types.is_numeric_dtype(values) or values.nunique() <= FEW_NUMBERS
        yield values.map(_word, na_action="ignore").astype(object) if counted else values.astype(float)


def _word(value: object) -> str:
    """A level as it is written; whole numbers without a point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _records_of(values: "pd.Series[str] | pd.Series[float]", parts: Cases) -> Iterator[Record]:
    """The numbers of a characteristic: a record a level, if it has levels, and part."""
    people = values.name == "patient_id"
    for level in [""] if people or values.dtype != object else sorted(values.dropna().unique()):
        for part, inside in parts.items():
            mine = values[inside.index]
            known = mine.dropna()
            record: Record = {
                "characteristic": PATIENTS if people else str(values.name),
                "level": level,
                "part": part,
                "cases": len(mine),
                "known": len(known),
                "missing": len(mine) - len(known),
            }
            yield record | _summary(known, level, people)


def _summary(known: "pd.Series[str] | pd.Series[float]", level: str, people: bool) -> Record:
    """Count and per cent, or quartiles; None where there is no such number."""
    empty: Record = dict.fromkeys(("count", "percent", "median", "q1", "q3"))
    if people:
        return empty | {"count": int(known.nunique())}
    if known.dtype == object:
        count = int((known == level).sum())
        return empty | {"count": count, "percent": round(100 * count / len(known), 4) if len(known) else None}
    numbers = known.to_numpy(dtype=float)
    quartiles = np.quantile(numbers, (0.5, 0.25, 0.75)).round(6).tolist() if len(known) else [None] * 3
    return empty | dict(zip(("median", "q1", "q3"), quartiles, strict=True))


def _rows(records: list[Record], parts: list[str]) -> Iterator[dict[str, TableCell]]:
    """A row a level, records of the parts side by side."""
    for start in range(0, len(records), len(parts)):
        side = records[start : start + len(parts)]
        first = side[0]
        cells = {part: TableCell(_text(record)) for part, record in zip(parts, side, strict=True)}
        missing = str(first["missing"]) if first["missing"] else "-"
        yield {"characteristic": TableCell(_name(first)), **cells, "missing": TableCell(missing)}


def _name(record: Record) -> str:
    """What a row tells of."""
    if record["characteristic"] == PATIENTS:
        return "patients / cases"
    name = str(record["characteristic"])
    return f"{name}: {record['level']}" if record["level"] else name


def _text(record: Record) -> str:
    """A record as the cell of a table."""
    if record["characteristic"] == PATIENTS:
        return f"{record['count']} / {record['cases']}"
    if not record["known"]:
        return "-"
    if record["median"] is not None:
        return f"{record['median']:.3g} [{record['q1']:.3g}, {record['q3']:.3g}]"
    return f"{record['count']} ({record['percent']:.1f} %)"
