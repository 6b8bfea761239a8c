"""Detection of changed copies of crops by BA023, and false pairs, cohort by cohort.

    python tests/simulations/near_duplicates.py --cohort phantom --cohort $BENCH_DATA/breastdcedl
    python tests/simulations/near_duplicates.py --cohort $BENCH_DATA/breastdcedl --corners

Every change is applied to the crop of each case; a copy counts as found where its resemblance to the original
reaches the threshold of BA023. False pairs: crops of different patients that reach it. With ``--corners``
they alone are counted, among two crops a volume: the lesion's, and the corner of a cube twice as wide that
shows most tissue. The two overlap by an eighth and are of one patient, so that pair is left out.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
from scipy import ndimage

from bench.audit.copies import ALIKE, CROP
from bench.cohorts.catalogue import open_cohort
from bench.cohorts.cohort import Cohort
from bench.imaging.resemblance import similarities

# Originals that are compared with their copies at a time.
BLOCK = 40
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def noise(share: float) -> Change:
    """Noise of a share of the range from the 1st to the 99th percentile."""

    def change(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        low, high = np.percentile(crop, [1, 99])
        return crop + share * (high - low) * rng.standard_normal(crop.shape)

    return change


def turned(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By 5 degrees within the slices."""
    return ndimage.rotate(crop, 5, axes=(1, 2), reshape=False, order=1, mode="nearest")


def resampled(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To voxels 1.25 times as wide, and back."""
    coarse = ndimage.zoom(crop, 0.8, order=1)
    return ndimage.zoom(coarse, np.array(crop.shape) / coarse.shape, order=1)


def gamma(power: float) -> Change:
    """A gamma curve over the whole range."""
    return lambda crop, rng: ((crop - crop.min()) / np.ptp(crop)) ** power


CHANGES: dict[str, Change] = {
    **{f"noise {share} %": noise(share / 100) for share in (1, 2, 5)},
    "mirrored": lambda crop, rng: crop[..., ::-1],
    "90 degrees": lambda crop, rng: np.rot90(crop, axes=(1, 2)),
    "5 degrees": turned,
    "resampled": resampled,
    "gamma 0.7": gamma(0.7),
    "gamma 1.5": gamma(1.5),
}


def detected(crops: np.ndarray, change: Change) -> float:
    """Share of the copies that are found."""
    rng, found = np.random.default_rng(0), []
    for start in range(0, len(crops), BLOCK):
        own = crops[start : start + BLOCK]
        copies = np.stack([change(crop, rng) for crop in own]).astype(np.float32)
        found.append(np.diag(similarities(np.concatenate([own, copies])), len(own)) >= ALIKE)
    return float(np.concatenate(found).mean())


def corners(cohort: Cohort) -> np.ndarray:
    """The corner of each case's wide cube with most voxels that are not 0, shape (case, z, y, x)."""
    wide = cohort.crops(replace(CROP, size_mm=2 * CROP.size_mm))
    half = CROP.shape[0]
    ends = (slice(None, half), slice(half, None))
    found = []
    for row in range(len(cohort)):
        cube = np.asarray(wide[row])[0]
        found.append(max((cube[place] for place in product(ends, repeat=3)), key=np.count_nonzero))
    return np.stack(found)


def told_pairs(name: str, crops: np.ndarray, patients: np.ndarray) -> None:
    """Print how many crops of different patients count as one image."""
    alike = np.triu(similarities(crops), 1)
    others = np.triu(patients[:, None] != patients[None], 1)
    alike[~others] = 0
    print(
        f"{name}: {int((alike >= ALIKE).sum())} false pairs of {len(crops)} crops ({others.sum():,} pairs), "
        f"the most alike {alike.max():.3f}",
        flush=True,
    )


def main() -> None:
    """Print a line a cohort and change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohort", action="append", required=True)
    parser.add_argument("--corners", action="store_true")
    asked = parser.parse_args()
    for name in asked.cohort:
        cohort = open_cohort(name)
        read = cohort.crops(CROP)
        crops = np.stack([np.asarray(read[row])[0] for row in range(len(cohort))])
        patients = cohort.patient_ids
        if asked.corners:
            both = np.concatenate([crops, corners(cohort)])
            told_pairs(f"{name} and corners", both, np.tile(patients, 2))
            continue
        told_pairs(name, crops, patients)
        for title, change in CHANGES.items():
            print(f"  {title}: {detected(crops, change):.3f} found", flush=True)


if __name__ == "__main__":
    main()
