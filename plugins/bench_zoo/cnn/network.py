"""The networks: any encoder, global average pooling, branches; shapes use ``d`` for z, y, x together."""

import importlib
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import PluginError
from bench_zoo.spatial_mtl.network import CompactEncoder

MONAI = "monai:"
# MONAI's classifiers name their channels and outputs in three ways.
MONAI_NAMES = (
    ("in_channels", "out_channels"),
    ("n_input_channels", "num_classes"),
    ("in_channels", "num_classes"),
)
MONAI_FEATURES = 128


class PlainNetwork(nn.Module):
    """Outputs, shape (case, task): logits and standardised values, from crops.

    Parameters
    ----------
    encoder
        (case, channel, z, y, x) -> (case, width).
    width
        Number of features that the encoder gives.
    hidden, dropout
        Width of the branches and share of features dropped.
    priors
        Output of each task before anything is learnt, as of a predictor that sees no case.
    """

    def __init__(self, encoder: nn.Module, width: int, hidden: int, dropout: float, priors: Sequence[float]):
        super().__init__()
        self.encoder = encoder
        # Pooled features differ little between cases next to what they have in common.
        self.norm = nn.BatchNorm1d(width)
        self.branches = nn.ModuleList(Branch(width, hidden, dropout, prior) for prior in priors)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        features = self.norm(self.encoder(images))
        return torch.cat([branch(features) for branch in self.branches], dim=1)

    def parts(self) -> list["PlainNetwork"]:
        """The networks that share nothing: one."""
        return [self]


class Branch(nn.Sequential):
    """One task's own layers; starts at the prior."""

    def __init__(self, width: int, hidden: int, dropout: float, prior: float):
        last = nn.Linear(hidden, 1)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, prior)
        super().__init__(nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU(), last)


class TaskNetworks(nn.Module):
    """A network of its own for every task."""

    def __init__(self, networks: Iterable[PlainNetwork]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        return torch.cat([network(images) for network in self.networks], dim=1)

    def parts(self) -> list[PlainNetwork]:
        """The networks that share nothing: one a task."""
        return list(self.networks)  # type: ignore[arg-type]


class FlipAveraged(nn.Module):
    """Mean output over a crop and its three mirror images."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        views = [self.network(images.flip(axes)) for axes in ((), (2,), (3,), (4,))]
        return torch.stack(views).mean(dim=0)


class CompactFeatures(nn.Module):
    """Global average of the compact encoder's coarsest scale."""

    def __init__(self, channels: int, widths: tuple[int, ...]):
        super().__init__()
        self.encoder = CompactEncoder(channels, widths)

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, width)."""
        coarsest: Tensor = self.encoder(images)[-1]
        return coarsest.mean(dim=(2, 3, 4))


def build_encoder(
    name: str, channels: int, shape: tuple[int, int, int], widths: tuple[int, ...]
) -> tuple[nn.Module, int]:
    """The encoder of that name and the number of features that it gives.

    Parameters
    ----------
    name
        ``compact``; ``monai:NAME`` for a classifier of ``monai.networks.nets`` (its class layer gives 128
        features), as ``resnet18``, ``DenseNet121`` or ``SEResNet50``; else a timm_3d model, pooled by its
        own rule.
    channels, shape
        Of the crops, which the encoder is tried on.
    widths
        Channels of the compact encoder's stages.

    Raises
    ------
    PluginError
        There is no such network, or it cannot read crops of this shape.
    """
    try:
        encoder = _encoder(name, channels, widths)
        with torch.no_grad():
            features = encoder.eval()(torch.zeros(1, channels, *shape))
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        voxels = "x".join(map(str, shape))
        raise PluginError(
            f"backbone {name!r} cannot be built for crops of {channels} channels and {voxels} voxels "
            f"({type(error).__name__}: {error}); check its name, or change size_mm and spacing_mm"
        ) from error
    if not isinstance(features, Tensor) or features.ndim != 2:
        got = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise PluginError(
            f"backbone {name!r} gives {got}, expected features of shape (case, width): name a classifier"
        )
    return encoder.train(), features.shape[1]


def _encoder(name: str, channels: int, widths: tuple[int, ...]) -> nn.Module:
    if name == "compact":
        return CompactFeatures(channels, widths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what these libraries import is deprecated here and there
        if name.startswith(MONAI):
            return _monai_network(name.removeprefix(MONAI), channels)
        import timm_3d

        network: nn.Module = timm_3d.create_model(name, in_chans=channels, num_classes=0, pretrained=False)
        return network


def _monai_network(name: str, channels: int) -> nn.Module:
    nets: Any = importlib.import_module("monai.networks.nets")
    make = getattr(nets, name)
    for inputs, outputs in MONAI_NAMES:
        try:
            network: nn.Module = make(spatial_dims=3, **{inputs: channels, outputs: MONAI_FEATURES})
            return network
        except TypeError as error:
            refused = error
    raise refused
