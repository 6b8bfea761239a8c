"""Which values of the masks are the lesion, as ``lesion_label`` of cohort.toml or cases.csv declares it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.cohorts.checking.violation import Tell, Violation

LESION_LABEL = "lesion_label"


def lesion_labels(
    folder: Path, header: Mapping[str, Any], cases: pd.DataFrame, tell: Tell
) -> dict[str, tuple[float, ...]]:
    """Values that are the lesion, by case id; no entry where none is declared.

    ``lesion_label`` in cohort.toml is a number or a list of numbers, for all cases; a column of cases.csv
    holds a number, or several joined by ``+``, and goes before it where it is not empty.
    """
    common: tuple[float, ...] = ()
    if LESION_LABEL in header:
        declared = header[LESION_LABEL]
        values = declared if isinstance(declared, list) else [declared]
        if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            common = tuple(float(value) for value in values)
        else:
            detail = (
                f"{folder / 'cohort.toml'}: lesion_label must be a number or a list of them, got {declared!r}"
            )
            tell(Violation("cohort.toml", f"{detail}; correct it"))
    if not common and LESION_LABEL not in cases:
        return {}
    ids = list(cases["case_id"]) if "case_id" in cases else []
    column = cases[LESION_LABEL] if LESION_LABEL in cases else [None] * len(ids)
    labels = {
        str(key): _of_case(folder, str(key), cell, tell) or common
        for key, cell in zip(ids, column, strict=True)
    }
    return {case_id: values for case_id, values in labels.items() if values}


def _of_case(folder: Path, case_id: str, cell: Any, tell: Tell) -> tuple[float, ...]:
    """The values of one cell, none where it is empty or invalid."""
    text = "" if cell is None or cell != cell else str(cell)
    try:
        return tuple(float(word) for word in text.replace("+", " ").split())
    except ValueError:
        what = f"case {case_id!r} has lesion_label = {text}, expected a number, or several as 1+2"
        tell(Violation("label of the lesion", f"{folder / 'cases.csv'}: {what}; correct it", case_id))
        return ()
