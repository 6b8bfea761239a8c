"""Further resamples are screened: their counts are those of computing every statistic."""

import numpy as np
import pytest

from bench.inference import (
    Bootstrap,
    adjusted_p,
    auc_adjusted_p,
    bootstrap,
    draw_patients,
    mean_influence,
    patients_of,
    seed_influence,
)
from bench.inference.bootstrap import resamples, studentised
from bench.inference.screening import Pairs, Reached, Screen
from bench.metrics import Array, Codes

# So many that steps stay open whatever the data.
LEVELS = (0.0125, 0.05, 0.1, 0.2, 0.3, 0.5)
MOST = 4000


def every_statistic(screen: Screen, held: Array, numbers: Array, least: float, wanted: Codes) -> Reached:
    """All statistics of the wanted pairs, as the rule has them."""
    part = screen.pairs.of(wanted)
    null = studentised(part.contrast(slice(None)), screen.patients, held, part.turned, numbers)
    null[part.agreed] = 0.0
    pair, draw = np.nonzero(null >= least)
    return Reached(wanted[pair], draw, null[pair, draw])


def named(found: Reached, kept: Array) -> dict[tuple[int, int], float]:
    """Statistics by pair and resample."""
    keys = zip(found.pair[kept].tolist(), found.draw[kept].tolist(), strict=True)
    return dict(zip(keys, found.statistic[kept].tolist(), strict=True))


def both(monkeypatch: pytest.MonkeyPatch, found) -> tuple[Array, Array, int]:
    """What is found with and without the screen, and how many statistics the screen let through."""
    passed = []
    screened = Screen.reaching

    def counted(*given):
        reached = screened(*given)
        passed.append(len(reached.pair))
        return reached

    monkeypatch.setattr(bootstrap, "MAX_DRAWS", MOST)
    monkeypatch.setattr(Screen, "reaching", counted)
    ours = found()
    monkeypatch.setattr(Screen, "reaching", every_statistic)
    return ours, found(), sum(passed)


@pytest.mark.parametrize("strata", [1, 4])
@pytest.mark.parametrize("seeds", [1, 3])
def test_counts_of_aucs(monkeypatch: pytest.MonkeyPatch, strata: int, seeds: int) -> None:
    rng = np.random.default_rng(strata + seeds)
    truth = (rng.random(160) < 0.4).astype(float)
    better = truth * np.linspace(0.4, 1.2, 8)[:, None, None]
    scores = list(rng.standard_normal((8, seeds, 160)) + better)
    patients = patients_of(rng.integers(0, 120, 160), truth)

    def found() -> Array:
        stratum = np.arange(160) % strata
        return auc_adjusted_p(
            truth, scores, stratum, patients, bootstrap=Bootstrap(300, 5), factor=1.2, levels=LEVELS
        )

    ours, expected, passed = both(monkeypatch, found)
    np.testing.assert_array_equal(ours, expected)
    assert passed


@pytest.mark.parametrize("cases", [15, 200])
def test_counts_of_means_with_equal_constant_and_nearly_equal_methods(
    monkeypatch: pytest.MonkeyPatch, cases: int
) -> None:
    rng = np.random.default_rng(8)
    loss = rng.standard_normal((10, cases)) + np.linspace(0, 0.5, 10)[:, None]
    loss[3], loss[5] = loss[2], loss[4] + 1  # equal, and better by the same on every case
    loss[7] = loss[6] + 1e-6 * rng.standard_normal(cases)
    loss[8, :-1] = loss[9, :-1]  # one case alone is another
    patients = patients_of(np.arange(cases))
    seeds = seed_influence(list(rng.standard_normal((10, 3)) * 0.05))
    given = (loss.mean(axis=1), mean_influence(loss, patients), patients, draw_patients(patients, 200))
    ours, expected, passed = both(monkeypatch, lambda: adjusted_p(*given, seeds=seeds, seed=3, levels=LEVELS))
    np.testing.assert_array_equal(ours, expected)
    assert passed


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_no_statistic_above_the_threshold_is_missed(scale: float) -> None:
    rng = np.random.default_rng(2)
    loss = scale * rng.standard_cauchy((12, 300))
    patients = patients_of(np.arange(300))
    first, second = np.triu_indices(12, k=1)
    pairs = Pairs(mean_influence(loss, patients), np.zeros((12, 1)), first, second)
    blocks = resamples(patients, draw_patients(patients, 400), 0, 1)
    held, numbers = next(blocks)
    wanted = np.flatnonzero(rng.random(len(first)) < 0.7)
    for least in (1.5, 3.0):
        found = Screen(pairs, patients).reaching(held, numbers, least, wanted)
        every = every_statistic(Screen(pairs, patients), held, numbers, least, wanted)
        ours, theirs = named(found, found.statistic >= least), named(every, every.statistic >= least)
        assert ours.keys() == theirs.keys()
        np.testing.assert_allclose([ours[key] for key in theirs], [*theirs.values()], rtol=1e-12)
        assert len(found.pair) < 1.1 * len(ours) + 10  # the bound is close


def test_counts_of_shares_whose_statistics_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    wrong = (rng.random((8, 60)) < np.linspace(0.2, 0.4, 8)[:, None]).astype(float)
    patients = patients_of(np.arange(60))
    given = (wrong.mean(axis=1), mean_influence(wrong, patients), patients, draw_patients(patients, 200))
    ours, expected, passed = both(monkeypatch, lambda: adjusted_p(*given, levels=LEVELS))
    np.testing.assert_allclose(ours, expected, atol=2e-3)
    assert passed


def test_a_method_without_a_spread_leaves_the_p_of_the_others_as_they_are() -> None:
    rng = np.random.default_rng(0)
    loss = rng.standard_normal((4, 60))
    patients = patients_of(np.arange(60))
    drawn, influence = draw_patients(patients, 300), mean_influence(loss, patients)
    alone = adjusted_p(loss[:3].mean(axis=1), influence[:3], patients, drawn)
    influence[3] = np.nan
    found = adjusted_p(loss.mean(axis=1), influence, patients, drawn)
    np.testing.assert_array_equal(found[:3, :3], alone)
    assert np.isnan(found[3, :3]).all()


def test_resamples_do_not_depend_on_how_many_are_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = patients_of(np.arange(700), (np.arange(700) % 3 == 0).astype(float))
    counts = bootstrap.drawn_counts(patients, 300, (3, 5), fewer=2)
    monkeypatch.setattr(bootstrap, "DRAWN_AT_ONCE", 1 << 30)
    np.testing.assert_array_equal(counts, bootstrap.drawn_counts(patients, 300, (3, 5), fewer=2))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("seeds", [1, 3])
def test_all_statistics_are_those_of_the_differences(groups: int, seeds: int) -> None:
    rng = np.random.default_rng(groups + seeds)
    loss = rng.standard_normal((6, 80)) + rng.standard_normal(80)
    loss[5] = loss[0]  # a pair on which all agree
    patients = patients_of(np.arange(80) // 2, (rng.random(80) < 0.3).astype(float) if groups == 2 else None)
    turned = seed_influence(list(np.repeat(rng.standard_normal((5, seeds)), [2, 1, 1, 1, 1], axis=0)))
    turned[5] = turned[0]
    pairs = Pairs(mean_influence(loss, patients), turned, *np.triu_indices(6, k=1))
    wanted = np.arange(1, len(pairs))
    screen, (held, numbers) = (
        Screen(pairs, patients),
        next(resamples(patients, draw_patients(patients), 0, seeds)),
    )
    null = studentised(pairs.contrast(wanted), patients, held, pairs.turned[wanted], numbers)
    null[pairs.agreed[wanted]] = 0.0
    assert pairs.agreed.sum() == 1
    np.testing.assert_allclose(screen.every(held, numbers, wanted), null, rtol=1e-9)
