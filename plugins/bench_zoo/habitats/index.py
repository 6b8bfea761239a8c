"""The index of heterogeneity (ITH) of a lesion, alone in a linear model.

After ITHscore (Li et al., Eur Radiol 2022, doi 10.1007/s00330-022-09055-0), which clusters the voxels of each
lesion by local radiomics and counts the bodies that each cluster falls into; the formula is the one commonly
quoted (:func:`bench_zoo.habitats.clusters.ith`), the paper's text and code were not read. Papers on breast
MRI add it to radiomics of lesion and peritumoural region; this row asks what the index alone says. Taken
over: clusters of each lesion by itself, and the index of their bodies. Left open and chosen here: intensity,
local mean and local standard deviation at 1.5 mm as traits; three and five clusters, from centres at the
quantiles of the intensity, so that there is no randomness; lesion and peritumoural region. Changed: bodies in
three dimensions, where the index is usually taken on the largest slice. 620 cases take about 50 CPU seconds
at 0.08 a case. No reproduction of published numbers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench_zoo.classical.table_model import TableModel
from bench_zoo.habitats.clusters import border, ith
from bench_zoo.habitats.voxels import PARTS, parted_cases


@dataclass
class HeterogeneityIndex(TableModel):
    """Index of heterogeneity and share of borders, by number of clusters and region, in one of nine families.

    Parameters
    ----------
    clusters
        Numbers of clusters.
    size_mm, spacing_mm
        Edge and voxel of the crop.
    """

    clusters: tuple[int, ...] = (3, 5)
    size_mm: float = 48.0
    spacing_mm: float = 1.5

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Features by ``<region>_<ith or border><clusters>``, NaN where a region has too few voxels."""
        rows = []
        for traits, parts in parted_cases(cohort, Crop(self.size_mm, self.spacing_mm)):
            row = {}
            for part in PARTS:
                for count in self.clusters:
                    assigned = own_clusters(traits, parts[part], count)
                    row[f"{part}_ith{count}"] = (
                        np.nan if assigned is None else ith(assigned, parts[part], count)
                    )
                    row[f"{part}_border{count}"] = (
                        np.nan if assigned is None else border(assigned, parts[part])
                    )
            rows.append(row)
        return pd.DataFrame(rows, index=list(cohort.case_ids))


def own_clusters(traits: np.ndarray, region: np.ndarray, count: int) -> np.ndarray | None:
    """Cluster of each voxel of a region among its own, int, shape (z, y, x); None for too few voxels."""
    voxels = traits[region]
    if len(np.unique(voxels, axis=0)) < 2 * count:
        return None
    spread = voxels.std(axis=0)
    scaled = (voxels - voxels.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    order = np.argsort(scaled[:, 0], kind="stable")
    start = np.stack([part.mean(axis=0) for part in np.array_split(scaled[order], count)])
    assigned = np.zeros(region.shape, int)
    assigned[region] = KMeans(count, init=start, n_init=1).fit(scaled).labels_
    return assigned
