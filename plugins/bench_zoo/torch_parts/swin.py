"""Shifted-window transformer stages of MONAI, as many as wanted, as a staged encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from bench_zoo.torch_parts.encoders import StagedEncoder
from bench_zoo.torch_parts.monai_parts import monai_part
from bench_zoo.torch_parts.segmentation import SegmentingMethod

SWIN = "networks.nets.swin_unetr"
# Width, depths, heads and window of an encoder.
SwinDesign = tuple[int, tuple[int, ...], tuple[int, ...], int]


def swin_encoder(
    channels: int, width: int, depths: Sequence[int], heads: Sequence[int], window: int
) -> StagedEncoder:
    """Patches of 2 x 2 x 2 voxels, then a stage an entry of ``depths`` (Liu et al., arXiv 2103.14030).

    Each stage attends within windows, shifted in every second block, then merges 2 x 2 x 2 tokens, which
    halves the resolution and doubles the channels: features at 1/2, 1/4, 1/8 ... of the crop's. As in
    SWIN-UNETR, but that a network for small crops may have fewer than four stages.

    Parameters
    ----------
    width
        Channels of a patch.
    depths, heads
        Blocks and heads of each stage.
    window
        Edge of a window in tokens.
    """
    layer, merging = monai_part(SWIN, "BasicLayer"), monai_part(SWIN, "PatchMerging")
    embed = monai_part(SWIN, "PatchEmbed")(2, channels, width, nn.LayerNorm)
    stages: list[nn.Module] = [embed]
    for at, (depth, head) in enumerate(zip(depths, heads, strict=True)):
        size = (window,) * 3
        stages.append(
            layer(width * 2**at, depth, head, size, [0.0] * depth, qkv_bias=True, downsample=merging)
        )
    return StagedEncoder(stages, [width * 2**at for at in range(len(depths) + 1)])


@dataclass
class SwinMethod(SegmentingMethod):
    """A method on a shifted-window encoder with a segmentation decoder.

    Parameters
    ----------
    width
        Channels of the first stage; each further one has twice as many.
    depths, heads
        Blocks and attention heads of each stage.
    window
        Edge of a window, in tokens.
    """

    widths: ClassVar[tuple[int, ...]] = ()  # type: ignore[misc]
    spacing_mm: float = 2.5
    width: int = 16
    depths: tuple[int, ...] = (2, 2)
    heads: tuple[int, ...] = (1, 2)
    window: int = 4
    epochs: int = 14

    def _design(self) -> SwinDesign:
        return self.width, tuple(self.depths), tuple(self.heads), self.window
