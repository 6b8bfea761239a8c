"""Convolution, group normalisation and activation in one, in two or three dimensions."""

import math

from torch import nn

CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def conv_block(dimensions: int, before: int, after: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """(case, before, d) -> (case, after, d / stride); group normalisation never looks at another case."""
    return nn.Sequential(
        CONVOLUTIONS[dimensions](before, after, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.GroupNorm(math.gcd(8, after), after),
        nn.ReLU(inplace=True),
    )
