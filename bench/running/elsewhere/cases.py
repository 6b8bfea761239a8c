"""Cases in another Python: their crops are asked of the process that has them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.cohorts.radiomics import RadiomicsSettings
from bench.errors import CohortError, MachineError
from bench.imaging.crop import Crop
from bench.imaging.crops import Crops, Layer
from bench.methods.environments.cases import cases_from
from bench.running.handed import HandedCohort, StoredCrops

Ask = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class DistantCohort(HandedCohort):
    """Cases whose crops come by file, with the channels that are asked for and no other."""

    def crops(self, crop: Crop) -> Crops:
        """Crops of these cases, see :meth:`bench.cohorts.cohort.Cohort.crops`."""
        stored = self.ask_crops(crop)
        rows = pd.Index(stored.case_ids).get_indexer(pd.Index(self.case_ids))
        layers = tuple(Layer(stored.values[:, at]) for at in range(len(crop.channels)))
        return Crops(layers, rows)


def distant_cases(name: str, described: Mapping[str, Any], ask: Ask) -> DistantCohort:
    """The cases that a request describes; ``ask`` is handed questions about the cohort of that name."""
    case_ids = tuple(described["table"]["index"])
    kept: dict[Crop, StoredCrops] = {}

    def crops(crop: Crop) -> StoredCrops:
        if crop not in kept:
            asked = {"size_mm": crop.size_mm, "spacing_mm": crop.spacing_mm, "channels": list(crop.channels)}
            path = answered(ask({"asks": "crops", "of": name, **asked}))["path"]
            kept[crop] = StoredCrops(case_ids, np.load(path, mmap_mode="r").view(np.ndarray))
        return kept[crop]

    def radiomics(settings: RadiomicsSettings) -> pd.DataFrame:
        found = answered(ask({"asks": "radiomics", "of": name, "settings": settings.to_json()}))
        values = np.load(found["path"], allow_pickle=False)
        return pd.DataFrame(values, index=found["case_ids"], columns=found["columns"])

    return DistantCohort(**cases_from(described), ask_crops=crops, ask_radiomics=radiomics)


def answered(found: dict[str, Any]) -> dict[str, Any]:
    """An answer; raises CohortError or MachineError where it is an error."""
    if "error" in found:
        raise (MachineError if found["machine"] else CohortError)(found["error"])
    return found
