"""Members: methods that another method builds within its own fit."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.errors import PluginError
from bench.methods.method import Builder, Method, MethodSpec, Predictions, Run
from bench.methods.parameters import build, parameters
from bench.methods.registry import unavailable_reason

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort


class Member:
    """A method within another one: itself, but for a folder of its own below the ``workdir`` of the other.

    Parameters
    ----------
    method
        The method, not fitted.
    folder
        Name of the folder.
    """

    def __init__(self, method: Method, folder: str) -> None:
        self.method, self.folder = method, folder

    def fit(self, train: "Cohort", val: "Cohort", run: Run) -> Self:
        """Fit the method; checkpoints of two members do not meet."""
        own = run.workdir / self.folder
        own.mkdir(parents=True, exist_ok=True)
        self.method = self.method.fit(train, val, replace(run, workdir=own))
        return self

    def predict(self, cohort: "Cohort") -> Predictions:
        """What the method predicts."""
        return self.method.predict(cohort)

    def __getattr__(self, name: str) -> Any:
        if name == "method":  # a copy asks before there is one
            raise AttributeError(name)
        return getattr(self.method, name)


def builder_of(spec: MethodSpec) -> Builder:
    """What builds the members that a method declares, and theirs, for ``run.build``.

    Parameters
    ----------
    spec
        As the registry has it, with the specs of its members.

    Raises
    ------
    PluginError
        When it is called: the spec declares no such member, or that one cannot run in this environment.
    UsageError
        When it is called: the member has no such hyperparameter.
    """
    known = {member.name: member for member in spec.family[1:]}
    built: Counter[tuple[Path, str]] = Counter()

    def builder(name: str, params: Mapping[str, Any], workdir: Path) -> Method:
        if name not in known:
            declared = ", ".join(map(repr, sorted({*spec.members, name})))
            raise PluginError(
                f"method {spec.name!r} builds {name!r}, which its spec does not declare as a member: "
                f"write MethodSpec(..., members=({declared},)), so that a change of {name!r} runs it again"
            )
        member = known[name]
        if (reason := unavailable_reason(member)) is not None:
            raise PluginError(f"method {spec.name!r}: its member {name!r} {reason}")
        built[workdir, name] += 1
        return Member(build(member, parameters(member, params)), f"{name}-{built[workdir, name]}")

    return builder
