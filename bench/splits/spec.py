"""The door for splits: how a plugin announces one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from bench.errors import SplitError
from bench.splits.fold import Fold

POPULATION_MARK = "one_population=True"
"""What the statement of a plugin's split says where it cross-validates one population."""
Cut = Callable[..., Iterable[Fold]]
"""``cut(cohort, rng, **params)``: the folds of a cohort with labels, whose cases are sorted by id."""


@dataclass(frozen=True)
class SplitSpec:
    """How a plugin announces a split, apart from its function so that listing imports nothing heavy.

    The function is handed the cohort, sorted by case id and with labels, a generator and ``params`` by name,
    and returns a :class:`Fold` for each model that is fitted. It draws from the generator alone: it is asked
    twice, and two answers are an error. Its folds are checked as those of the benchmark are: every fold has
    cases to learn from and to test on, no case is tested twice, and a patient is on one side of a fold. Where
    a fold has no validation part, one is cut from its training part.

    Parameters
    ----------
    name
        What users type after ``--split``; ``NAME@SEED`` is the same with another seed. Also the ``protocol``
        of a split file that sets other ``params``.
    target
        ``package.module:function``.
    title
        One line for lists.
    estimand
        One sentence for boards: which accuracy the numbers estimate.
    params
        Parameters of the function, with their defaults: numbers, texts or truth values.
    seed
        Of the generator; training seeds are apart from it.
    validation_share
        Share of the validation part where one is cut from the training part, in (0, 1).
    one_population
        Whether it cross-validates one population, so that ``--repeats`` and the corrected resampled t-test
        apply: in every fold all cases learn or are tested, by lot, and each is tested in one fold.

    Raises
    ------
    ValueError
        ``seed`` or ``validation_share`` is not as above.

    Examples
    --------
    >>> import bench
    >>> spec = bench.SplitSpec("by_vendor", "acme.splits:by_vendor", "By vendor", "Accuracy on a new vendor.")
    >>> spec.seed, spec.params
    (0, {})
    """

    name: str
    target: str
    title: str
    estimand: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    validation_share: float = 0.125
    one_population: bool = False

    def __post_init__(self) -> None:
        if type(self.seed) is not int or self.seed < 0:
            raise ValueError(f"split {self.name!r}: seed must be a whole number >= 0, got {self.seed!r}")
        if not isinstance(self.validation_share, float) or not 0 < self.validation_share < 1:
            raise ValueError(
                f"split {self.name!r}: validation_share must be a number in (0, 1), got "
                f"{self.validation_share!r}"
            )

    def function(self) -> Cut:
        """The function, imported now; raises SplitError where there is none."""
        module, _, name = self.target.partition(":")
        try:
            found: Cut = getattr(import_module(module), name)
        except Exception as error:  # a stranger's module may raise anything at import
            cause = f"{type(error).__name__}: {error}"
            raise SplitError(f"split {self.name!r}: cannot import {self.target!r}: {cause}") from error
        return found
