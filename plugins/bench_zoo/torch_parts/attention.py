"""Transformer layers over short sequences: slices, patches, instances of a bag."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Base of the rotary frequencies (Su et al., arXiv 2104.09864).
ROTARY_BASE = 10_000.0


class TransformerLayer(nn.Module):
    """Pre-norm self-attention and feed-forward layer.

    Parameters
    ----------
    width, heads
        Width of a token, and number of heads that it is split into.
    dropout
        Share dropped of what each half adds.
    factor
        Width of the feed-forward layer over that of a token.
    rotary
        Whether queries and keys are turned by the token's place in the sequence.
    """

    def __init__(self, width: int, heads: int, dropout: float, factor: float = 2.0, rotary: bool = False):
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.before = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        inner = round(factor * width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> Tensor:
        """(case, token, width) -> the same.

        Parameters
        ----------
        valid
            Which tokens may be attended to, bool, shape (case, token), at least one a case; None: all.
        """
        projected = self.project(self.before(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # (case, head, token, width / head) each
        if self.rotary:
            query, key = rotated(query), rotated(key)
        allowed = None if valid is None else valid[:, None, None]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        tokens = tokens + self.dropout(self.merge(mixed.transpose(1, 2).flatten(2)))
        return tokens + self.dropout(self.feed(tokens))


def rotated(features: Tensor) -> Tensor:
    """Pairs of features turned by angles that grow with the place of their token, (..., token, width)."""
    half = features.shape[-1] // 2
    places = torch.arange(features.shape[-2], device=features.device, dtype=features.dtype)
    rates = ROTARY_BASE ** (-torch.arange(half, device=features.device, dtype=features.dtype) / half)
    angles = places[:, None] * rates  # (token, width / 2)
    first, second = features.chunk(2, dim=-1)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class GatedAttention(nn.Module):
    """Weights of the instances of a bag, after Ilse et al. 2018 (arXiv 1802.04712): tanh times sigmoid.

    Parameters
    ----------
    width, inner
        Width of an instance, and of the two hidden layers.
    maps
        Number of weightings.
    """

    def __init__(self, width: int, inner: int, maps: int):
        super().__init__()
        self.content, self.gate = nn.Linear(width, inner), nn.Linear(width, inner)
        self.score = nn.Linear(inner, maps)

    def forward(self, instances: Tensor, valid: Tensor) -> Tensor:
        """(case, instance, width), (case, instance) bool -> (case, map, instance), sum 1 over valid ones."""
        scores = self.score(torch.tanh(self.content(instances)) * torch.sigmoid(self.gate(instances)))
        return scores.masked_fill(~valid[:, :, None], -torch.inf).softmax(dim=1).transpose(1, 2)
