"""Vision transformers of timm, from scratch or from a local file of weights."""

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from bench.methods.method import Run
from bench_zoo.torch_parts.designed import DesignedNetwork
from bench_zoo.torch_parts.heads import TaskNetworks, TasksNetwork
from bench_zoo.torch_parts.pretrained import load_pretrained


@dataclass
class TransformerMethod(DesignedNetwork):
    """A method that reads pictures by a vision transformer.

    Parameters
    ----------
    patch
        Edge of a token in pixels.
    width, depth, heads
        Width of a token, number of layers, and heads of each.
    weights
        File of pretrained weights of the encoder, safetensors or a torch state dict; see
        :func:`bench_zoo.torch_parts.pretrained.load_pretrained`. Empty: none.
    """

    widths: ClassVar[tuple[int, ...]] = ()  # type: ignore[misc]
    patch: int = 4
    width: int = 48
    depth: int = 3
    heads: int = 4
    weights: str = ""

    def _encoder(self) -> nn.Module:
        """(picture, channel, row, column) -> (picture, width); pictures are slices of the crop."""
        crop = self._crop()
        return vision_transformer(
            crop.shape[1], len(crop.channels), self.patch, self.width, self.depth, self.heads, self.dropout
        )

    def _start(self, run: Run) -> TasksNetwork:
        network = super()._start(run)
        if self.weights:
            for part in network.networks if isinstance(network, TaskNetworks) else [network]:
                load_pretrained(part.encoder, Path(self.weights))  # type: ignore[arg-type]
        return network


def vision_transformer(
    edge: int, channels: int, patch: int, width: int, depth: int, heads: int, dropout: float
) -> nn.Module:
    """The vision transformer of timm (Dosovitskiy et al., arXiv 2010.11929) without a classifier.

    Parameters
    ----------
    edge, channels
        Pixels along an edge of a picture, and the channels.
    patch, width, depth, heads
        See :class:`TransformerMethod`.
    dropout
        Share dropped of what each layer adds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module("timm.models.vision_transformer")
    options: dict[str, Any] = {"embed_dim": width, "depth": depth, "num_heads": heads}
    network: nn.Module = module.VisionTransformer(
        edge - edge % patch, patch, channels, num_classes=0, proj_drop_rate=dropout, **options
    )
    return network
