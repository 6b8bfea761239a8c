"""The biology of the phantom and its ceiling, against published figures and other computations."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.cohorts.phantom import SCENARIOS, Scenario, biology
from bench.cohorts.phantom.ceiling import posterior, read_parameters
from bench.cohorts.phantom.draw import draw_lesions, drivers
from bench.cohorts.phantom.scanner import SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES, PUBLISHED

README = Path(__file__).parents[3] / "bench" / "cohorts" / "phantom" / "README.md"


PLACES = ("core", "rim", "surround", "texture")


def sample(scenario: Scenario, site: str, draws: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth (draw, 4) and true parameters (draw, attribute) of a site's cases, without any image."""
    rng = np.random.default_rng(seed)
    truth = biology.labels(biology.latents(rng.standard_normal((draws, 4))), scenario.population(site))
    noise = rng.standard_normal((draws, len(ATTRIBUTES)))
    return truth, drivers(truth) @ scenario.matrix + noise


def ceilings(scenario: Scenario, group: str, draws: int = 20_000) -> np.ndarray:
    """AUC of ER, PR and HER2 and MAE of Ki-67 of the ceiling reader, over the sites of a group."""
    sites = {s: n for s, n in scenario.counts.items() if SITES[s].group == group}
    total = sum(sites.values())
    truths, predictions = [], []
    for number, (site, count) in enumerate(sites.items()):
        truth, parameters = sample(scenario, site, round(draws * count / total), seed=number)
        truths.append(truth)
        predictions.append(posterior(parameters, scenario.matrix, scenario.population(site)))
    return figures(np.concatenate(truths), np.concatenate(predictions))


def figures(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    aucs = [roc_auc_score(truth[:, k], prediction[:, k]) for k in range(3)]
    return np.array([*aucs, np.mean(np.abs(truth[:, 3] - prediction[:, 3]))])


# Biology


def test_receptors_have_the_published_prevalences() -> None:
    truth, _ = sample(SCENARIOS["phantom"], "A", 200_000)
    assert truth[:, :3].mean(axis=0) == pytest.approx([0.74, 0.65, 0.18], abs=0.005)


def test_ki67_has_the_stated_quantiles_and_subtype_medians() -> None:
    truth, _ = sample(SCENARIOS["phantom"], "A", 200_000)
    er, pr, her2, ki67 = truth.T
    assert np.quantile(ki67, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx([8, 16, 25, 37, 58], abs=1)
    assert np.median(ki67[(er + pr + her2) == 0]) == pytest.approx(41, abs=1)
    assert np.median(ki67[her2 == 1]) == pytest.approx(32, abs=1)
    assert np.median(ki67[(her2 == 0) & (er + pr > 0)]) == pytest.approx(21, abs=1)


def test_latents_have_the_stated_correlations() -> None:
    latent = biology.latents(np.random.default_rng(0).standard_normal((200_000, 4)))
    expected = np.eye(4)
    expected[:3, :3] = biology.CORRELATION
    assert np.corrcoef(latent.T) == pytest.approx(expected, abs=0.01)


def test_pattern_probabilities_agree_with_the_multivariate_normal_of_scipy() -> None:
    population = biology.Population(er=0.7, pr=0.6, her2=0.25)
    normal = multivariate_normal(np.zeros(3), biology.CORRELATION, seed=0, maxpts=200_000, abseps=1e-7)
    low, high = np.full(3, -9.0), np.full(3, 9.0)
    expected = [
        normal.cdf(np.where(p > 0, high, population.cuts), lower_limit=np.where(p > 0, population.cuts, low))
        for p in biology.PATTERNS
    ]
    assert biology.pattern_probabilities(population) == pytest.approx(expected, abs=1e-5)


def test_ki67_index_and_score_are_inverse_to_each_other() -> None:
    index = np.array([0.5, 14.0, 25.0, 99.0])
    assert biology.ki67_index(biology.ki67_score(index)) == pytest.approx(index)


# Ceiling


@pytest.mark.parametrize(
    ("name", "site"), [("phantom", "A"), ("phantom-rim", "D"), ("phantom-confounded", "C")]
)
def test_posterior_agrees_with_importance_sampling(name: str, site: str) -> None:
    scenario = SCENARIOS[name]
    matrix, population = scenario.matrix, scenario.population(site)
    truth, _ = sample(scenario, site, 150_000, seed=1)
    shift = drivers(truth) @ matrix
    _, parameters = sample(scenario, site, 5, seed=2)
    for observed, read in zip(parameters, posterior(parameters, matrix, population), strict=True):
        log_weight = -np.sum((observed - shift) ** 2, axis=1) / 2
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        order = np.argsort(truth[:, 3])
        median = truth[order, 3][np.searchsorted(np.cumsum(weight[order]), 0.5)]
        assert read[:3] == pytest.approx(weight @ truth[:, :3], abs=0.02)
        assert read[3] == pytest.approx(median, abs=1.0)


def test_a_fitted_model_comes_close_to_the_ceiling_from_below() -> None:
    scenario = SCENARIOS["phantom"]
    truth, parameters = sample(scenario, "A", 60_000, seed=3)
    ceiling = posterior(parameters, scenario.matrix, PUBLISHED)
    learn, test = slice(0, 30_000), slice(30_000, None)
    for k in range(3):
        fitted = (
            LogisticRegression().fit(parameters[learn], truth[learn, k]).decision_function(parameters[test])
        )
        reached = roc_auc_score(truth[test, k], fitted)
        best = roc_auc_score(truth[test, k], ceiling[test, k])
        assert best - 0.02 < reached <= best + 1e-3


def test_probabilities_of_the_ceiling_are_calibrated() -> None:
    scenario = SCENARIOS["phantom-texture"]
    truth, parameters = sample(scenario, "A", 60_000)
    read = posterior(parameters, scenario.matrix, PUBLISHED)
    for k in range(3):
        for low in (0.1, 0.4, 0.7):
            chosen = (read[:, k] > low) & (read[:, k] < low + 0.2)
            assert truth[chosen, k].mean() == pytest.approx(read[chosen, k].mean(), abs=0.03)


@pytest.mark.parametrize("place", PLACES)
def test_ceilings_of_a_single_place_are_near_those_of_the_default(place: str) -> None:
    difference = ceilings(SCENARIOS[f"phantom-{place}"], "internal") - ceilings(
        SCENARIOS["phantom"], "internal"
    )
    assert np.abs(difference[:3]).max() < 0.05
    assert abs(difference[3]) < 0.7


def test_size_alone_reaches_the_ceiling_of_phantom_size() -> None:
    scenario = SCENARIOS["phantom-size"]
    truth, parameters = sample(scenario, "A", 20_000)
    size = parameters[:, list(ATTRIBUTES).index("size_radius")]
    best = figures(truth, posterior(parameters, scenario.matrix, PUBLISHED))
    assert (best[:3] > 0.75).all()
    reached = [roc_auc_score(truth[:, k], sign * size) for k, sign in enumerate((-1, -1, 1))]
    assert reached == pytest.approx(best[:3], abs=0.005)


def test_size_alone_tells_little_of_er_in_the_default() -> None:
    truth, parameters = sample(SCENARIOS["phantom"], "A", 20_000)
    size = parameters[:, list(ATTRIBUTES).index("size_radius")]
    assert roc_auc_score(truth[:, 0], -size) == pytest.approx(0.64, abs=0.02)


def test_the_null_scenario_reads_every_case_the_same() -> None:
    scenario = SCENARIOS["phantom-null"]
    truth, parameters = sample(scenario, "A", 20_000)
    read = posterior(parameters, scenario.matrix, PUBLISHED)
    assert (read == read[0]).all()
    assert read[0] == pytest.approx([0.74, 0.65, 0.18, np.median(truth[:, 3])], abs=0.4)
    assert ceilings(scenario, "internal")[:3] == pytest.approx([0.5] * 3)


def test_the_confounded_reader_uses_the_site_among_internal_cases_only() -> None:
    scenario = SCENARIOS["phantom-confounded"]
    counts = {"A": 300, "C": 300, "D": 300}
    lesions = draw_lesions(scenario, 0, counts)
    blank = [replace(lesion, parameters=np.zeros(len(ATTRIBUTES))) for lesion in lesions]
    read = read_parameters(scenario, blank)
    reads_of_site = read[:, 0].reshape(3, 300)
    assert (reads_of_site == reads_of_site[:, :1]).all()
    assert reads_of_site[0, 0] > reads_of_site[2, 0] + 0.1 > reads_of_site[1, 0] + 0.2
    prevalence = np.array([lesion.truth[0] for lesion in lesions]).reshape(3, 300).mean(axis=1)
    assert prevalence == pytest.approx([0.90, 0.45, 0.74], abs=0.07)


def test_the_site_lifts_the_confounded_ceiling_inside_and_not_outside() -> None:
    inside = ceilings(SCENARIOS["phantom-confounded"], "internal")[:3]
    outside = ceilings(SCENARIOS["phantom-confounded"], "external")[:3]
    assert (inside > outside + 0.05).all()


@pytest.mark.slow
def test_the_readme_states_the_ceilings_that_draws_give() -> None:
    rows = re.findall(r"^\| `(phantom\S*)`, (internal|external) \|(.+)\|$", README.read_text(), re.MULTILINE)
    assert {name for name, _, _ in rows} == set(SCENARIOS)
    for name, group, cells in rows:
        stated = [float(cell) for cell in cells.split("|")]
        assert np.abs(ceilings(SCENARIOS[name], group)[:3] - stated[:3]).max() < 0.009, name
        assert ceilings(SCENARIOS[name], group)[3] == pytest.approx(stated[3], abs=0.15), name
