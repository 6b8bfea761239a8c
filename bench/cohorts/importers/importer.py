"""The door for importers: what one implements, and the plain values that it hands over.

An importer is a frozen dataclass whose fields are its options. A complete one, of a folder that holds
``ID.nii.gz`` and ``ID_mask.nii.gz`` for every patient::

    @dataclass(frozen=True)
    class PairsImporter:
        root: Path = option("Folder with ID.nii.gz and ID_mask.nii.gz.", argument=True)

        def card(self) -> Card:
            return Card(name="pairs", tasks=(Task("er", "binary", positive="ER positive"),))

        def studies(self) -> Iterator[Study | Excluded]:
            for mask in sorted(self.root.glob("*_mask.nii.gz")):
                name = mask.name.removesuffix("_mask.nii.gz")
                yield Study(name, name, {"image": mask.with_name(f"{name}.nii.gz"), "mask": mask})

        def cases(self, study: Study) -> Iterator[Case | Excluded]:
            yield Case(study.key, study.patient, labels={"er": None}, **study.content)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from bench.errors import CohortError
from bench.task import Task

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class Published:
    """A score that others published on this collection, for comparison.

    Parameters
    ----------
    task, metric
        What was predicted, as the task is named here, and how it was measured.
    value, low, high
        The score and its published 95 % interval, None where no interval was published.
    source
        Where it was published, and on which patients.
    """

    task: str
    metric: str
    value: float
    low: float | None
    high: float | None
    source: str


@dataclass(frozen=True)
class Card:
    """What ``cohort.toml`` and the label card say of a cohort.

    Parameters
    ----------
    name, title, licence, citation
        As in ``cohort.toml``.
    tasks
        One a label, in the order of the columns.
    roles
        Every further column of ``cases.csv`` with its role: ``acquisition``, ``clinical`` or ``ignore``.
    categorical
        The columns among them that hold names of categories also where they look like numbers.
    features
        Names of the features, where cases carry some.
    label_rule
        How the source made its labels.
    lacks
        Labels that the source does not have, and for whom.
    subtype_rule
        How the source derives its molecular subtypes.
    published
        Scores of others on this collection.
    ids_published
        Whether the source's ids are public pseudonyms, which may stay as they are.
    synthetic
        Whether no case is of a real patient; boards say so.
    images
        Names of the images of a case, where it has several, such as phases: the first is what methods of one
        image read.

    Examples
    --------
    >>> import bench
    >>> card = bench.Card("pairs", (bench.Task("er", "binary", positive="ER positive"),))
    >>> card.synthetic
    False
    """

    name: str
    tasks: tuple[Task, ...]
    title: str = ""
    licence: str = ""
    citation: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    categorical: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    label_rule: str = ""
    lacks: str = ""
    subtype_rule: str = ""
    published: tuple[Published, ...] = ()
    ids_published: bool = False
    synthetic: bool = False
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """What one worker turns into cases: small, plain and picklable.

    Parameters
    ----------
    key
        The source's own name of it, unique in the import; it is never written.
    patient
        The source's patient id, which is written as a pseudonym alone.
    content
        Whatever :meth:`Importer.cases` needs, such as paths and the patient's line of the table.
    """

    key: str
    patient: str
    content: Any = None


@dataclass(frozen=True)
class Box:
    """A lesion's bounding box: first and last voxel index along x, y, z, both inside.

    Examples
    --------
    >>> import bench
    >>> bench.Box((2, 3, 1), (5, 6, 4)).last
    (5, 6, 4)
    """

    first: tuple[int, int, int]
    last: tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """One row of ``cases.csv`` and the files of it.

    Parameters
    ----------
    key, patient
        As of a :class:`Study`; a patient with several lesions or visits has a key for each.
    site, group
        Centre, and ``internal`` or ``external``.
    labels
        By task: 0 or 1 or a value; None where the source does not say. A task without an entry is unknown.
    covariates
        By column of :attr:`Card.roles`; None or absent where unknown.
    features
        By name in :attr:`Card.features`.
    image
        A 3D volume with its geometry, oblique or not, or the path of one; None for a case without images.
        Of several images the first.
    mask
        The lesion on the image's grid (0 and one other value), the path of one, or a box.
    exam_date
        Day of the examination, written as days since the patient's first one.
    evidence
        How phase, mask and labels were found, for the import report: plain values without any id or path.
    others
        The further images of :attr:`Card.images` by name, on the grid of ``image``.

    Examples
    --------
    >>> import bench
    >>> case = bench.Case("exam1", "patient1", labels={"er": 1}, covariates={"age": 52})
    >>> case.site, case.group
    ('site', 'internal')
    """

    key: str
    patient: str
    site: str = "site"
    group: Literal["internal", "external"] = "internal"
    labels: Mapping[str, float | None] = field(default_factory=dict)
    covariates: Mapping[str, str | float | None] = field(default_factory=dict)
    features: Mapping[str, str | float | None] = field(default_factory=dict)
    image: "sitk.Image | Path | None" = None
    mask: "sitk.Image | Path | Box | None" = None
    exam_date: date | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, "sitk.Image | Path"] = field(default_factory=dict)


@dataclass(frozen=True)
class Excluded:
    """A patient, study or case that the source has and the cohort does not get.

    Parameters
    ----------
    key, patient
        As of a :class:`Study`; both are written as pseudonyms alone. ``patient`` is empty where it is not
        known whose it is.
    reason
        Why, in words that are the same for all that share it: no id, no path, no date.
    unjoined
        Where the label table and the images do not meet: ``images`` for images without a line in the table,
        ``table`` for a line without images; empty for any other reason.
    """

    key: str
    patient: str
    reason: str
    unjoined: Literal["", "images", "table"] = ""


class StudyError(CohortError):
    """A study or case that cannot be imported.

    The message is for the terminal and may name ids and files; ``reason`` goes to the report and names none.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (str(self), self.reason))


@runtime_checkable
class Importer(Protocol):
    """A frozen, picklable dataclass whose fields are its options (:func:`option`).

    :meth:`card` and :meth:`studies` run once, in the process of the command; :meth:`cases` runs in worker
    processes, one study at a time, and is the only place to read voxels. What raises a CohortError there is
    left out, and the import goes on: a :class:`StudyError` says the reason for the report.
    """

    def card(self) -> Card:
        """What the cohort says of itself; raises a BenchError naming every file that is missing."""

    def studies(self) -> Iterator[Study | Excluded]:
        """Every study found, in an order that is always the same, and what is left out unread."""

    def cases(self, study: Study) -> Iterable[Case | Excluded]:
        """The cases of a study, with their images."""


@dataclass(frozen=True)
class ImporterSpec:
    """How a plugin announces an importer, apart from its class so that listing imports nothing heavy.

    Parameters
    ----------
    name
        What users type after ``bench cohort import``.
    target
        ``package.module:Class``.
    summary
        One line for the help.
    """

    name: str
    target: str
    summary: str

    def importer_class(self) -> type[Importer]:
        """The class, imported now."""
        module, _, name = self.target.partition(":")
        found: type[Importer] = getattr(import_module(module), name)
        return found


def option(help_text: str, default: Any = MISSING, argument: bool = False, whole: bool = False) -> Any:
    """A field of an importer that is an option of its command.

    Parameters
    ----------
    help_text
        What the help says of it.
    default
        Its value where it is not given; an option without one has to be given. The field's type is one of
        ``str``, ``int``, ``float``, ``bool``, ``Path``, an enum of texts, each of these ``| None``, or
        ``tuple[str, ...]``, which is written ``A,B`` or given several times.
    argument
        Whether it is a positional argument, such as the source's folder.
    whole
        Whether each text of a tuple is taken whole, with its commas.
    """
    metadata = {"help": help_text, "argument": argument, "whole": whole}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)
