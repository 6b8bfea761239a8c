"""Cases whose crops are nearly the same, and rows of features that are copies or mixtures of others."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.audit.check import Check, Evidence, Found, Measured, NotApplicable
from bench.audit.subject import Subject
from bench.imaging.crop import Crop
from bench.imaging.resemblance import similarities

CROP = Crop(size_mm=40, spacing_mm=2, channels=("image",))
# Correlation from which two crops count as one image: see tests/simulations/near_duplicates.py.
ALIKE = 0.88
# Numeric columns below which rows may be equal by chance.
FEWEST_COLUMNS = 5
# Neighbours of a row among which it may be a mixture of two, and the excess of the way over them.
NEIGHBOURS, ON_THE_LINE = 8, 1e-4
NO_FEATURES = NotApplicable(f"the cohort has no table of {FEWEST_COLUMNS} or more numeric features")


def _nearly_the_same(subject: Subject) -> Found:
    cohort = subject.cohort
    if not cohort.has_volumes:
        return NotApplicable("the cohort has no images")
    crops = cohort.crops(CROP)
    found = similarities(np.stack([np.asarray(crops[row])[0] for row in range(len(cohort))]))
    patients = cohort.patient_ids
    pairs = np.argwhere(np.triu(found >= ALIKE, 1))
    others = [(one, two) for one, two in pairs if patients[one] != patients[two]]
    apart = np.where(patients[:, None] != patients[None, :], found, -1.0)
    most = f"the most alike crops of two patients correlate by {apart.max():.2f} (one image: {ALIKE})"
    names = cohort.case_ids
    return Measured(
        [
            Evidence(
                f"crops of {names[one]!r} and {names[two]!r}, of two patients, correlate by "
                f"{found[one, two]:.2f}",
                (names[one], names[two]),
            )
            for one, two in sorted(others, key=lambda pair: -found[pair])
        ],
        (most,) if len(set(patients)) > 1 else (),
    )


def numeric_features(subject: Subject) -> "pd.DataFrame | None":
    """The complete numeric columns of a feature table, constant ones left out; None where too few."""
    if subject.features is None:
        return None
    table = subject.features.select_dtypes("number")
    table = table.loc[:, table.notna().all() & (table.nunique() > 1)]
    return table if table.shape[1] >= FEWEST_COLUMNS else None


def _oversampled(subject: Subject) -> Found:
    table = numeric_features(subject)
    if table is None:
        return NO_FEATURES
    copies = table.duplicated(keep=False)
    found = []
    for _, own in table[copies].groupby(list(table.columns), sort=False):
        patients = subject.cohort.table.loc[own.index, "patient_id"]
        if patients.nunique() > 1:
            found.append(
                Evidence(
                    f"{len(own)} cases of {patients.nunique()} patients have equal features", tuple(own.index)
                )
            )
    mixed = mixtures(table[~copies])
    return [
        *found,
        *(
            Evidence(
                f"features of {name!r} lie on the line between those of {one!r} and {two!r}", (name, one, two)
            )
            for name, one, two in mixed
        ),
    ]


def mixtures(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Cases whose features lie between those of two others on a straight line, as SMOTE makes them.

    Chawla et al. 2002. With measured values that has probability 0; with few columns or whole numbers it
    happens, so a table needs :data:`FEWEST_COLUMNS` columns that are not counts.
    """
    if len(table) < 3:
        return []
    values = ((table - table.mean()) / table.std()).to_numpy()
    if np.mean([np.array_equal(column, np.round(column)) for column in table.to_numpy().T]) > 0.5:
        return []
    squares = (values**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * values @ values.T, 0))
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :NEIGHBOURS]
    found = []
    for row, neighbours in enumerate(near):
        pair = _pair_around(values, row, neighbours)
        if pair is not None:
            found.append((table.index[row], table.index[pair[0]], table.index[pair[1]]))
    return found


def _pair_around(
    values: NDArray[np.float64], row: int, neighbours: NDArray[np.intp]
) -> tuple[int, int] | None:
    """The two neighbours between which a row lies; None where there are none."""
    ways = values[neighbours] - values[row]
    lengths = np.linalg.norm(ways, axis=1)
    cosines = ways @ ways.T / np.outer(lengths, lengths)
    one, two = np.unravel_index(int(cosines.argmin()), cosines.shape)
    between = cosines[one, two] < -1 + ON_THE_LINE
    return (int(neighbours[one]), int(neighbours[two])) if between else None


CHECKS = (
    Check(
        "BA023",
        "Nearly the same image in two patients",
        "Crops of two patients show the same content, whatever their pose, noise and scale of grey values.",
        "A copy in the test part was seen in training, under another name.",
        "Look at both images; give them one patient_id, or remove one.",
        "warn",
        _nearly_the_same,
        cost="deep",
    ),
    Check(
        "BA024",
        "Copied or mixed rows of features",
        "Cases of different patients have equal features, or features that are a mixture of two others.",
        "Oversampling before the split (copies, SMOTE) puts what is tested into training.",
        "Remove the added rows; oversample inside fit, on training cases alone.",
        "fail",
        _oversampled,
    ),
)
