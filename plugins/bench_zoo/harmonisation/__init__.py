"""Features and grey scales of several sites brought to one scale, which training cases alone decide."""

from bench.methods.hookspecs import hookimpl
from bench.methods.modification import Modification

OF_TABLES = "methods that read a table of features (features_*, radiomics_* that have such a counterpart)"
OF_IMAGES = "methods that read crops, and radiomics_* that have a counterpart on tables"


@hookimpl
def bench_modifications() -> list[Modification]:
    """Offer ``combat``, ``nyul`` and ``zscore``."""
    grey_scale = "bench_zoo.harmonisation.grey_scale:GreyScale"
    return [
        Modification(
            "combat",
            "bench_zoo.harmonisation.combat_table:CombatTable",
            "after ComBat of the features; sites not in training as they are",
            OF_TABLES,
        ),
        Modification(
            "nyul",
            grey_scale,
            "on images whose histogram has the mean landmarks of the training cases (Nyul)",
            OF_IMAGES,
            {"intensity": "nyul"},
        ),
        Modification(
            "zscore",
            grey_scale,
            "on images whose tissue round the lesion has mean and spread of the training cases",
            OF_IMAGES,
            {"intensity": "zscore"},
        ),
    ]
