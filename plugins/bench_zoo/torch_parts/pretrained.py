"""Local pretrained weights: what matches is taken, and what does not is said."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bench.errors import PluginError

# What training scripts and wrappers put before a network's own names or around its weights.
PREFIXES = ("module.", "model.", "encoder.", "backbone.", "net.", "network.")
WRAPPERS = ("state_dict", "model_state_dict", "model", "network")
NAMED = 5

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # the report belongs in the cell's log, whatever else is kept out of it


@dataclass(frozen=True)
class Match:
    """How weights of a file fit a network; names of tensors.

    Parameters
    ----------
    taken
        Names in the network, with the names in the file.
    missing
        In the network and not in the file.
    reshaped
        In both, of different shapes.
    unused
        In the file and not in the network.
    share
        Share of the network's parameters and buffers, by count of values, that were taken.
    """

    taken: Mapping[str, str]
    missing: tuple[str, ...]
    reshaped: tuple[str, ...]
    unused: tuple[str, ...]
    share: float

    def __str__(self) -> str:
        total = len(self.taken) + len(self.missing) + len(self.reshaped)
        text = f"{len(self.taken)} of {total} tensors ({100 * self.share:.1f} % of the values) matched"
        for what in ("reshaped", "missing", "unused"):
            names = getattr(self, what)
            if names:
                more = ", ..." if len(names) > NAMED else ""
                text += f"; {len(names)} {what}: {', '.join(names[:NAMED])}{more}"
        return text


def load_pretrained(network: nn.Module, path: Path) -> Match:
    """Put the weights of a file into a network where name and shape agree, and log what did.

    Common prefixes (``module.``, ``encoder.`` and the like) do not count.

    Raises
    ------
    PluginError
        The file is missing or unreadable, or nothing in it matches.
    """
    offered = read_weights(path)
    match = match_weights(network.state_dict(), offered)
    log.info("weights %s: %s", path, match)
    if not match.taken:
        theirs, ours = (", ".join(list(names)[:NAMED]) for names in (offered, network.state_dict()))
        raise PluginError(
            f"weights {path} match no tensor of the backbone: the file has {theirs}, expected such as "
            f"{ours}; name the backbone that they were trained for"
        )
    chosen = {name: offered[theirs] for name, theirs in match.taken.items()}
    network.load_state_dict(chosen, strict=False)
    return match


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file or of a torch state dict (read without running code), by name."""
    if not path.is_file():
        raise PluginError(
            f"weights {path} do not exist; give the path of a safetensors file or a torch state dict"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise PluginError(
            f"weights {path} cannot be read as tensors alone ({type(error).__name__}); save them as "
            "safetensors or as `torch.save(network.state_dict(), path)`"
        ) from error
    for wrapper in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    named = found.items() if isinstance(found, Mapping) else ()
    tensors = {name: its for name, its in named if isinstance(its, Tensor)}
    if not tensors:
        raise PluginError(f"weights {path} hold no tensor by name; expected a state dict")
    return tensors


def match_weights(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor]) -> Match:
    """Pair tensors by name less prefixes; shapes must agree."""
    bare = {_bare(name): name for name in offered}
    pairs = {name: bare[_bare(name)] for name in wanted if _bare(name) in bare}
    taken = {ours: theirs for ours, theirs in pairs.items() if wanted[ours].shape == offered[theirs].shape}
    values = sum(its.numel() for its in wanted.values())
    used = set(pairs.values())
    return Match(
        taken,
        tuple(name for name in wanted if name not in pairs),
        tuple(name for name in pairs if name not in taken),
        tuple(name for name in offered if name not in used),
        sum(wanted[name].numel() for name in taken) / values,
    )


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return _bare(name.removeprefix(prefix))
    return name
