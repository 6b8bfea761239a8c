"""Labels and covariates as cases.csv has them, from the words and numbers of a user's table."""

from collections import Counter

import numpy as np
import pandas as pd

from bench.cohorts.proposal import synonyms
from bench.cohorts.values import covariate


def binary_or_percentage(
    name: str, source: str, cells: "pd.Series[str]", notes: list[str]
) -> "pd.Series[str]":
    """Labels as cases.csv has them; what was made of the user's values is noted."""
    if name == "ki67":
        return _percentages(name, source, cells, notes)
    labels = cells.map(synonyms.binary_label)
    dash = cells.str.strip() == "-"
    if dash.any() and (labels[~dash] == "0").any():
        notes.append(f"{name}: '-' stands beside another word for negative and is taken as unknown")
        labels = labels.mask(dash, "")
    pairs = Counter(zip(cells.str.strip(), labels, strict=True))
    said = [f"{old!r} -> {new or 'unknown'} ({count})" for (old, new), count in pairs.items()]
    notes.append(f"{name}: {', '.join(said)}")
    return labels


def is_percentage(cells: "pd.Series[str]") -> bool:
    """Whether the known cells are numbers from 0 to 100, and not a yes and no in figures."""
    known = cells[~cells.map(synonyms.is_unknown)].map(synonyms.number)
    return bool(len(known)) and bool(known.between(0, 100).all()) and not known.isin([0, 1]).all()


def _percentages(name: str, source: str, cells: "pd.Series[str]", notes: list[str]) -> "pd.Series[str]":
    values = cells.map(synonyms.number)
    fraction = values.max() <= 1 and not cells.str.contains("%").any() and "%" not in source
    if fraction:
        notes.append(
            f"{name}: values from {values.min():g} to {values.max():g} are taken as fractions, times 100"
        )
        values = (100 * values).round(6)
    elif ((values > 0) & (values < 1)).any():
        small = int(((values > 0) & (values < 1)).sum())
        notes.append(
            f"{name}: {small} values lie between 0 and 1 and are kept as percentage points; multiply "
            "those that are fractions by 100"
        )
    return values.map(lambda value: "" if np.isnan(value) else f"{value:g}")


def known_covariate(cells: "pd.Series[str]") -> "pd.Series[str]":
    """The cells as they are, but numbers with a decimal point, and what is unknown empty.

    Among words ``None`` is one: no family history is not an unknown one.
    """
    stripped = cells.str.strip()
    known = stripped.where(~cells.map(synonyms.is_unknown), "")
    if covariate(known)[1].any() or not pd.api.types.is_numeric_dtype(covariate(known)[0]):
        return known.where(~stripped.str.lower().isin(["none"]), stripped)
    return known.map(lambda cell: cell.replace(",", ".") if cell.count(",") == 1 else cell)
