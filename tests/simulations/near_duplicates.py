"""Detection of changed copies of crops by BA023, and false pairs, cohort by cohort.

    python tests/simulations/near_duplicates.py --cohort phantom --cohort $BENCH_DATA/breastdcedl

Every change is applied to the crop of each case; a copy counts as found where its resemblance to the original
reaches the threshold of BA023. False pairs: crops of different patients that reach it.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from bench.audit.copies import ALIKE, CROP
from bench.cohorts.catalogue import open_cohort
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


def main() -> None:
    """Print a line a cohort and change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohort", action="append", required=True)
    for name in parser.parse_args().cohort:
        cohort = open_cohort(name)
        read = cohort.crops(CROP)
        crops = np.stack([np.asarray(read[row])[0] for row in range(len(cohort))])
        alike = np.triu(similarities(crops), 1)
        patients = cohort.patient_ids
        alike[patients[:, None] == patients[None]] = 0
        false = int((alike >= ALIKE).sum())
        print(
            f"{name}: {false} false pairs of {len(crops)} crops, the most alike {alike.max():.3f}", flush=True
        )
        for title, change in CHANGES.items():
            print(f"  {title}: {detected(crops, change):.3f} found", flush=True)


if __name__ == "__main__":
    main()
