"""What a cohort's Table 1 is made of: labels, covariates and what the files tell, one row a case."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.imaging.volume import open_file
from bench.progress import progress_bar

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

# What is counted, and what the table is divided by.
COUNTED = ["patient_id", "site", "group"]
LABELS = {0.0: "negative", 1.0: "positive"}
MICROLITRES = 1000.0


def characteristics(cohort: "Cohort", images: bool = True, quiet: bool = False) -> pd.DataFrame:
    """Who the cases are, one row a case, indexed by case id.

    Parameters
    ----------
    cohort
        With labels.
    images
        Whether masks and headers are read too, where every case has them.
    quiet
        Whether no progress is shown.

    Returns
    -------
    pandas.DataFrame
        ``patient_id``, ``site`` and ``group``; then a column a characteristic, under the name that a reader
        sees, numbers or words, missing where unknown: the labels (binary ones as ``negative`` and
        ``positive``), the declared covariates, and with ``images`` lesion volume in ml, slice distance and
        pixel size in mm.

    Raises
    ------
    ImageError
        A mask or a header of a case cannot be read.
    """
    table = cohort.table[COUNTED].copy()
    for task in cohort.tasks:
        labels = pd.Series(cohort.labels(task.name), index=table.index)
        binary = task.kind == "binary"
        name = task.name if binary or not task.unit else f"{task.name}, {task.unit}"
        table[name] = labels.map(LABELS) if binary else labels
    for name, role in cohort.roles.items():
        if role != "ignore":
            table[name] = cohort.table[name]
    if images and cohort.has_volumes:
        table = table.join(_measured(cohort, quiet))
    return table


def _measured(cohort: "Cohort", quiet: bool) -> pd.DataFrame:
    """What mask and header tell of each case."""
    source, rows = cohort.crop_source(), []
    with progress_bar("reading masks", quiet) as advance:
        for number, case_id in enumerate(cohort.case_ids, start=1):
            mask = open_file(case_id, "mask", source.paths(case_id)[1])
            lesion = mask.lesion(source.lesion_labels.get(case_id, ()))
            spacing = np.asarray(mask.grid.spacing)  # x, y, z
            rows.append((lesion.inside.sum() * spacing.prod() / MICROLITRES, spacing[2], spacing[0]))
            advance(number, len(cohort))
    names = ["lesion volume, ml", "slice distance, mm", "pixel size, mm"]
    return pd.DataFrame(rows, index=cohort.table.index, columns=names)
