"""The networks that a paper compares with: an encoder, global average pooling, no attention, no regions."""

from dataclasses import dataclass
from pathlib import Path

from bench.methods.method import Run
from bench_zoo.networks.plain_cnn.network import PlainNetwork
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.fitted import NetworkMethod
from bench_zoo.torch_parts.heads import TaskNetworks, TasksNetwork
from bench_zoo.torch_parts.pretrained import load_pretrained


@dataclass
class PlainCNN(NetworkMethod):
    """A 3D convolutional network on the crop round the lesion.

    Crop (intensity and mask), losses, training and augmentation are those of ``spatial_mtl``
    (:class:`bench_zoo.torch_parts.fitted.NetworkMethod`), so that a difference between the two is one of
    architecture.

    Parameters
    ----------
    backbone, widths
        See :func:`bench_zoo.torch_parts.encoders.pooled_encoder`.
    weights
        File of pretrained weights for the encoder, safetensors or a torch state dict; see
        :func:`bench_zoo.torch_parts.pretrained.load_pretrained`. Empty: none.
    """

    weights: str = ""

    def _network(self, priors: list[float]) -> PlainNetwork:
        crop = self._crop()
        encoder, width = pooled_encoder(self.backbone, len(crop.channels), crop.shape, self.widths)
        return PlainNetwork(encoder, width, self.hidden, self.dropout, priors)

    def _start(self, run: Run) -> TasksNetwork:
        network = super()._start(run)
        if self.weights:
            for part in network.networks if isinstance(network, TaskNetworks) else [network]:
                load_pretrained(part.encoder, Path(self.weights))  # type: ignore[arg-type]
        return network
