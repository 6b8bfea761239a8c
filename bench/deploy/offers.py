"""What installed packages can say of a fitted method that says nothing of itself."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, TypeVar

from bench.methods.method import Method
from bench.methods.through import Through

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.cohorts.cohort import Cohort

GROUP = "bench.explanations"
Answer = TypeVar("Answer")


class Explainer(Protocol):
    """A module that explains methods of its package: an entry point of the group ``bench.explanations``.

    Each function returns None for a method that it knows nothing of.
    """

    def gradient_maps(
        self, method: Method, cohort: "Cohort", tasks: Sequence[str]
    ) -> "dict[str, np.ndarray] | None":
        """Heat by task, at least 0, on the grid of a crop that the method reads, shape (case, z, y, x)."""

    def contributions(self, method: Method, cohort: "Cohort") -> "pd.DataFrame | None":
        """What each feature adds to each prediction: columns case, task, feature, value, contribution."""

    def randomised(self, method: Method, seed: int) -> Method | None:
        """A copy that has learned nothing, with weights of the same sizes."""

    def embeddings(self, method: Method, cohort: "Cohort") -> "np.ndarray | None":
        """What the method makes of each case before its heads, shape (case, feature)."""


@cache
def explainers() -> tuple[Explainer, ...]:
    """The installed ones, by name."""
    return tuple(point.load() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))


def gradient_maps(method: Method, cohort: "Cohort", tasks: Sequence[str]) -> "dict[str, np.ndarray] | None":
    """The heat by task of the first explainer that knows the method, None where none does."""
    method, cohort = _behind(method, cohort)
    return next(_said(one.gradient_maps(method, cohort, tasks) for one in explainers()), None)


def contributions(method: Method, cohort: "Cohort") -> "pd.DataFrame | None":
    """The table of the first explainer that knows the method, None where none does."""
    method, cohort = _behind(method, cohort)
    return next(_said(one.contributions(method, cohort) for one in explainers()), None)


def randomised(method: Method, seed: int) -> Method | None:
    """The copy of the first explainer that knows the method, None where none does."""
    if isinstance(method, Through):
        other = randomised(method.method, seed)
        return None if other is None else method.with_method(other)
    return next(_said(one.randomised(method, seed) for one in explainers()), None)


def embeddings(method: Method, cohort: "Cohort") -> "np.ndarray | None":
    """The embeddings of the first explainer that knows the method, None where none does."""
    inner, seen = _behind(method, cohort)
    return next(_said(one.embeddings(inner, seen) for one in explainers()), None)


def _behind(method: Method, cohort: "Cohort") -> "tuple[Method, Cohort]":
    """The method behind lenses, and the cases as it sees them."""
    if isinstance(method, Through):
        return _behind(method.method, method.seen(cohort))
    return method, cohort


def _said(answers: "Iterator[Answer | None]") -> "Iterator[Answer]":
    return (answer for answer in answers if answer is not None)
