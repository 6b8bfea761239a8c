"""A method whose cases are seen through a lens: the method itself is not changed."""

import copy
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from bench.errors import UsageError
from bench.methods.lens import Lens, SeenCohort, seen
from bench.methods.method import Method, Predictions, Run
from bench.methods.value_types import declared_types

if TYPE_CHECKING:
    import numpy as np

    from bench.cohorts.cohort import Cohort

FILE, INNER = "lens.json", "method"
Part = TypeVar("Part")


class Through:
    """Fits a lens and the method behind it; fields are the hyperparameters of both."""

    lens_type: ClassVar[type[Lens]]
    method_type: ClassVar[type[Method]]
    lens: Lens
    method: Method

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Fit the method on what it sees through the lens.

        Raises
        ------
        UsageError
            The method read nothing that the lens changes, so its row would be that of the method without it.
        """
        self.lens = self._made(self.lens_type)
        self.lens.train = train
        self.method = self._made(self.method_type).fit(self.seen(train), self.seen(val), run)
        if not self.lens.asked:
            raise UsageError(
                f"{self.method_type.__name__} read nothing that {self.lens_type.__name__} changes: "
                "its row would be that of the method itself"
            )
        return self

    def predict(self, cohort: "Cohort") -> Predictions:
        """What the method predicts for cases that it sees through the lens."""
        return self.method.predict(self.seen(cohort))

    def seen(self, cohort: "Cohort") -> SeenCohort:
        """Cases as the method sees them."""
        return seen(self.lens, cohort)

    def with_method(self, method: Method) -> Self:
        """The same lens before another fitted method."""
        other = copy.copy(self)
        other.method = method
        return other

    def _made(self, kind: type[Part]) -> Part:
        """An instance with those of the hyperparameters that are its own."""
        names = [one.name for one in dataclasses.fields(kind) if one.init]  # type: ignore[arg-type]
        return kind(**{name: getattr(self, name) for name in names})


class Saved(Through):
    """The same for a method that saves and loads."""

    def save(self, folder: Path) -> None:
        """Write the lens as JSON, and the method into a folder of its own."""
        own = {one.name: getattr(self, one.name) for one in dataclasses.fields(self) if one.init}  # type: ignore[arg-type]
        text = json.dumps({"parameters": own, "learned": self.lens.as_json()})
        (folder / FILE).write_text(text, encoding="utf-8")
        (folder / INNER).mkdir()
        self.method.save(folder / INNER)  # type: ignore[attr-defined]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        state = json.loads((folder / FILE).read_text(encoding="utf-8"))
        listed = {name: tuple(one) for name, one in state["parameters"].items() if isinstance(one, list)}
        found = cls(**{**state["parameters"], **listed})
        found.lens = found._made(cls.lens_type)
        found.lens.restore(state["learned"])
        found.method = cls.method_type.load(folder / INNER)  # type: ignore[attr-defined]
        return found


class Explained(Through):
    """The same for a method that explains."""

    def explain(self, cohort: "Cohort") -> "np.ndarray":
        """Heat maps of what the method sees, shape (case, z, y, x)."""
        found: np.ndarray = self.method.explain(self.seen(cohort))  # type: ignore[attr-defined]
        return found


class Counted(Through):
    """The same for a method that counts its parameters."""

    def count_parameters(self) -> int:
        """Those of the method."""
        return int(self.method.count_parameters())  # type: ignore[attr-defined]


class Searched(Through):
    """The same for a method that has a search space."""

    @classmethod
    def search_space(cls) -> Any:
        """That of the method: a lens is not searched."""
        return cls.method_type.search_space()  # type: ignore[attr-defined]


class Settled(Through):
    """The same where the method or the lens checks its hyperparameters."""

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Each settles its own."""
        found = dict(params)
        for kind in (cls.method_type, cls.lens_type):
            settle = getattr(kind, "settle", None)
            if settle is not None:
                names = [one.name for one in dataclasses.fields(kind) if one.init]  # type: ignore[arg-type]
                found |= settle({name: found[name] for name in names})
        return found


def through(lens: type[Lens], cls: type[Method]) -> type[Method]:
    """The class of a method whose cases are seen through a lens.

    Parameters
    ----------
    lens
        A dataclass.
    cls
        The method's class, itself maybe one of this kind.

    Returns
    -------
    type
        With the hyperparameters of both, and with those of the optional verbs that ``cls`` has.
    """
    offered = {
        Saved: hasattr(cls, "save") and hasattr(cls, "load"),
        Explained: hasattr(cls, "explain"),
        Counted: hasattr(cls, "count_parameters"),
        Searched: hasattr(cls, "search_space"),
        Settled: hasattr(cls, "settle") or hasattr(lens, "settle"),
    }
    parts = tuple(part for part, there in offered.items() if there) or (Through,)
    names = {"lens_type": lens, "method_type": cls, "__module__": cls.__module__, "__doc__": cls.__doc__}
    made: Any = dataclasses.make_dataclass(
        cls.__name__, [*_fields(cls, lens)], bases=parts, namespace=names, kw_only=True
    )
    return made  # type: ignore[no-any-return]


def _fields(*kinds: type) -> "list[tuple[str, Any, Any]]":
    """Name, type and default of every hyperparameter of the classes; the first class that has one counts."""
    found: dict[str, tuple[str, Any, Any]] = {}
    for kind in kinds:
        types = declared_types(kind)
        for one in dataclasses.fields(kind):
            default: Any = dataclasses.field(default=one.default, default_factory=one.default_factory)
            if one.init:
                found.setdefault(one.name, (one.name, types.get(one.name, Any), default))
    return list(found.values())
