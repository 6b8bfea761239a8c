"""Encoders: from crops to features, at several scales or pooled; ``d`` stands for z, y, x at a scale."""

import importlib
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from bench.errors import PluginError
from bench_zoo.torch_parts.pooling import space_to_depth

MONAI = "monai:"
# MONAI's classifiers name their channels and outputs in three ways.
MONAI_NAMES = (
    ("in_channels", "out_channels"),
    ("n_input_channels", "num_classes"),
    ("in_channels", "num_classes"),
)
MONAI_FEATURES = 128
# What libraries raise for a network that does not exist or cannot read a crop.
REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, AssertionError)


class StagedEncoder(nn.Module):
    """Features at several scales, each stage reading what the one before it gave.

    Parameters
    ----------
    stages
        Modules, each coarser than the one before.
    widths
        Channels that each stage gives.
    """

    def __init__(self, stages: Iterable[nn.Module], widths: Sequence[int]):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(widths)

    def forward(self, images: Tensor, gates: Sequence[nn.Module] = ()) -> list[Tensor]:
        """(case, channel, z, y, x) -> one (case, width, d) a scale, finest first.

        Parameters
        ----------
        gates
            One module a stage, (case, width, d) -> (case, 1, d): weights of its voxels. The weighted features
            are what is returned and what the next stage reads.
        """
        features, scales = images, []
        for at, stage in enumerate(self.stages):
            features = stage(features)
            if gates:
                features = features * gates[at](features)
            scales.append(features)
        return scales


class SpaceToDepth(nn.Module):
    """See :func:`bench_zoo.torch_parts.pooling.space_to_depth`."""

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, 8 channel, z/2, y/2, x/2)."""
        return space_to_depth(images)


def compact_encoder(channels: int, widths: Sequence[int]) -> StagedEncoder:
    """A few strided convolutions: features at 1/2, 1/4, 1/8 ... of the crop's resolution.

    Blocks of 2 x 2 x 2 voxels become channels first, so that no convolution runs at full resolution, where
    it costs ten times as much. Group normalisation never looks at another case.
    """
    inputs = (8 * channels, *widths[:-1])
    stages = [
        nn.Sequential(
            nn.Conv3d(before, after, 3, stride=2 if at else 1, padding=1, bias=False),
            nn.GroupNorm(math.gcd(8, after), after),
            nn.ReLU(inplace=True),
        )
        for at, (before, after) in enumerate(zip(inputs, widths, strict=True))
    ]
    stages[0].insert(0, SpaceToDepth())
    return StagedEncoder(stages, widths)


def staged_encoder(name: str, channels: int, widths: Sequence[int]) -> StagedEncoder:
    """``compact``, or a timm_3d model with features at several scales.

    Raises
    ------
    PluginError
        There is no such model, or its stages cannot be taken apart.
    """
    if name == "compact":
        return compact_encoder(channels, widths)
    try:
        model = _timm(name, in_chans=channels, features_only=True)
    except REFUSALS as error:
        raise PluginError(
            f"backbone {name!r} has no features at several scales ({type(error).__name__}: {error}); "
            "name a timm_3d model that has, such as 'resnet18'"
        ) from error
    last = getattr(model, "return_layers", None)
    if last is None or not isinstance(model, nn.ModuleDict):
        raise PluginError(
            f"backbone {name!r} cannot be cut into stages, between which attention weights the features; "
            "name another timm_3d model, such as 'resnet18'"
        )
    stages: list[list[nn.Module]] = [[]]
    for part, module in model.items():
        stages[-1].append(module)
        if part in last:
            stages.append([])
    widths = cast(Any, model).feature_info.channels()
    return StagedEncoder((nn.Sequential(*modules) for modules in stages[:-1]), widths)


class PooledFeatures(nn.Module):
    """Global average of the coarsest scale of a staged encoder."""

    def __init__(self, encoder: StagedEncoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        """(case, channel, z, y, x) -> (case, width)."""
        coarsest: Tensor = self.encoder(images)[-1]
        return coarsest.mean(dim=(2, 3, 4))


def pooled_encoder(
    name: str, channels: int, shape: tuple[int, int, int], widths: Sequence[int]
) -> tuple[nn.Module, int]:
    """An encoder that gives one vector a case, and the number of features in it.

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
        encoder = _pooled(name, channels, widths)
        with torch.no_grad():
            features = encoder.eval()(torch.zeros(1, channels, *shape))
    except REFUSALS as error:
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


def _pooled(name: str, channels: int, widths: Sequence[int]) -> nn.Module:
    if name == "compact":
        return PooledFeatures(compact_encoder(channels, widths))
    if name.startswith(MONAI):
        return _monai(name.removeprefix(MONAI), channels)
    network: nn.Module = _timm(name, in_chans=channels, num_classes=0)
    return network


def _timm(name: str, **options: Any) -> Any:
    timm = _quietly(partial(importlib.import_module, "timm_3d"))
    return _quietly(partial(timm.create_model, name, pretrained=False, **options))


def _monai(name: str, channels: int) -> nn.Module:
    make = getattr(_quietly(partial(importlib.import_module, "monai.networks.nets")), name)
    for inputs, outputs in MONAI_NAMES:
        options = {"spatial_dims": 3, inputs: channels, outputs: MONAI_FEATURES}
        try:
            network: nn.Module = _quietly(partial(make, **options))
            return network
        except TypeError as error:
            refused = error
    raise refused


def _quietly(make: Callable[[], Any]) -> Any:
    """What ``make`` gives, without the warnings of what these libraries import and torch deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()
