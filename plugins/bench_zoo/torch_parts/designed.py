"""Methods whose network has an encoder of its own, which no name of a backbone replaces."""

from dataclasses import dataclass
from typing import ClassVar

from bench_zoo.torch_parts.fitted import NetworkMethod


@dataclass
class DesignedNetwork(NetworkMethod):
    """A network with an encoder of its own; crop, losses and training are those of all networks.

    See :class:`bench_zoo.torch_parts.fitted.NetworkMethod`. ``backbone`` is no hyperparameter here, so that a
    setting of it is refused rather than ignored.
    """

    backbone: ClassVar[str] = "own"  # type: ignore[misc]
