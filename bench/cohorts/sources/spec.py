"""The door for cohorts that are no folder: one file of many cases, a database, an archive.

A complete one, of an array file with volumes, masks and labels::

    @dataclass
    class ArrayCohort:
        file: Path

        def card(self) -> Card:
            return Card(name="arrays", tasks=(Task("er", "binary", positive="ER positive"),))

        def case_ids(self) -> list[str]:
            return list(np.load(self.file)["ids"])

        def read(self, case_id: str) -> Case:
            arrays = np.load(self.file)
            at = self.case_ids().index(case_id)
            image, mask = (sitk.GetImageFromArray(arrays[name][at]) for name in ("images", "masks"))
            return Case(case_id, case_id, labels={"er": arrays["er"][at]}, image=image, mask=mask)
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.cohorts.importers.importer import Card, Case
from bench.errors import CohortError


class CohortSource(Protocol):
    """A cohort that is opened, and whose cases are read one by one, by their ids.

    Optional, found by its presence: ``version() -> str``, which changes whenever a case may have changed, for
    a source that declares no files.

    Examples
    --------
    >>> import bench
    >>> class NoExams:
    ...     def card(self):
    ...         return bench.Card("none", (bench.Task("er", "binary", positive="ER positive"),))
    ...
    ...     def case_ids(self):
    ...         return []
    ...
    ...     def read(self, case_id):
    ...         raise KeyError(case_id)
    >>> source: bench.CohortSource = NoExams()
    """

    def card(self) -> Card:
        """What ``cohort.toml`` would say: name, tasks, roles of the covariates, whether it is synthetic."""

    def case_ids(self) -> Iterable[str]:
        """The ids of all cases."""

    def read(self, case_id: str) -> Case:
        """One case: its labels, covariates, features, and the image and mask where it has them."""


@dataclass(frozen=True)
class CohortSpec:
    """How a plugin announces a cohort, apart from what reads it so that listing imports nothing heavy.

    Parameters
    ----------
    name
        What users type after ``--cohort``.
    target
        ``package.module:Class``, or a function, that makes a :class:`CohortSource`; it is called with the
        paths of the files.
    summary
        One line for lists.
    files
        What the cases are read from: whole paths, or relative to the file of the target; ``$NAME`` and ``~``
        are expanded. Cases are read anew when their content changes.

    Raises
    ------
    ValueError
        ``files`` is a text instead of a tuple of texts.

    Examples
    --------
    >>> import bench
    >>> spec = bench.CohortSpec("acme", "acme.cohort:AcmeCohort", "All exams", files=("$ACME/exams.h5",))
    >>> spec.files
    ('$ACME/exams.h5',)
    """

    name: str
    target: str
    summary: str
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.files, str):
            raise ValueError(f"cohort {self.name!r}: files must be a tuple such as ({self.files!r},)")

    def opener(self) -> Callable[..., CohortSource]:
        """What the target names, imported now; raises CohortError where there is nothing of that name."""
        module, _, name = self.target.partition(":")
        try:
            found: Callable[..., CohortSource] = getattr(import_module(module), name)
        except Exception as error:  # a stranger's module may raise anything at import
            cause = f"{type(error).__name__}: {error}"
            raise CohortError(f"cohort {self.name!r}: cannot import {self.target!r}: {cause}") from error
        return found

    def paths(self) -> tuple[Path, ...]:
        """The files as whole paths; raises CohortError for one that is missing."""
        place = getattr(import_module(self.target.partition(":")[0]), "__file__", None)
        beside = Path(place).parent if place else Path()
        named = [Path(os.path.expandvars(name)).expanduser() for name in self.files]
        found = tuple((beside / path).resolve() for path in named)
        for path, name in zip(found, self.files, strict=True):
            if not path.is_file():
                raise CohortError(
                    f"cohort {self.name!r} is read from {name!r}, which is missing: {path}; put the file "
                    "there, or set the variable that its plugin names"
                )
        return found
