"""Attention over the patches of a lesion (multiple-instance learning), after arXiv 2404.16397."""

from typing import Any

from bench.methods.cost import Cost
from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "tiph_mil": ("one attention for all tasks", {}),
    "tiph_mil_mb": ("an attention of its own for each task", {"aggregator": "branches"}),
    "transmil": ("a transformer over the patches", {"aggregator": "transformer"}),
}


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``tiph_mil``, ``tiph_mil_mb`` and ``transmil``."""
    return [
        MethodSpec(
            name,
            "bench_zoo.networks.tiph_mil.method:TiphMIL",
            f"Bag of patches of lesion and surround, {what} (arXiv 2404.16397)",
            params,
            cost=Cost(seconds_per_case=0.2, grows_with=("epochs",)),
        )
        for name, (what, params) in VARIANTS.items()
    ]
