"""Losses over groups of training cases, by DomainBed's definitions (arXiv 2007.01434)."""

from itertools import combinations

import torch
from torch import Tensor, nn

from bench_zoo.torch_parts.losses import BalancedLoss

# A covariance, and the two halves of the penalty of IRM, need two cases of a group.
PAIR = 2


def coral_penalty(one: Tensor, other: Tensor) -> Tensor:
    r"""Distance of the first two moments of two groups' features.

    .. math:: \frac{1}{d} \lVert \mu_1 - \mu_2 \rVert^2 + \frac{1}{d^2} \lVert C_1 - C_2 \rVert_F^2

    Sun and Saenko 2016, arXiv 1607.01719, with the means that DomainBed adds.

    Parameters
    ----------
    one, other
        Features, shape (case, d), of two cases or more.

    Examples
    --------
    >>> float(coral_penalty(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [3.0]])))
    1.0
    """
    means = (one.mean(dim=0) - other.mean(dim=0)).square().mean()
    return means + (torch.cov(one.T) - torch.cov(other.T)).square().mean()


def irm_penalty(inner: BalancedLoss, outputs: Tensor, labels: Tensor) -> Tensor:
    r"""How far a factor of 1 on the outputs is from the best one, of one group's cases.

    .. math:: \nabla_w R_1(w f)\; \nabla_w R_2(w f) \;|_{w = 1}

    over every other case and the rest, an unbiased estimate of the squared gradient (Arjovsky et al. 2019,
    arXiv 1907.02893, IRMv1).

    Parameters
    ----------
    inner
        What a group's cases cost.
    outputs, labels
        Shape (case, task).
    """
    scale = torch.ones((), device=outputs.device, requires_grad=True)
    halves = [group_loss(inner, outputs[start::2] * scale, labels[start::2]) for start in (0, 1)]
    one, other = (torch.autograd.grad(half, scale, create_graph=True)[0] for half in halves)
    return one * other


def group_loss(inner: BalancedLoss, outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean over the labelled tasks of the loss relative to the constant prediction, a scalar."""
    relative = inner.relative(outputs, labels)
    known = ~torch.isnan(relative)
    return torch.where(known, relative, 0.0).sum() / known.sum().clamp_min(1)


class GroupLoss(nn.Module):
    """A loss of a batch that knows the group of each case: the mean of the groups' losses.

    Targets have the number of the group as their last column. Groups without a label in a batch do not count
    in it. Outputs may have features behind those of the tasks.

    Parameters
    ----------
    inner
        What the cases of a group cost.
    """

    def __init__(self, inner: BalancedLoss):
        super().__init__()
        self.inner = inner

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch, a scalar."""
        labels, group = targets[:, :-1], targets[:, -1]
        labelled = group[~torch.isnan(labels).all(dim=1)]
        rows = {int(number): group == number for number in torch.unique(labelled)}
        tasks = labels.shape[1]
        if not rows:
            return outputs.sum() * 0
        losses = torch.stack(
            [group_loss(self.inner, outputs[at, :tasks], labels[at]) for at in rows.values()]
        )
        return self.combined(losses, list(rows)) + self.penalty(
            [outputs[at] for at in rows.values()], [labels[at] for at in rows.values()]
        )

    def combined(self, losses: Tensor, groups: list[int]) -> Tensor:
        """The groups' losses as one, a scalar."""
        return losses.mean()

    def penalty(self, outputs: list[Tensor], labels: list[Tensor]) -> Tensor:
        """What is added to the loss, of each group's outputs and labels."""
        return outputs[0].new_zeros(())

    def judge(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of validation cases, whatever their group."""
        return self.inner.judge(outputs, targets[:, :-1])


class GroupDRO(GroupLoss):
    r"""Groups by weights that grow with their loss (Sagawa et al. 2020, arXiv 1911.08731).

    .. math:: q_g \leftarrow q_g e^{\eta \ell_g}, \quad L = \sum_g q_g \ell_g / \sum_g q_g

    over the groups of the batch, where DomainBed draws every group into each batch; the weights of all
    groups sum to 1 after each step.

    Parameters
    ----------
    groups
        How many there are.
    eta
        Step of the weights.
    """

    weights: Tensor

    def __init__(self, inner: BalancedLoss, groups: int, eta: float):
        super().__init__(inner)
        self.eta = eta
        self.register_buffer("weights", torch.full((groups,), 1 / groups))

    def combined(self, losses: Tensor, groups: list[int]) -> Tensor:
        """Weighted mean, once the weights have taken their step."""
        with torch.no_grad():
            self.weights[groups] *= torch.exp(self.eta * losses)
            self.weights /= self.weights.sum()
        mine = self.weights[groups].clone()
        return (losses * mine).sum() / mine.sum()


class Coral(GroupLoss):
    """Mean loss of the groups plus ``gamma`` times the mean :func:`coral_penalty` of their pairs."""

    def __init__(self, inner: BalancedLoss, gamma: float):
        super().__init__(inner)
        self.gamma = gamma

    def penalty(self, outputs: list[Tensor], labels: list[Tensor]) -> Tensor:
        """Of the features behind the tasks' outputs, for groups of two cases or more."""
        features = [one[:, known.shape[1] :] for one, known in zip(outputs, labels, strict=True)]
        pairs = list(combinations([one for one in features if len(one) >= PAIR], 2))
        if not pairs:
            return outputs[0].new_zeros(())
        return self.gamma * torch.stack([coral_penalty(*pair) for pair in pairs]).mean()


class IRM(GroupLoss):
    """Mean loss of the groups plus a weight times their mean :func:`irm_penalty`.

    Parameters
    ----------
    weight
        Of the penalty, once ``anneal`` steps have been taken; 1 before.
    anneal
        Steps. DomainBed then forgets the moments of the optimiser too; here they stay.
    """

    steps: Tensor

    def __init__(self, inner: BalancedLoss, weight: float, anneal: int):
        super().__init__(inner)
        self.weight, self.anneal = weight, anneal
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def penalty(self, outputs: list[Tensor], labels: list[Tensor]) -> Tensor:
        """Of groups of two cases or more."""
        weight = self.weight if self.steps >= self.anneal else 1.0
        self.steps += 1
        mine = [
            irm_penalty(self.inner, one[:, : known.shape[1]], known)
            for one, known in zip(outputs, labels, strict=True)
            if len(one) >= PAIR
        ]
        return weight * torch.stack(mine).mean() if mine else outputs[0].new_zeros(())
