"""Losses over several tasks with missing labels."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.targets import Target


def masked_losses(outputs: Tensor, targets: Tensor, binary: Sequence[bool]) -> Tensor:
    """Mean loss of each task over its labelled cases.

    Binary: cross-entropy of a logit. Continuous: absolute error, whose minimiser is the median.

    Parameters
    ----------
    outputs, targets
        Shape (case, task); NaN targets do not count.
    binary
        Kind of each task.

    Returns
    -------
    Tensor
        Shape (task,); NaN where a task has no label here.
    """
    known = ~torch.isnan(targets)
    filled = torch.where(known, targets, torch.zeros_like(targets))
    each = [
        F.binary_cross_entropy_with_logits(output, target, reduction="none")
        if kind
        else (output - target).abs()
        for output, target, kind in zip(outputs.T, filled.T, binary, strict=True)
    ]
    mean = (torch.stack(each, dim=1) * known).sum(dim=0) / known.sum(dim=0).clamp_min(1)
    # NaN may not come from a division: its gradient would be NaN even where nothing depends on it.
    return torch.where(known.any(dim=0), mean, torch.nan)


def balanced_loss(
    targets: Sequence[Target], labels: Tensor, balance: Literal["fixed", "uncertainty"]
) -> "BalancedLoss":
    """The loss of several tasks that training labels, shape (case, task) on the model's scale, define."""
    binary = [target.binary for target in targets]
    priors = torch.tensor([target.prior for target in targets])
    return BalancedLoss(binary, masked_losses(priors.expand(labels.shape), labels, binary), balance)


class BalancedLoss(nn.Module):
    """The tasks' losses as one number.

    ``fixed``: each task's loss over what the constant prediction costs on the training cases, then the mean;
    so that a task counts neither for its unit nor for its prevalence. ``uncertainty``: exp(-s) times that
    plus s / 2, with a learnt log-variance s a task (Kendall et al. 2018, arXiv 1705.07115).

    Parameters
    ----------
    binary
        Kind of each task.
    reference
        Loss of the constant prediction, shape (task,).
    balance
        Which of the two.
    """

    reference: Tensor

    def __init__(self, binary: Sequence[bool], reference: Tensor, balance: Literal["fixed", "uncertainty"]):
        super().__init__()
        self.binary = tuple(binary)
        self.register_buffer("reference", reference.nan_to_num(1.0).clamp_min(1e-3))
        self.log_variances = nn.Parameter(torch.zeros(len(self.binary))) if balance == "uncertainty" else None

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch, a scalar; a batch without any label costs 0 and teaches nothing."""
        losses = self.relative(outputs, targets)
        labelled = ~torch.isnan(targets).all(dim=0)
        losses = torch.where(labelled, losses, 0.0)
        if self.log_variances is not None:
            losses = torch.exp(-self.log_variances) * losses + self.log_variances / 2 * labelled
        return losses.sum() / max(1, len(self.binary))

    def judge(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean of the labelled tasks' loss relative to the constant prediction; NaN without any label."""
        return self.relative(outputs, targets).nanmean()

    def relative(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Each task's loss over that of the constant prediction, shape (task,)."""
        return masked_losses(outputs, targets, self.binary) / self.reference.to(outputs.device)
