"""Where in a phantom's image the signal of each task is: known to whoever evaluates, hidden from methods."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from bench.cohorts.phantom.anatomy import boundary, core_parts, draw_structure, rim_shell
from bench.cohorts.phantom.biology import TASKS
from bench.cohorts.phantom.draw import Lesion, draw_lesions, image_stream
from bench.cohorts.phantom.images import quantities
from bench.cohorts.phantom.scanner import MAX_SHIFT_MM, SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES, SCENARIOS, Scenario
from bench.errors import CohortError

# Places that are a part of the image; a margin and a size are none.
PLACES = ("core", "rim", "texture", "surround")
# How far the surround reaches from the true boundary.
SURROUND_MM = 9.0


@dataclass(frozen=True, eq=False)
class TruePlaces:
    """The generating model of a phantom's folder, from which every case's geometry is drawn again.

    Parameters
    ----------
    scenario, seed
        Of the phantom.
    lesions
        Its cases by id, with their true parameters.
    """

    scenario: Scenario
    seed: int
    lesions: Mapping[str, Lesion]

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """The model that a phantom's ``cohort.toml`` names; raises CohortError where it is no phantom."""
        path = folder / "cohort.toml"
        stated = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        made = stated.get("phantom")
        if made is None or made["scenario"] not in SCENARIOS:
            raise CohortError(
                f"{folder} is no phantom, so nobody knows where its signal is; pointing is scored on cohorts "
                f"such as {', '.join(f'phantom-{place}' for place in PLACES[:2])}"
            )
        scenario, seed = SCENARIOS[made["scenario"]], made["seed"]
        lesions = draw_lesions(scenario, seed, made["counts"])
        return cls(scenario, seed, {lesion.case_id: lesion for lesion in lesions})

    def of_task(self, task: str) -> str:
        """The place of the attribute that the task shifts most; empty where it shifts none of a place."""
        loadings = np.abs(self.scenario.matrix[TASKS.index(task)]) if task in TASKS else np.zeros(1)
        if not loadings.any():
            return ""
        place = list(ATTRIBUTES.values())[int(loadings.argmax())].place
        return place if place in PLACES else ""

    def of_case(self, case_id: str) -> dict[str, np.ndarray]:
        """Each place of a case by name, and ``all``, lesion and surround; bool, on the image's own grid.

        core: the darker core and the nodule, inside the lesion; rim: the shell inside the boundary, as thick
        as this lesion's; texture: the lesion; surround: from the boundary to :data:`SURROUND_MM` outside. The
        boundary is the true one, not that of the mask.
        """
        lesion = self.lesions[case_id]
        drawn = quantities(lesion)
        rng = image_stream(self.seed, lesion)
        structure = draw_structure(rng, SITES[lesion.site].axes, MAX_SHIFT_MM)
        reduced, distance = boundary(structure, drawn["size_radius"])
        drop, nodule = core_parts(structure, reduced, drawn)
        inside = distance < 0
        return {
            "core": inside & (np.maximum(drop, nodule) > 0.5),
            "rim": inside & (rim_shell(distance, drawn) > 0.5),
            "texture": inside,
            "surround": ~inside & (distance <= SURROUND_MM),
            "all": distance <= SURROUND_MM,
        }
