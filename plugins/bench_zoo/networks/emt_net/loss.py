"""Cross-entropy with one knob between sensitivity and specificity."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_zoo.torch_parts.losses import BalancedLoss


class KnobLoss(nn.Module):
    """The balanced loss of the tasks, and what weighing positive cases differently adds to it.

    Of a logit z, a label y and a sensitivity s: 2 s y softplus(-z) + 2 (1 - s) (1 - y) softplus(z). The
    softplus is stable at any z; s = 1/2 is plain cross-entropy. Continuous tasks are left alone.

    Parameters
    ----------
    balanced
        Plain loss of the tasks.
    sensitivity
        Between 0 and 1, exclusive.

    Raises
    ------
    ValueError
        The sensitivity is not between 0 and 1.
    """

    def __init__(self, balanced: BalancedLoss, sensitivity: float):
        super().__init__()
        if not 0 < sensitivity < 1:
            raise ValueError(f"sensitivity must lie between 0 and 1, got {sensitivity}")
        self.balanced, self.sensitivity = balanced, sensitivity

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(case, task), (case, task) with NaN where unknown -> a scalar."""
        loss: Tensor = self.balanced(outputs, targets)
        return loss + self.tilt(outputs, targets)

    def tilt(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What the weights add to plain cross-entropy, balanced alike, a scalar; 0 at sensitivity 1/2."""
        binary = torch.tensor(self.balanced.binary, device=outputs.device)
        known = ~torch.isnan(targets) & binary
        labels = torch.where(known, targets, 0.0)
        extra = (2 * self.sensitivity - 1) * (
            labels * F.softplus(-outputs) - (1 - labels) * F.softplus(outputs)
        )
        mean = (extra * known).sum(dim=0) / known.sum(dim=0).clamp_min(1)
        return (mean / self.balanced.reference).sum() / max(1, len(self.balanced.binary))
