"""What the server that forks the processes of cells imports beforehand: libraries alone, nothing of a run."""

from collections.abc import Iterable

from bench.methods.fingerprint import libraries
from bench.methods.variant import Variant

# Libraries that are slow to import and start no thread when they are.
HEAVY = {"SimpleITK", "einops", "monai", "numpy", "pandas", "scipy", "sklearn", "timm", "torch", "xgboost"}
DETERMINISTIC_TORCH = "bench.running.executors.deterministic_torch"
SETTLED = "bench.running.executors.settled"


def preloaded(variants: Iterable[Variant]) -> list[str]:
    """Names of the modules that the cells of these variants would otherwise import one by one."""
    specs = [spec for variant in variants for spec in variant.spec.family]
    wanted = set().union(*map(libraries, specs))
    heavy = sorted(module for module in wanted if module.partition(".")[0] in HEAVY)
    torch = [DETERMINISTIC_TORCH] if any(module.partition(".")[0] == "torch" for module in heavy) else []
    return ["__main__", "bench.running.executors.process_child", *heavy, *torch, SETTLED]
