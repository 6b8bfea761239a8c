"""The cases of a phantom before any voxel: who they are, their labels and their true parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.cohorts.phantom import biology
from bench.cohorts.phantom.scanner import SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES, PUBLISHED, Scenario

MISSING = {"er": 0.01, "pr": 0.02, "her2": 0.03, "ki67": 0.06}
PATIENTS_PER_PAIR = 42
_BIOLOGY, _IMAGE = 0, 1


@dataclass(frozen=True)
class Lesion:
    """One case: labels (NaN where unknown), true parameters and the key of its random stream.

    ``draw`` counts from 1; ``truth`` holds ER, PR, HER2 and Ki-67 (percentage points), shape (4,); ``known``
    which of them the cohort tells; ``parameters`` the attributes' parameters in the order of ``ATTRIBUTES``.
    """

    case_id: str
    patient_id: str
    site: str
    draw: int
    age: int
    truth: np.ndarray
    known: np.ndarray
    parameters: np.ndarray
    key: tuple[int, ...]

    @property
    def labels(self) -> np.ndarray:
        """What the cohort tells of ``truth``: NaN where unknown, shape (4,)."""
        return np.where(self.known, self.truth, np.nan)


def stream(seed: int, key: tuple[int, ...], purpose: int) -> np.random.Generator:
    """The random stream of one case: the same whatever the number, order or process of the others.

    ``key`` holds the words of the scenario's name, the draw, the site and the place within them.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*key, purpose)))


def image_stream(seed: int, lesion: Lesion) -> np.random.Generator:
    """The random stream from which a case's image is drawn; independent of its labels."""
    return stream(seed, lesion.key, _IMAGE)


def draw_lesions(
    scenario: Scenario, seed: int, counts: Mapping[str, int] | None = None
) -> tuple[Lesion, ...]:
    """All cases of a scenario, site by site and draw by draw; ``counts`` has the cases by site of each draw.

    At internal sites the first ``2 * (n // 42)`` cases of a draw (at least two) are pairs: two lesions of one
    patient whose biological latents correlate by ``biology.PAIR_CORRELATION``; but for age nothing else is
    shared.
    """
    counts = scenario.counts if counts is None else counts
    return tuple(
        _draw(scenario, seed, draw, site, index, counts[site])
        for site in SITES
        if site in counts
        for draw in range(scenario.draws)
        for index in range(counts[site])
    )


def _paired(site: str, count: int) -> int:
    """Number of cases of a site that belong to patients with two lesions."""
    return 2 * max(1, count // PATIENTS_PER_PAIR) if SITES[site].group == "internal" and count >= 2 else 0


def _draw(scenario: Scenario, seed: int, draw: int, site: str, index: int, count: int) -> Lesion:
    first = index - index % 2 if index < _paired(site, count) else index
    place = (*scenario.words, draw, list(SITES).index(site))
    latent, noise, unknown, age = _independent(stream(seed, (*place, index), _BIOLOGY))
    if first != index:
        shared, _, _, age = _independent(stream(seed, (*place, first), _BIOLOGY))
        rho = biology.PAIR_CORRELATION
        latent = rho * shared + np.sqrt(1 - rho**2) * latent
    truth = biology.labels(latent, scenario.population(site))
    known = unknown >= [0.0 if SITES[site].group == "external" and t == "er" else MISSING[t] for t in MISSING]
    return Lesion(
        case_id=f"{site}{draw * count + index + 1:04d}",
        patient_id=f"P-{site}{draw * count + first + 1:04d}",
        site=site,
        draw=draw + 1,
        age=age,
        truth=truth,
        known=known,
        parameters=np.sum(drivers(truth)[:, None] * scenario.matrix, axis=0) + noise,
        key=(*place, index),
    )


def _independent(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Latents (4,), appearance noise (attribute,), uniforms that decide on missing labels (4,), age."""
    latent = biology.latents(rng.standard_normal(4))
    noise = rng.standard_normal(len(ATTRIBUTES))
    return latent, noise, rng.random(4), int(np.clip(round(rng.normal(55, 12)), 25, 90))


def drivers(truth: np.ndarray) -> np.ndarray:
    """What loads on appearance, shape (..., 4): receptors less their published prevalence, Ki-67 score."""
    receptors = truth[..., :3] - np.array([PUBLISHED.er, PUBLISHED.pr, PUBLISHED.her2])
    return np.concatenate([receptors, biology.ki67_score(truth[..., 3])[..., None]], axis=-1)
