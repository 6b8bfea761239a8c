"""Groups of cases by a covariate, lesion size or site: ``age:50``, ``lesion_size:tertiles``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from bench.errors import UsageError, unknown_name

UNKNOWN = "unknown"
PARTS = {"halves": 2, "tertiles": 3, "quartiles": 4}
# Values of a covariate that are numbers and more than these need cut points.
MOST_GROUPS = 8


@dataclass(frozen=True)
class Grouping:
    """How cases are grouped.

    Parameters
    ----------
    name
        A covariate, ``site``, ``group`` or ``lesion_size``.
    cuts
        Values at which numbers are cut; a case with the value itself belongs above.
    parts
        Number of groups of like size instead; 0 where values are not cut into such.
    """

    name: str
    cuts: tuple[float, ...] = ()
    parts: int = 0


def grouping(text: str) -> Grouping:
    """``vendor``, ``age:50``, ``age:40/60`` or ``lesion_size:tertiles``; UsageError for another form."""
    name, _, how = text.strip().partition(":")
    if not how:
        return Grouping(name)
    if how in PARTS:
        return Grouping(name, parts=PARTS[how])
    if not re.fullmatch(r"-?[\d.]+(/-?[\d.]+)*", how):
        raise UsageError(
            f"groups by {text!r}, expected cut points (age:50, age:40/60) or one of {', '.join(PARTS)}"
        )
    return Grouping(name, tuple(sorted(float(cut) for cut in how.split("/"))))


def grouped(by: Grouping, columns: Mapping[str, "pd.Series[Any]"]) -> "pd.Series[str]":
    """The group of each case, :data:`UNKNOWN` where the value is missing.

    Parameters
    ----------
    columns
        What cases may be grouped by, each by case id.

    Raises
    ------
    UsageError
        There is no such column, it holds words and has cut points, or too many numbers without any.
    """
    if by.name not in columns:
        raise unknown_name("column to group by", by.name, columns)
    values = columns[by.name]
    if pd.api.types.is_numeric_dtype(values):
        return _numbers(by, values.astype(float))
    if by.cuts or by.parts:
        raise UsageError(f"{by.name} holds words, such as {values.dropna().iloc[0]!r}: it cannot be cut")
    return values.astype("string").fillna(UNKNOWN).astype(str)


def _numbers(by: Grouping, values: "pd.Series[float]") -> "pd.Series[str]":
    cuts: Sequence[float] = by.cuts
    if by.parts:
        shares = np.arange(1, by.parts) / by.parts
        cuts = sorted(set(np.nanquantile(values, shares).tolist()))
    if not cuts:
        if values.nunique() > MOST_GROUPS:
            raise UsageError(
                f"{by.name} has {values.nunique()} different numbers: give cut points ({by.name}:50) or "
                f"{by.name}:tertiles"
            )
        return values.map("{:g}".format).where(values.notna(), UNKNOWN)
    edges = [f"{cut:.4g}" for cut in cuts]
    names = [
        f"< {edges[0]}",
        *(f"{low} to < {high}" for low, high in pairwise(edges)),
        f">= {edges[-1]}",
    ]
    codes = np.searchsorted(np.asarray(cuts), values.to_numpy(), side="right")
    return pd.Series([names[code] for code in codes], index=values.index).where(values.notna(), UNKNOWN)
