"""Losses that know the site of each training case: rivals for centres that were not learned from."""

from bench.methods.hookspecs import hookimpl
from bench.methods.modification import Modification

LOSSES = {
    "groupdro": ("GroupDROLoss", "the site with the largest loss counts most (group DRO)"),
    "coral": ("CoralLoss", "features of the sites alike in mean and covariance (CORAL)"),
    "irm": ("IRMLoss", "one classifier that suits every site (IRM)"),
}


@hookimpl
def bench_modifications() -> list[Modification]:
    """Offer ``groupdro``, ``coral`` and ``irm``."""
    return [
        Modification(
            name,
            f"bench_zoo.generalisation.method:{target}",
            summary,
            "networks of bench_zoo and classes derived from them, all tasks trained together",
        )
        for name, (target, summary) in LOSSES.items()
    ]
