"""A cohort by its name, by the path of its folder, or several joined."""

from collections.abc import Sequence
from pathlib import Path

from bench.cohorts.cohort import Cohort
from bench.methods.named_cohort import cohort_named


def open_cohort(
    name: str | Sequence[str],
    quiet: bool = False,
    skip_broken: bool = False,
    drop: Sequence[str] = (),
    id_map: Path | None = None,
    plugins: Sequence[str | Path] = (),
) -> Cohort:
    """The cohort of that name or folder; a phantom is made first where it was not made before.

    Several are joined: their cases with the tasks that all of them declare, under the names ``COHORT:CASE``,
    ``COHORT:PATIENT`` and ``COHORT:SITE``. A patient who is in two of them, by the id map, by id or by the
    content of an image, is an error that names the pair, unless one copy is dropped.

    Parameters
    ----------
    name
        A phantom scenario, with ``@SEED`` for another seed (``phantom-rim@3``), a folder, or a cohort that a
        plugin offers; or several.
    quiet
        No progress.
    skip_broken
        Leave out the cases that a run would reject, and remember them in the folder's ``skipped.csv``, which
        every later opening follows; ``skipped_cases`` of the cohort names them.
    drop
        Of several cohorts: cases to leave out, each as ``COHORT:CASE``; a ``*`` stands for any characters.
    id_map
        Of several cohorts: a table with a column a cohort, named as the cohort, and a row a person, which
        holds the patient ids that the person has. Two rows are two people, also where their ids are equal.
    plugins
        Plugin files that offer cohorts, beside the installed plugins.

    Raises
    ------
    UsageError
        Neither a scenario, a folder nor a plugin's cohort, or no such case to drop.
    CohortError
        The cohort is not valid, its source cannot be read, or the cohorts cannot be joined.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> cohort.name, cohort.synthetic, len(cohort)
    ('phantom-tiny', True, 68)
    >>> both = bench.open_cohort(["phantom-tiny", "phantom-tiny@1"], quiet=True)
    >>> len(both), both.case_ids[0].partition(":")[0]
    (136, 'phantom-tiny')
    """
    files = [Path(file) for file in plugins]
    return cohort_named(name, files, quiet=quiet, skip_broken=skip_broken, drop=drop, id_map=id_map)
