"""What is visible where: the attributes of a lesion and the scenarios that tie them to the biology."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field

import numpy as np

from bench.cohorts.phantom.biology import TASKS, Population


@dataclass(frozen=True)
class Attribute:
    """One visible property of a lesion: ``low + (high - low) * sigmoid(1.2 x)`` of its parameter x.

    Parameters
    ----------
    place
        Where it shows: core, rim, texture, surround, margin or size.
    low, high
        Physical range.
    meaning
        The physical quantity with its unit.
    """

    place: str
    low: float
    high: float
    meaning: str

    def quantity(self, parameter: float) -> float:
        """The physical quantity that a parameter stands for; strictly increasing."""
        return self.low + (self.high - self.low) / (1.0 + float(np.exp(-1.2 * parameter)))


ATTRIBUTES: Mapping[str, Attribute] = {
    "core_depth": Attribute("core", 0.15, 0.75, "loss of enhancement in the core, share of the lesion's"),
    "core_extent": Attribute("core", 0.30, 0.80, "radius of the core, share of the lesion's"),
    "core_offset": Attribute("core", 0.00, 0.60, "distance of the core from the centre, share of the radius"),
    "core_nodule": Attribute(
        "core", 0.00, 0.90, "gain of a nodule in the lesion's centre, share of the enhancement"
    ),
    "rim_strength": Attribute("rim", 0.05, 0.65, "gain of enhancement in the rim, share of the lesion's"),
    "rim_thickness": Attribute("rim", 1.00, 4.00, "depth of the rim inside the boundary, mm"),
    "rim_gaps": Attribute("rim", 0.00, 1.00, "contrast between bright stretches and gaps of the rim"),
    "rim_tilt": Attribute("rim", 0.00, 1.00, "contrast between the brighter side of the rim and the other"),
    "texture_mix": Attribute("texture", 0.00, 1.00, "share of fine (1.2 mm) over coarse (2.8 mm) texture"),
    "texture_amplitude": Attribute("texture", 0.16, 0.34, "standard deviation, share of the enhancement"),
    "texture_skew": Attribute("texture", -1.00, 1.00, "dark holes (-1) to bright foci (+1)"),
    "texture_stripes": Attribute("texture", 0.00, 0.60, "share of 5 mm stripes in the texture"),
    "surround_strength": Attribute(
        "surround", 0.05, 0.75, "enhancement at the boundary, share of the lesion's"
    ),
    "surround_reach": Attribute("surround", 3.00, 10.0, "distance over which it falls to 1/e, mm"),
    "surround_vessels": Attribute("surround", 0.00, 1.00, "share carried by vessels, the rest is diffuse"),
    "surround_tilt": Attribute("surround", 0.00, 1.00, "contrast between the brighter side and the other"),
    "margin_spikes": Attribute("margin", 0.00, 10.0, "length of the spikes, mm"),
    "size_radius": Attribute("size", 5.00, 14.0, "radius of the sphere of equal volume, mm"),
}

INTERNAL = {"A": 400, "B": 300, "C": 186}
EXTERNAL = {"D": 74}
PUBLISHED = Population()


@dataclass(frozen=True)
class Scenario:
    """A generating model with a name.

    Parameters
    ----------
    loadings
        Attribute -> task -> shift of the attribute's parameter (standard deviations) by a positive label,
        or by one unit of the Ki-67 score. Attributes that are not named are nuisance, N(0, 1).
    counts
        Cases by site, in each draw.
    draws
        How many draws of its population the cohort holds, independent of each other in all that is random.
    populations
        Whom each site sees; the published population where a site is not named.
    """

    name: str
    summary: str
    loadings: Mapping[str, Mapping[str, float]]
    counts: Mapping[str, int] = field(default_factory=lambda: {**INTERNAL, **EXTERNAL})
    populations: Mapping[str, Population] = field(default_factory=dict)
    draws: int = 1

    @property
    def words(self) -> tuple[int, ...]:
        """The name as 32-bit words for a seed: no two scenarios share a random stream."""
        digest = hashlib.sha256(self.name.encode()).digest()[:16]
        return struct.unpack(">4I", digest)

    @property
    def model(self) -> str:
        """Hash of what the scenario's labels and appearance are drawn from, hex."""
        attributes = {name: [attribute.low, attribute.high] for name, attribute in ATTRIBUTES.items()}
        populations = {site: astuple(population) for site, population in self.populations.items()}
        stated = json.dumps([attributes, self.loadings, populations], sort_keys=True)
        return hashlib.sha256(stated.encode()).hexdigest()[:16]

    @property
    def matrix(self) -> np.ndarray:
        """Loadings as a matrix, shape (task, attribute)."""
        return np.array([[self.loadings.get(a, {}).get(t, 0.0) for a in ATTRIBUTES] for t in TASKS])

    def sized(self, cases: int) -> dict[str, int]:
        """Cases by site, in each draw, of a cohort of so many cases with this scenario's shares of the sites.

        Largest remainders are rounded up.
        """
        each = cases // self.draws
        exact = {site: each * count / sum(self.counts.values()) for site, count in self.counts.items()}
        found = {site: int(share) for site, share in exact.items()}
        last = sorted(exact, key=lambda site: found[site] - exact[site])[: each - sum(found.values())]
        return found | {site: found[site] + 1 for site in last}

    def population(self, site: str) -> Population:
        """The population of a site."""
        return self.populations.get(site, PUBLISHED)


DEFAULT_LOADINGS: Mapping[str, Mapping[str, float]] = {
    "rim_strength": {"er": -1.55},
    "texture_mix": {"pr": 1.15},
    "surround_strength": {"her2": 1.65},
    "core_depth": {"ki67": 1.3},
    "margin_spikes": {"er": 0.5, "pr": 0.5},
    "size_radius": {"er": -0.3, "ki67": 0.3},
}


def _in_one_place(place: str) -> Scenario:
    """All four tasks load on one place, one task on each of its attributes, in the order of ATTRIBUTES."""
    names = [name for name, attribute in ATTRIBUTES.items() if attribute.place == place]
    shifts = {"er": -1.65, "ki67": 1.3, "her2": 1.65, "pr": 1.2}
    loadings = {name: {task: shift} for name, (task, shift) in zip(names, shifts.items(), strict=True)}
    return Scenario(f"phantom-{place}", f"all four biomarkers show in the {place} alone", loadings)


_BY_SITE = {
    "A": Population(er=0.90, pr=0.80, her2=0.08, ki67=0.16),
    "B": Population(er=0.70, pr=0.60, her2=0.20, ki67=0.22),
    "C": Population(er=0.45, pr=0.35, her2=0.38, ki67=0.30),
}
_WEAK = 0.4

_ALL = (
    Scenario(
        "phantom",
        "each biomarker shows in a place of its own: ER rim, PR texture, HER2 surround, Ki-67 core",
        DEFAULT_LOADINGS,
    ),
    _in_one_place("core"),
    _in_one_place("rim"),
    _in_one_place("surround"),
    _in_one_place("texture"),
    Scenario(
        "phantom-size",
        "all four biomarkers show in the tumour's size alone",
        {"size_radius": {"er": -1.5, "pr": -0.8, "her2": 1.6, "ki67": 0.8}},
    ),
    Scenario(
        "phantom-null",
        "no biomarker shows anywhere, in four draws: the ceiling is the constant",
        {},
        counts={"A": 100, "B": 75, "C": 47, "D": 19},
        draws=4,
    ),
    Scenario(
        "phantom-confounded",
        "prevalence follows the site among internal cases, not in the external one; appearance tells little",
        {name: {t: _WEAK * shift for t, shift in row.items()} for name, row in DEFAULT_LOADINGS.items()},
        populations=_BY_SITE,
    ),
    Scenario(
        "phantom-tiny",
        "the model of phantom with 68 cases of balanced prevalence, for trials",
        DEFAULT_LOADINGS,
        counts={"A": 16, "B": 16, "C": 16, "D": 20},
        populations=dict.fromkeys("ABCD", Population(er=0.5, pr=0.5, her2=0.5)),
    ),
)

SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
