"""The phantom: its biology, its ceiling, its images, and that it is made whole or not at all."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from scipy.ndimage import label as components
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bench.cohorts.folder import load_folder
from bench.cohorts.phantom import GENERATOR, SCENARIOS, Scenario, biology, make_phantom
from bench.cohorts.phantom.anatomy import draw_structure, render, smooth_field
from bench.cohorts.phantom.ceiling import posterior, read_parameters
from bench.cohorts.phantom.draw import draw_lesions, drivers
from bench.cohorts.phantom.images import render_case
from bench.cohorts.phantom.scanner import SITES
from bench.cohorts.phantom.scenarios import ATTRIBUTES, PUBLISHED
from bench.errors import CohortError

README = Path(__file__).parents[2] / "bench" / "cohorts" / "phantom" / "README.md"
FEW = {"A": 3, "C": 2, "D": 2}
PLACES = ("core", "rim", "surround", "texture")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of seven cases at three sites."""
    base = tmp_path_factory.mktemp("few")
    make_phantom("phantom", base / "cohort", base / "oracle.csv", counts=FEW, workers=2)
    return base


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


def test_the_readme_states_the_ceilings_that_draws_give() -> None:
    rows = re.findall(r"^\| `(phantom\S*)`, (internal|external) \|(.+)\|$", README.read_text(), re.MULTILINE)
    assert {name for name, _, _ in rows} == set(SCENARIOS)
    for name, group, cells in rows:
        stated = [float(cell) for cell in cells.split("|")]
        assert np.abs(ceilings(SCENARIOS[name], group)[:3] - stated[:3]).max() < 0.009, name
        assert ceilings(SCENARIOS[name], group)[3] == pytest.approx(stated[3], abs=0.15), name


# Cases


def test_the_default_counts_are_886_internal_and_74_external_cases() -> None:
    for name, scenario in SCENARIOS.items():
        if name not in ("phantom-tiny", "phantom-null"):
            lesions = draw_lesions(scenario, 0)
            groups = [SITES[lesion.site].group for lesion in lesions]
            assert (groups.count("internal"), groups.count("external")) == (886, 74)


def standard_normals(name: str, seed: int = 0, **counts: int) -> np.ndarray:
    """What is nuisance in the parameters of a scenario's lesions, shape (case, attribute)."""
    lesions = draw_lesions(SCENARIOS[name], seed, counts)
    return np.array([its.parameters - drivers(its.truth) @ SCENARIOS[name].matrix for its in lesions])


@pytest.mark.parametrize("other", [name for name in SCENARIOS if name not in ("phantom", "phantom-null")])
def test_scenarios_share_neither_nuisance_nor_labels(other: str) -> None:
    one, two = standard_normals("phantom", A=200), standard_normals(other, A=200)
    between = np.abs(np.corrcoef(one.T, two.T)[:18, 18:])
    assert between.max() < 4.5 / np.sqrt(200)
    labels = [
        [its.truth[3] for its in draw_lesions(SCENARIOS[name], 0, {"A": 200})] for name in ("phantom", other)
    ]
    assert abs(np.corrcoef(labels)[0, 1]) < 4 / np.sqrt(200)


def test_images_of_two_scenarios_differ_where_their_attributes_are_equal() -> None:
    images = []
    for name in ("phantom-rim", "phantom-core"):
        (lesion,) = draw_lesions(SCENARIOS[name], 0, {"D": 1})
        images.append(render_case(replace(lesion, parameters=np.zeros(len(ATTRIBUTES))), 0)[0])
    assert not np.array_equal(*images)


def test_the_null_phantom_holds_four_draws_that_share_nothing() -> None:
    lesions = draw_lesions(SCENARIOS["phantom-null"], 0)
    draws = pd.Series([its.draw for its in lesions])
    assert draws.value_counts().to_dict() == dict.fromkeys((1, 2, 3, 4), 241)
    assert len({its.case_id for its in lesions}) == len(lesions)
    assert pd.Series([its.patient_id for its in lesions]).groupby(draws).nunique().eq(237).all()
    by_draw = np.array([its.parameters for its in lesions if its.site == "A"]).reshape(4, 100, -1)
    for one, two in pairwise(by_draw):
        assert np.abs(np.corrcoef(one.T, two.T)[:18, 18:]).max() < 4.5 / 10


def test_the_draw_of_a_null_case_is_told_in_a_column_that_no_method_is_given(tmp_path: Path) -> None:
    make_phantom("phantom-null", tmp_path / "c", tmp_path / "o.csv", counts={"A": 2})
    cohort = load_folder(tmp_path / "c")
    assert cohort.table["draw"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert list(cohort.covariates("clinical")) == ["age"]
    assert "draw" not in cohort.covariates("acquisition")


KERNELS = ("Haswell", "Zen", "SkylakeX")


def test_the_table_and_the_splits_are_the_same_on_every_processor() -> None:
    program = (
        "import hashlib; from bench.cohorts.phantom.draw import draw_lesions;"
        "from bench.cohorts.phantom import SCENARIOS;"
        "from tests.test_split import random_cohort; from bench.split import make_split, load_split_config;"
        "drawn = [draw_lesions(its, seed) for its in SCENARIOS.values() for seed in (0, 1)];"
        "cases = [its for lesions in drawn for its in lesions];"
        "values = [v for its in cases for v in (*its.labels, its.age, *its.parameters)];"
        "print(hashlib.sha256(repr(list(map(float, values))).encode()).hexdigest());"
        "names = ('internal', 'internal_cv', 'external_cv');"
        "configs = [load_split_config(name) for name in names];"
        "print([make_split(random_cohort(k), its).fingerprint for k in (0, 2) for its in configs])"
    )
    root = Path(__file__).parents[2]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={**os.environ, "OPENBLAS_CORETYPE": kernel},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kernel in KERNELS
    }
    assert len(printed) == 1


def test_a_case_is_the_same_whatever_other_cases_there_are() -> None:
    alone = draw_lesions(SCENARIOS["phantom"], 0, {"D": 2})
    among = draw_lesions(SCENARIOS["phantom"], 0, {"A": 30, "D": 5})[30:32]
    for one, other in zip(alone, among, strict=True):
        assert one.case_id == other.case_id
        assert (one.parameters == other.parameters).all()


def test_about_twenty_internal_patients_have_two_lesions_that_resemble_each_other() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0)
    patients = pd.Series([lesion.patient_id for lesion in lesions]).value_counts()
    assert (patients == 2).sum() == 20
    assert patients.max() == 2
    pairs = np.array([lesion.truth[3] for lesion in draw_lesions(SCENARIOS["phantom"], 0, {"A": 2000})])
    first, second = pairs[: 2 * (2000 // 42)].reshape(-1, 2).T
    assert np.corrcoef(first, second)[0, 1] > 0.4


def test_labels_are_missing_at_random_and_every_external_case_has_er() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0, {"A": 3000, "D": 500})
    known = np.array([lesion.known for lesion in lesions])
    assert 1 - known[:3000].mean(axis=0) == pytest.approx([0.01, 0.02, 0.03, 0.06], abs=0.012)
    assert known[3000:, 0].all()


def test_age_tells_nothing() -> None:
    lesions = draw_lesions(SCENARIOS["phantom"], 0, {"A": 3000})
    age = [lesion.age for lesion in lesions]
    truth = np.array([lesion.truth for lesion in lesions])
    assert np.abs(np.corrcoef(age, truth.T)[0, 1:]).max() < 0.07


def test_the_external_cases_of_the_tiny_phantom_fill_five_folds_of_both_classes() -> None:
    external = np.array(
        [lesion.labels for lesion in draw_lesions(SCENARIOS["phantom-tiny"], 0) if lesion.site == "D"]
    )
    for k in range(3):
        assert np.sum(external[:, k] == 1) >= 5
        assert np.sum(external[:, k] == 0) >= 5


# Images


def test_a_smooth_field_has_variance_one_and_the_stated_correlation() -> None:
    axes = (np.arange(0, 60, 1.5), np.arange(0, 60, 1.0), np.arange(0, 60, 1.0))
    rng = np.random.default_rng(0)
    fields = np.stack([smooth_field(rng, axes, 1.5) for _ in range(20)])
    assert fields.var() == pytest.approx(1.0, abs=0.03)
    for axis, step in ((1, 1.5), (3, 1.0)):
        apart = 2
        one, other = np.take(fields, range(30), axis), np.take(fields, range(apart, 30 + apart), axis)
        assert np.mean(one * other) == pytest.approx(np.exp(-((apart * step) ** 2) / (4 * 1.5**2)), abs=0.03)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_each_attribute_is_visible_in_its_own_place(name: str) -> None:
    axes = (np.arange(-28, 28, 1.5),) * 3
    structure = draw_structure(np.random.default_rng(4), axes, 0.0)
    typical = {n: a.quantity(0.0) for n, a in ATTRIBUTES.items()}
    pair = [render(structure, typical | {name: ATTRIBUTES[name].quantity(x)})[0] for x in (-1.5, 1.5)]
    change = np.abs(pair[1] - pair[0])
    depth = np.linalg.norm(structure.position, axis=0) / typical["size_radius"]
    places = {
        "core": depth < 0.9,
        "rim": (depth > 0.4) & (depth < 1.3),
        "texture": depth < 1.3,
        "surround": depth > 0.7,
        "margin": (depth > 0.7) & (depth < 2.5),
        "size": depth < 3.0,
    }
    own = places[ATTRIBUTES[name].place]
    noise = max(site.noise for site in SITES.values())
    assert np.sum(change[own] > noise) > 30
    assert change[~own].sum() < 0.2 * change.sum()


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_quantity_rises_strictly_with_its_parameter_within_its_range(name: str) -> None:
    values = [ATTRIBUTES[name].quantity(x) for x in np.linspace(-5, 5, 21)]
    assert (np.diff(values) > 0).all()
    assert ATTRIBUTES[name].low < values[0] < values[-1] < ATTRIBUTES[name].high


def test_the_radius_is_that_of_the_sphere_of_equal_volume() -> None:
    axes = (np.arange(-24, 24, 1.2),) * 3
    typical = {n: a.quantity(0.0) for n, a in ATTRIBUTES.items()}
    for radius in (6.0, 9.0, 13.0):
        masks = [
            render(draw_structure(np.random.default_rng(k), axes, 0.0), typical | {"size_radius": radius})[1]
            for k in range(5)
        ]
        measured = [1.2 * (mask.sum() * 3 / (4 * np.pi)) ** (1 / 3) for mask in masks]
        assert np.mean(measured) == pytest.approx(radius, rel=0.05)


def test_every_volume_has_its_sites_geometry_and_one_lesion(few: Path) -> None:
    cohort = load_folder(few / "cohort")
    for case_id, site_name in zip(cohort.case_ids, cohort.sites, strict=True):
        site = SITES[site_name]
        image, mask = (
            sitk.ReadImage(str(few / "cohort" / cohort.files.loc[case_id, kind]))
            for kind in ("image", "mask")
        )
        assert image.GetPixelID() == sitk.sitkInt16
        assert image.GetSpacing() == pytest.approx(site.spacing[::-1])
        assert image.GetDirection() == pytest.approx(np.ravel(site.direction), abs=1e-5)
        assert mask.GetOrigin() == pytest.approx(image.GetOrigin())
        assert components(sitk.GetArrayFromImage(mask))[1] == 1


def test_a_cube_of_48_mm_round_the_lesion_lies_inside_the_image(few: Path) -> None:
    for path in sorted((few / "cohort" / "images").glob("*_mask.nii.gz")):
        mask = sitk.ReadImage(str(path))
        inside = np.argwhere(sitk.GetArrayFromImage(mask))[:, ::-1]
        points = np.array([mask.TransformIndexToPhysicalPoint([int(i) for i in index]) for index in inside])
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        corners = centre + 24 * (2 * np.array(list(np.ndindex(2, 2, 2))) - 1)
        index = np.array(
            [mask.TransformPhysicalPointToContinuousIndex([float(v) for v in c]) for c in corners]
        )
        assert (index >= -0.5).all()
        assert (index <= np.array(mask.GetSize()) - 0.5).all()


def test_sites_are_stored_in_different_orientations() -> None:
    assert len({site.direction for site in SITES.values()}) == 4
    for site in SITES.values():
        direction = np.array(site.direction)
        assert direction @ direction.T == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(direction) == pytest.approx(1.0)


# Making


def contents(folder: Path) -> dict[str, bytes | np.ndarray]:
    """Tables as bytes and volumes as arrays, by relative path."""
    return {
        str(path.relative_to(folder)): sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        if path.suffix == ".gz"
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same(one: Path, other: Path) -> None:
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name


def test_the_cohort_reads_back_as_a_folder_cohort(few: Path) -> None:
    cohort = load_folder(few / "cohort")
    assert (len(cohort), cohort.synthetic, cohort.name) == (7, True, "phantom")
    assert [(task.name, task.title) for task in cohort.tasks] == [
        ("er", "ER"), ("pr", "PR"), ("her2", "HER2"), ("ki67", "Ki-67"),
    ]  # fmt: skip
    assert cohort.task("ki67").range == (0.0, 100.0)
    assert list(cohort.covariates("clinical")) == ["age"]
    assert len(set(cohort.patient_ids)) == 5
    assert f"generator = {GENERATOR}\n" in (few / "cohort" / "cohort.toml").read_text()


def renamed(cohort: Path, aside: Path, old: str, new: str) -> Path:
    """A copy of a phantom whose cohort.toml has other words."""
    shutil.copytree(cohort, aside)
    header = (aside / "cohort.toml").read_text()
    assert header.count(old) == 1
    (aside / "cohort.toml").write_text(header.replace(old, new))
    return aside


def test_other_words_in_its_header_make_no_other_phantom(few: Path, tmp_path: Path) -> None:
    before = load_folder(few / "cohort").fingerprint
    words = (
        ("bench/cohorts/phantom/README.md", "elsewhere.md"),
        ('title = "Synthetic', 'title = "A synthetic'),
    )
    for k, (old, new) in enumerate(words):
        assert load_folder(renamed(few / "cohort", tmp_path / f"words{k}", old, new)).fingerprint == before


def test_another_generator_model_seed_or_table_makes_another_phantom(few: Path, tmp_path: Path) -> None:
    model = SCENARIOS["phantom"].model
    changes = ((f"generator = {GENERATOR}\n", "generator = 1\n"), (model, "0" * 16), ("seed = 0", "seed = 1"))
    folders = [renamed(few / "cohort", tmp_path / f"c{k}", *pair) for k, pair in enumerate(changes)]
    folders.append(shutil.copytree(few / "cohort", tmp_path / "table"))
    table = (folders[-1] / "cases.csv").read_text()
    (folders[-1] / "cases.csv").write_text(table.replace("Aurora", "Borealis", 1))
    made = [load_folder(folder).fingerprint for folder in (few / "cohort", *folders)]
    assert len(set(made)) == 5


def test_the_model_of_a_scenario_follows_loadings_and_populations() -> None:
    chosen = SCENARIOS["phantom"]
    other = replace(chosen, loadings={"rim_strength": {"er": -1.5}})
    elsewhere = replace(chosen, populations={"A": biology.Population(er=0.5)})
    assert len({chosen.model, other.model, elsewhere.model}) == 3
    assert replace(chosen, summary="reworded").model == chosen.model


def test_what_is_made_does_not_depend_on_the_number_of_workers(few: Path, tmp_path: Path) -> None:
    make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", counts=FEW, workers=1)
    assert_same(few / "cohort", tmp_path / "cohort")
    assert (few / "oracle.csv").read_bytes() == (tmp_path / "oracle.csv").read_bytes()


def test_another_seed_makes_other_cases_under_another_name(few: Path, tmp_path: Path) -> None:
    make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", seed=5, counts={"A": 3})
    assert load_folder(tmp_path / "cohort").name == "phantom@5"
    name = "images/A0003_image.nii.gz"
    assert not np.array_equal(contents(few / "cohort")[name], contents(tmp_path / "cohort")[name])


def test_the_oracle_reads_every_case_and_task_and_lies_outside_the_cohort(few: Path) -> None:
    oracle = pd.read_csv(few / "oracle.csv")
    assert list(oracle) == ["case_id", "task", "prediction"]
    assert len(oracle) == 7 * 4
    assert not [path for path in (few / "cohort").rglob("*") if "oracle" in path.name or "param" in path.name]
    parameters = pd.read_csv(few / "oracle_parameters.csv", index_col="case_id")
    assert list(parameters) == list(ATTRIBUTES)


def test_an_oracle_inside_the_cohort_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="lies inside the cohort folder"):
        make_phantom("phantom", tmp_path / "cohort", tmp_path / "cohort" / "oracle.csv", counts=FEW)


def test_progress_is_reported_case_by_case(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    make_phantom(
        "phantom-rim",
        tmp_path / "c",
        tmp_path / "o.csv",
        counts={"A": 3},
        report=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_phantom_that_is_there_is_not_made_again_and_a_lost_oracle_is(few: Path) -> None:
    before = (few / "cohort" / "cases.csv").stat().st_mtime_ns
    oracle = (few / "oracle.csv").read_bytes()
    (few / "oracle.csv").unlink()
    make_phantom("phantom", few / "cohort", few / "oracle.csv", counts=FEW, report=unexpected)
    assert (few / "cohort" / "cases.csv").stat().st_mtime_ns == before
    assert (few / "oracle.csv").read_bytes() == oracle


def unexpected(done: int, total: int) -> None:
    raise AssertionError("a case was rendered")


def test_a_folder_that_holds_another_phantom_is_refused(few: Path) -> None:
    with pytest.raises(CohortError, match="delete it or name another folder"):
        make_phantom("phantom-rim", few / "cohort", few / "rim.csv", counts=FEW)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: make_phantom("phantom-lung", p / "c", p / "o.csv"),
            "no phantom scenario 'phantom-lung'; there are",
        ),
        (lambda p: make_phantom("phantom", p / "c", p / "o.csv", counts={"E": 3}), "got 'E': 3"),
        (lambda p: make_phantom("phantom", p / "c", p / "o.csv", counts={"A": 0}), "got 'A': 0"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(
    call: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CohortError, match=re.escape(message)):
        call(tmp_path)


def test_a_failing_worker_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CohortError, match="a phantom worker of phantom exited with 1"):
        make_phantom("phantom", tmp_path / "cohort", tmp_path / "oracle.csv", counts=FEW)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def start(folder: Path, counts: dict[str, int]) -> subprocess.Popen[bytes]:
    """Another process that makes the same phantom, one case a time."""
    call = f"make_phantom('phantom', f, f.with_suffix('.csv'), counts={counts!r}, workers=1)"
    imports = "from pathlib import Path; from bench.cohorts.phantom import make_phantom"
    code = f"{imports}; f = Path({str(folder)!r}); {call}"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


def test_a_kill_half_way_leaves_no_cohort_and_the_next_run_makes_the_whole(tmp_path: Path) -> None:
    folder, counts = tmp_path / "cohort", {"A": 24}
    process = start(folder, counts)
    wait_until(lambda: len(list(tmp_path.glob(".cohort.making-*/images/*"))) > 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not folder.exists()
    assert list(tmp_path.glob(".cohort.making-*"))
    make_phantom("phantom", folder, tmp_path / "cohort.csv", counts=counts)
    assert not list(tmp_path.glob(".cohort.making-*"))
    assert len(list((folder / "images").iterdir())) == 48


def test_two_processes_that_make_the_same_phantom_at_once_both_succeed(few: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cohort"
    both = [start(folder, FEW) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert_same(few / "cohort", folder)


def test_the_phantom_imports_neither_torch_nor_the_harness_plugins() -> None:
    code = "import sys; import bench.cohorts.phantom; assert not {'torch', 'bench_zoo'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
