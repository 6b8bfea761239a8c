"""Networks that learn with the site of each training case at hand, and predict without it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from bench.cohorts.cohort import Cohort
from bench.errors import UsageError
from bench.methods.method import MethodSpec, Run
from bench.methods.parameters import method_class
from bench.methods.search_space import Categorical, Float
from bench_zoo.generalisation.penalties import IRM, Coral, GroupDRO, GroupLoss
from bench_zoo.generalisation.shown import Shown
from bench_zoo.targets import Target
from bench_zoo.torch_parts.examples import Examples
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.heads import TasksNetwork
from bench_zoo.torch_parts.losses import BalancedLoss, balanced_loss
from bench_zoo.torch_parts.mixed import MixedIn
from bench_zoo.torch_parts.segmentation import SegmentingMethod, WithLastColumn
from bench_zoo.torch_parts.training import Part


@dataclass
class SiteLoss(MixedIn):
    """A network method whose loss knows the site of each training case; mix it into any of them, before it.

    Batches are those of the method itself, drawn over all training cases, where DomainBed draws as many
    cases of every site into each. Validation cases choose the epoch by their loss, whatever their site.
    Sites of cases that are predicted are not read.

    Parameters
    ----------
    by
        ``site``, or an acquisition covariate such as the vendor.
    """

    by: str = "site"

    groups: "np.ndarray | None" = field(default=None, init=False, repr=False)

    @classmethod
    def adapted(cls, spec: MethodSpec, specs: Mapping[str, MethodSpec]) -> MethodSpec:
        """The method itself; raises UsageError where it is no network, or knows the sites already."""
        kind = method_class(spec)
        if spec.changes and not issubclass(kind, NetworkMethod):
            raise UsageError("a loss comes before what changes images, as in multi_task_cnn+groupdro+nyul")
        if not issubclass(kind, NetworkMethod):
            raise UsageError(f"{spec.name} is no network that learns by such a loss")
        if issubclass(kind, SiteLoss):
            raise UsageError(f"the loss of {spec.name} knows the sites already")
        return spec

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuse what such a loss cannot do.

        Raises
        ------
        UsageError
            Tasks apart, or their balance learnt.
        """
        for name, wanted in (("tasks", "joint"), ("balance", "fixed")):
            if params.get(name, wanted) != wanted:
                raise UsageError(f"{name}={params[name]!r}: a loss over sites knows {name}={wanted!r} alone")
        return params

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """That of the method without the balance of the tasks."""
        return {name: one for name, one in super().search_space().items() if name != "balance"}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Train on ``train`` and its sites; ``val`` picks the epoch."""
        self.groups = np.unique(self._sites(train), return_inverse=True)[1]
        return super().fit(train, val, run)

    def _sites(self, cohort: Cohort) -> np.ndarray:
        if self.by == "site":
            return cohort.sites.astype(str)
        table = cohort.covariates("acquisition")
        if self.by not in table:
            known = ", ".join(["site", *map(str, table)])
            raise UsageError(f"by={self.by!r}: the cohort has no such acquisition covariate, it has {known}")
        return table[self.by].astype(str).to_numpy()

    def _parts(self, network: TasksNetwork, learn: Examples, judged: Examples) -> list[Part]:
        """One part, whose targets have the number of the site as their last column."""
        numbers = np.zeros(0) if self.groups is None else self.groups
        learned = _with_column(learn, torch.from_numpy(numbers))
        return [self._part(network, learned, _with_column(judged, torch.zeros(len(judged))), self.targets)]

    def _part(
        self, network: torch.nn.Module, learn: Examples, judged: Examples, targets: tuple[Target, ...]
    ) -> Part:
        loss = self._loss(balanced_loss(targets, learn.targets[:, :-1], "fixed"))
        learned = WithLastColumn(loss, self.segmentation) if isinstance(self, SegmentingMethod) else loss
        return Part(network, learned, loss.judge, learn, judged)

    def _loss(self, inner: BalancedLoss) -> GroupLoss:
        """The loss over sites."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its loss is: define _loss")


def _with_column(examples: Examples, column: Tensor) -> Examples:
    return replace(examples, targets=torch.cat([examples.targets, column.to(torch.float32)[:, None]], dim=1))


@dataclass
class GroupDROLoss(SiteLoss):
    """A network method that learns most from the site where it does worst (group DRO).

    Parameters
    ----------
    eta
        See :class:`bench_zoo.generalisation.penalties.GroupDRO`; DomainBed's default.
    """

    eta: float = 0.01

    def _loss(self, inner: BalancedLoss) -> GroupLoss:
        groups = 1 if self.groups is None else int(self.groups.max()) + 1
        return GroupDRO(inner, groups, self.eta)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """With the step of the weights, over DomainBed's range."""
        return {**super().search_space(), "eta": Float(1e-3, 1e-1, log=True)}


@dataclass
class CoralLoss(SiteLoss):
    """A network method whose features before the tasks' branches are to be alike at all sites (CORAL).

    Parameters
    ----------
    gamma
        Weight of the penalty, see :func:`bench_zoo.generalisation.penalties.coral_penalty`; DomainBed's
        default.
    """

    gamma: float = 1.0

    def _network(self, priors: list[float]) -> Shown:
        return Shown(super()._network(priors), len(priors))

    def _loss(self, inner: BalancedLoss) -> GroupLoss:
        return Coral(inner, self.gamma)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """With the weight of the penalty, over DomainBed's range."""
        return {**super().search_space(), "gamma": Float(0.1, 10.0, log=True)}


@dataclass
class IRMLoss(SiteLoss):
    """A network method whose outputs are to suit every site without a factor of their own (IRM).

    Parameters
    ----------
    penalty
        Weight of the penalty, see :func:`bench_zoo.generalisation.penalties.irm_penalty`; DomainBed's
        default.
    anneal
        Steps before it counts. DomainBed's 500 are more than all steps of the default schedule on the
        phantom, so a fifth of them.
    """

    penalty: float = 100.0
    anneal: int = 100

    def _loss(self, inner: BalancedLoss) -> GroupLoss:
        return IRM(inner, self.penalty, self.anneal)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """With the weight of the penalty, over DomainBed's range."""
        return {**super().search_space(), "penalty": Float(0.1, 1e5, log=True)}
