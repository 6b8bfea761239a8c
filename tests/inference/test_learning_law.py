"""The law of a learning curve and where two curves cross, against curves of known shape."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from bench.inference.learning_law import BELOW, NEVER, Law, fitted_law, passing_interval, passings

SIZES = np.array([50.0, 100.0, 200.0, 400.0, 800.0, 1600.0])


def noisy(values: np.ndarray, error: float, draws: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return values + error * rng.standard_normal((draws, len(values)))


def test_a_known_law_is_found_as_an_independent_fit_finds_it() -> None:
    truth = Law(0.8, 0.1, 0.7, float(np.exp(np.log(SIZES).mean())))
    values, errors = truth.value(SIZES), np.full(6, 0.002)
    found = fitted_law(SIZES, values, noisy(values, 0.002), errors, 1.0)
    assert found.law is not None

    def law(n: np.ndarray, limit: float, reach: float, decay: float) -> np.ndarray:
        return limit - reach * (n / truth.middle) ** -decay

    expected, _ = curve_fit(law, SIZES, values, p0=(0.9, 0.2, 0.4))
    assert found.law[:3] == pytest.approx(expected, rel=0.02)
    assert found.limit.low < 0.8 < found.limit.high
    assert found.decay.low < 0.7 < found.decay.high


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    truth = Law(0.8, 0.1, 0.7, float(np.exp(np.log(SIZES).mean())))
    rng, held, told = np.random.default_rng(1), 0, 0
    for _ in range(60):
        seen = truth.value(SIZES) + 0.004 * rng.standard_normal(6)
        drawn = seen + 0.004 * rng.standard_normal((200, 6))
        found = fitted_law(SIZES, seen, drawn, np.full(6, 0.004), 1.0)
        told += found.law is not None
        held += found.law is not None and found.decay.low <= 0.7 <= found.decay.high
    assert told >= 50 and held / told >= 0.85


@pytest.mark.parametrize(
    ("values", "error", "why"),
    [
        ([0.6, 0.6, 0.6, 0.6, 0.6, 0.6], 0.01, "do not show that more patients help"),
        ([0.7, 0.68, 0.66, 0.64, 0.62, 0.6], 0.01, "do not show that more patients help"),
        (list(0.5 + 0.03 * np.log2(SIZES / 50)), 0.002, "leave open how fast the curve flattens"),
    ],
)
def test_no_law_is_claimed_of_curves_that_do_not_tell_one(
    values: list[float], error: float, why: str
) -> None:
    seen = np.array(values)
    found = fitted_law(SIZES, seen, noisy(seen, error), np.full(6, error), 1.0)
    assert found.law is None and why in found.why


def test_three_sizes_are_too_few() -> None:
    values = np.array([0.5, 0.6, 0.65])
    found = fitted_law(SIZES[:3], values, noisy(values, 0.001), np.full(3, 0.001), 1.0)
    assert found.law is None and found.why == "fewer than 4 sizes"


def test_no_limit_is_beyond_what_is_possible() -> None:
    truth = Law(1.2, 0.4, 0.5, float(np.exp(np.log(SIZES).mean())))
    values = truth.value(SIZES)
    found = fitted_law(SIZES, values, noisy(values, 0.002), np.full(6, 0.002), 1.0)
    assert found.law is None or (found.law.limit <= 1 and found.limit.high <= 1)


def test_a_passing_is_interpolated_along_the_logarithm_and_stays_passed() -> None:
    rows = np.array(
        [
            [-1, -1, -1, 1, 1, 1],  # half way between 200 and 400
            [1, -1, -1, 3, 1, 1],  # the first lead is lost again; a quarter of the way
            [1, 1, 1, 1, 1, 1],
            [1, 1, 1, 1, 1, -1],
            [0, 0, 0, 0, 0, 0],
        ],
        dtype=float,
    )
    expected = [200 * 2**0.5, 200 * 2**0.25, BELOW, NEVER, NEVER]
    assert passings(SIZES, rows).tolist() == pytest.approx(expected)


def test_an_interval_of_passings_may_end_outside_the_sizes() -> None:
    drawn = np.array([BELOW] * 10 + [200.0] * 180 + [NEVER] * 10)
    assert passing_interval(drawn) == (BELOW, NEVER)
    assert passing_interval(np.full(100, 200.0)) == (200.0, 200.0)
