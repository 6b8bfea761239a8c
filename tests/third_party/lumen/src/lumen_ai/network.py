"""The network: one encoder for the three planes, whose features are joined."""

from torch import Tensor, cat, nn


class Planes(nn.Module):
    """Axial, coronal and sagittal plane through the middle of a crop."""

    def __init__(self, channels: int, width: int, tasks: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *(nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.GroupNorm(2, width), nn.ReLU()),
            *(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(2, 2 * width), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten()),  # (case, 8 width)
        )
        self.head = nn.Linear(24 * width, tasks)

    def forward(self, crops: Tensor) -> Tensor:
        """Shape (case, task), from crops (case, channel, z, y, x)."""
        middle = crops.shape[-1] // 2
        planes = (crops[:, :, middle], crops[:, :, :, middle], crops[..., middle])
        return self.head(cat([self.encoder(plane) for plane in planes], dim=1))
