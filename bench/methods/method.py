"""The door for methods: what a plugin author implements, and what a method is handed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from bench.errors import PluginError
from bench.methods.containers import Starter, run_contained
from bench.methods.cost import Cost

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort

# What a spec may ask of a cohort.
NEEDS = ("volumes", "features", "acquisition", "clinical", "weights")
HARNESS, ZOO = "bench", "bench_zoo"
Predictions = dict[str, np.ndarray]
Progress = Callable[[int, int, float | None], None]
# Name and hyperparameters of a member, and the workdir of the method that builds it.
Builder = Callable[[str, Mapping[str, Any], Path], "Method"]


def _no_report(step: int, total: int, score: float | None) -> None:
    """Report to nobody."""


def _no_members(name: str, params: Mapping[str, Any], workdir: Path) -> "Method":
    raise PluginError(f"{name!r} cannot be built here: this run is not that of a method with members")


@dataclass(frozen=True)
class Run:
    """What a method may know of the run it is part of.

    Parameters
    ----------
    seed
        The one source of randomness.
    device
        ``cpu`` or ``cuda``, as torch names devices.
    threads
        Number of CPU threads to compute with; a recorded setting, never derived from the machine.
    workdir
        This cell's own folder, for checkpoints; it exists.
    report
        ``report(step, total, score)``: progress after each of ``total`` steps, with a validation score
        (higher is better) or None.
    builder
        What :meth:`build` asks for members.
    starter
        Who runs the program of a method in a container.

    Examples
    --------
    >>> import bench
    >>> from pathlib import Path
    >>> run = bench.Run(seed=0, device="cpu", threads=1, workdir=Path("."))
    >>> run.report(1, 10, 0.73)
    """

    seed: int
    device: str
    threads: int
    workdir: Path
    report: Progress = _no_report
    builder: Builder = field(default=_no_members, repr=False)
    starter: Starter = field(default=run_contained, repr=False)

    def build(self, name: str, **params: Any) -> "Method":
        """Another method, not fitted: a member of the one that is fitted in this run.

        It is fitted and asked for predictions as any method is; ``member.fit(train, val, run)`` gives it a
        folder of its own below ``workdir``. Code, defaults and libraries of the members enter the identity of
        the cell.

        Parameters
        ----------
        name
            A method that the spec declares: ``MethodSpec(..., members=("spatial_mtl",))``.
        params
            Hyperparameters that differ from the member's own.

        Raises
        ------
        PluginError
            The spec declares no such member, or the member cannot run in this environment.
        UsageError
            The member has no such hyperparameter.
        """
        return self.builder(name, params, self.workdir)


class Method(Protocol):
    """A dataclass whose fields are its hyperparameters, with ``fit`` and ``predict``.

    Optional, each found by its presence: ``save(folder)`` with the class method ``load(folder)`` (no
    pickle), ``explain(cohort)`` (one heat map a case on the crop grid), ``count_parameters()`` (trained
    parameters, for the boards), the class method ``settle(params) -> params`` (checks the hyperparameters
    before anything runs, raising UsageError, and puts the content of a file in place of its path, so that
    the content is what names a cell; what it returned it returns unchanged), and the class method
    ``search_space() -> dict[str, Float | Int | Categorical]`` (see :mod:`bench.methods.search_space`): the
    hyperparameters that ``bench run --trials`` may change, each with a range that holds its default. Scores
    handed to ``run.report`` let it stop a poor trial early.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> import bench
    >>> @dataclass
    ... class TrainingMean:
    ...     shrink: float = 0.0
    ...
    ...     def fit(self, train, val, run):
    ...         self.means = {task.name: np.nanmean(train.labels(task.name)) for task in train.tasks}
    ...         return self
    ...
    ...     def predict(self, cohort):
    ...         return {task.name: np.full(len(cohort), self.means[task.name]) for task in cohort.tasks}
    >>> method: bench.Method = TrainingMean(shrink=0.1)
    """

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Learn from ``train``; ``val`` is for early stopping and thresholds. Labels may be NaN."""

    def predict(self, cohort: "Cohort") -> Predictions:
        """P(positive) or value for every task, each of shape (case,), for cases without labels."""


@dataclass(frozen=True)
class MethodSpec:
    """How a plugin announces a method, apart from its class so that listing imports nothing heavy.

    Parameters
    ----------
    name
        What users type after ``--method``.
    target
        ``package.module:Class``.
    summary
        One line for ``bench methods``.
    params
        Hyperparameters that differ from the class's defaults: a variant is a spec with params.
    needs
        What a cohort must carry: any of ``volumes``, ``features``, ``acquisition``, ``clinical``; and
        ``weights`` where the hyperparameter of that name must be the path of a file.
    requires
        Importable modules without which the method is unavailable, each with the remedy.
    cost
        Time that a cell takes, for ``bench run --dry-run``; None where the author states none.
    files
        Data and weights that the method reads, relative to the file that defines the class: a cell runs again
        when their content changes.
    members
        Names of the methods that an ensemble builds by :meth:`Run.build`: a cell runs again when the code or
        a default of one changes.
    processes
        Python modules or programs that the method starts as processes beside ``run.threads``, such as those
        that measure images once for all cells; no number may depend on how many there are.
    environment
        Requirements of a Python of the method's own, relative to the file that defines the class: a file in
        the format of pip, or a script. Where the file of the class has a script header (PEP 723), it serves.
    member_specs
        Specs of the members, which the registry fills in.
    container
        Image in which the program of a ``bench:CommandMethod`` runs: the path of an Apptainer image (.sif),
        or a reference of Docker or Podman. Only the cell's folder is shown there, and there is no network.
    images
        Images that each case must have, by the names that cohorts give them, such as ``pre``: where a cohort
        lacks one, the method is skipped. Files of images beside the first are shown to a method that names
        them; crops have any image of the cohort.
    on_table
        The method that does with a cohort's own feature table what this one does with features that it
        measures in images: where a cohort has that table and no images, it runs in place of this one.
    keeps
        Folders of the cache for what depends on a case's image and the hyperparameters alone, and is shared
        by all cells; heeded of the benchmark's own methods, as a plugin could leave labels there.
    changes
        Targets of modifications, the outermost first, which the registry fills in: see
        :class:`bench.Modification`.

    Examples
    --------
    >>> import bench
    >>> spec = bench.MethodSpec("acme_mean", "acme.method:AcmeMean", "Training mean", needs=())
    >>> spec.params, spec.needs
    ({}, ())
    """

    name: str
    target: str
    summary: str
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ("volumes",)
    requires: Mapping[str, str] = field(default_factory=dict)
    cost: Cost | None = None
    files: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    environment: str = ""
    member_specs: tuple["MethodSpec", ...] = field(default=(), repr=False)
    images: tuple[str, ...] = ()
    container: str = ""
    on_table: str = ""
    keeps: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def family(self) -> tuple["MethodSpec", ...]:
        """The method, its members and theirs."""
        return (self, *(one for member in self.member_specs for one in member.family))

    @property
    def is_of_the_project(self) -> bool:
        """Whether the method comes with the benchmark; a program behind ``bench:CommandMethod`` does not."""
        packages = {target.partition(":")[0].partition(".")[0] for target in (self.target, *self.changes)}
        return packages == {ZOO}
