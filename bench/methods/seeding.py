"""Global generators, for methods that do not draw from ``run.seed`` alone."""

import random
import sys

import numpy as np


def seed_global_generators(seed: int) -> None:
    """Seed the generators that a careless method may draw from; a careful one uses ``run.seed``."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
