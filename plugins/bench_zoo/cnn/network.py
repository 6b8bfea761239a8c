"""The networks: any encoder, global average pooling, branches; shapes use ``d`` for z, y, x together."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.errors import PluginError
from bench_zoo.spatial_mtl.network import Branch, CompactEncoder

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


class TaskNetworks(nn.ModuleList):
    """A network of its own for every task."""

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, task)."""
        return torch.cat([network(images) for network in self], dim=1)


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
        return self.encoder(images)[-1].mean(dim=(2, 3, 4))


def build_encoder(
    name: str, channels: int, shape: tuple[int, int, int], widths: tuple[int, ...]
) -> tuple[nn.Module, int]:
    """The encoder of that name and the number of features that it gives.

    Parameters
    ----------
    name
        ``compact``; ``monai:NAME`` for a classifier of ``monai.networks.nets`` (its class layer gives 128
        features) or one of its ``efficientnet-b0`` to ``-b7``; else a timm_3d model, pooled by its own rule.
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
    if features.ndim != 2:
        raise PluginError(
            f"backbone {name!r} gives features of shape {tuple(features.shape)}, expected (case, width)"
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

        return timm_3d.create_model(name, in_chans=channels, num_classes=0, pretrained=False)


def _monai_network(name: str, channels: int) -> nn.Module:
    from monai.networks import nets

    if name.startswith("efficientnet"):
        return nets.EfficientNetBN(
            name, pretrained=False, spatial_dims=3, in_channels=channels, num_classes=MONAI_FEATURES
        )
    make = getattr(nets, name)
    for inputs, outputs in MONAI_NAMES:
        try:
            options = {inputs: channels, outputs: MONAI_FEATURES}
            return make(spatial_dims=3, **options)
        except TypeError as error:
            refused = error
    raise refused
