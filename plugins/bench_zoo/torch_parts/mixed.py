"""What changes one thing of any network method, as a class to be mixed in before it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench_zoo.torch_parts.fitted import NetworkMethod as MixedIn
else:
    # A dataclass from NetworkMethod would put its defaults in the place of those of the network.
    MixedIn = object

__all__ = ["MixedIn"]
