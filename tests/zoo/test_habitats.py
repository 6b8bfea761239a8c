"""Habitats and the index of heterogeneity."""

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench.testing import check_method
from bench_zoo.habitats.clusters import Clusters, border, habitat_features, ith
from bench_zoo.habitats.index import HeterogeneityIndex, own_clusters
from bench_zoo.habitats.method import Habitats
from bench_zoo.habitats.voxels import voxel_traits


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["habitat_kmeans", "habitat_gmm", "ith_index"])
def test_keeps_the_contract(name: str) -> None:
    check_method(name)


def blobs() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(at, 1 + at / 4, (200, 3)) for at in (0, 4, 9)])


def test_voxels_are_assigned_as_scikit_learn_assigns_them() -> None:
    voxels = blobs()
    scaled = (voxels - voxels.mean(axis=0)) / voxels.std(axis=0)
    peers = {
        "kmeans": KMeans(3, n_init=4, random_state=0).fit(scaled),
        "gmm": GaussianMixture(3, reg_covar=1e-3, n_init=2, random_state=0).fit(scaled),
    }
    for kind, peer in peers.items():
        found, expected = Clusters.of(kind, voxels, 3, 0).assign(voxels), peer.predict(scaled)
        pairs = set(zip(found.tolist(), expected.tolist(), strict=True))
        assert len(pairs) == 3, kind
        assert [voxels[found == at, 0].mean() for at in range(3)] == sorted(
            voxels[found == at, 0].mean() for at in range(3)
        )


def test_traits_are_those_of_the_neighbourhood() -> None:
    image = np.random.default_rng(0).random((5, 5, 5))
    near = image[1:4, 1:4, 1:4]
    assert voxel_traits(image)[2, 2, 2] == pytest.approx([image[2, 2, 2], near.mean(), near.std()])


def test_the_border_counts_pairs_of_face_neighbours() -> None:
    rng = np.random.default_rng(1)
    assigned, region = rng.integers(0, 3, (4, 5, 6)), rng.random((4, 5, 6)) < 0.7
    pairs = apart = 0
    for place, axis in product(product(*map(range, assigned.shape)), range(3)):
        beside = tuple(at + (number == axis) for number, at in enumerate(place))
        if beside[axis] < assigned.shape[axis] and region[place] and region[beside]:
            pairs += 1
            apart += assigned[place] != assigned[beside]
    assert border(assigned, region) == pytest.approx(apart / pairs)


def test_the_index_is_0_for_whole_bodies_and_near_1_for_scattered_ones() -> None:
    region = np.ones((8, 8, 8), bool)
    halves = np.zeros((8, 8, 8), int)
    halves[4:] = 1
    assert ith(halves, region, 2) == 0
    scattered = np.zeros((8, 8, 8), int)
    scattered[::2, ::2, ::2] = 1  # 64 single voxels in one body of 448
    assert ith(scattered, region, 2) == pytest.approx(1 - (448 + 1 / 64) / 512)
    assert np.isnan(ith(halves, ~region, 2))


def test_an_empty_region_has_no_value_and_no_error() -> None:
    empty = np.zeros((3, 3, 3), bool)
    found = habitat_features(np.zeros((3, 3, 3), int), np.zeros((3, 3, 3)), empty, 2)
    assert all(np.isnan(value) for value in found.values())
    assert own_clusters(np.zeros((3, 3, 3, 3)), ~empty, 3) is None


@pytest.mark.slow
@pytest.mark.parametrize("method", [Habitats(habitats=2), HeterogeneityIndex(clusters=(3,))])
def test_a_label_that_follows_a_feature_is_learnt_and_kept(
    method: Habitats | HeterogeneityIndex, tiny: Cohort, tmp_path: Path
) -> None:
    run = Run(0, "cpu", 1, tmp_path)
    half, rest = tiny.take(tiny.case_ids[::2]), tiny.take(tiny.case_ids[1::2])
    method.fit(half, rest, run)
    values = method.measure(tiny).filter(regex="lesion_(share0|ith3)").iloc[:, 0].to_numpy()
    positive = (values > np.nanmedian(values)).astype(float)
    known = dataclasses.replace(tiny, table=tiny.table.assign(er=positive))
    train, test = known.take(half.case_ids), known.take(rest.case_ids)
    fitted = dataclasses.replace(method).fit(train, test, run)
    predicted = fitted.predict(test.blind())
    assert roc_auc_score(test.labels("er"), predicted["er"]) > 0.85
    fitted.save(tmp_path)
    again = type(fitted).load(tmp_path).predict(test.blind())
    for task, said in again.items():
        np.testing.assert_array_equal(said, predicted[task])
