"""Habitat radiomics: clusters of voxels over all lesions, and how much of each a lesion has.

After papers on habitats and HER2, Ki-67 or receptors in breast MRI (10.1016/j.mri.2025.110429, 340 patients;
10.1016/j.mri.2025.110370, 290 patients, k-means). Taken over: voxels of all training lesions are clustered by
intensity and local texture; each habitat is described in lesion and peritumoural region, and a model reads
the description. Left open by their abstracts and chosen here: three habitats; the traits (intensity, mean and
standard deviation of 3 x 3 x 3 voxels at 1.5 mm); at most 200 voxels a case for the clustering; shares,
intensities, entropy, border and index of heterogeneity as features; a ridge penalty, chosen as for
``radiomics_<family>``. Changed: kinetic habitats need several phases and are not possible here; no features
of texture are measured in each habitat. Clusters are fitted on training cases alone. 620 cases take about
37 CPU seconds at 0.06 a case. No reproduction of published numbers.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.methods.method import Run
from bench_zoo.classical.table_model import TableModel
from bench_zoo.habitats.clusters import Clusters, habitat_features
from bench_zoo.habitats.voxels import PARTS, parted_cases

FILE = "habitats.json"
# Voxels that a case gives to the clustering: a large lesion does not outvote the others.
VOXELS = 200


@dataclass
class Habitats(TableModel):
    """Shares and intensities of the habitats of lesion and peritumoural region in one of nine families.

    Parameters
    ----------
    kind
        ``kmeans``, or ``gmm``: a Gaussian mixture with full covariances.
    habitats
        Number of clusters.
    size_mm, spacing_mm
        Edge and voxel of the crop.
    """

    kind: Literal["kmeans", "gmm"] = "kmeans"
    habitats: int = 3
    size_mm: float = 48.0
    spacing_mm: float = 1.5

    clusters: Clusters | None = field(default=None, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Cluster voxels of the training cases, then fit the model on what habitats they have."""
        rng = np.random.default_rng(run.seed)
        voxels = []
        for traits, parts in parted_cases(train, self._crop()):
            inside = traits[parts["lesion"] | parts["surround"]]
            voxels.append(rng.permutation(inside)[:VOXELS])
        self.clusters = Clusters.of(self.kind, np.concatenate(voxels), self.habitats, run.seed)
        return super().fit(train, val, run)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Features by ``<region>_<name>``, see :func:`bench_zoo.habitats.clusters.habitat_features`."""
        if self.clusters is None:
            raise RuntimeError("the habitats have not been fitted: call fit or load first")
        rows = []
        for traits, parts in parted_cases(cohort, self._crop()):
            assigned = self.clusters.assign(traits)
            found = {
                part: habitat_features(assigned, traits[..., 0], parts[part], self.habitats) for part in PARTS
            }
            rows.append({f"{part}_{name}": value for part in PARTS for name, value in found[part].items()})
        return pd.DataFrame(rows, index=list(cohort.case_ids))

    def save(self, folder: Path) -> None:
        """Write the clusters as JSON beside what the model writes."""
        super().save(folder)
        state = None if self.clusters is None else self.clusters.as_json()
        (folder / FILE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        method = super().load(folder)
        method.clusters = Clusters.from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
        return method

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm)
