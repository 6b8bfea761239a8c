"""What radiomics reach with labels that say nothing."""

from bench.methods.hookspecs import hookimpl
from bench.methods.method import MethodSpec
from bench_zoo.radiomics import COST, REMEDY


@hookimpl
def bench_methods() -> list[MethodSpec]:
    """Offer ``shuffled_labels``."""
    summary = "Floor: radiomics_lr fitted to shuffled training labels"
    target = "bench_zoo.baselines.shuffled_labels.method:ShuffledLabels"
    return [MethodSpec("shuffled_labels", target, summary, requires={"radiomics": REMEDY}, cost=COST)]
