"""The page on metrics says of each metric what the code says, and its examples are true."""

import doctest
import math
import re

from bench.metrics import METRICS, Metric
from bench.metrics.calibration import CALIBRATION_BINS
from bench.metrics.probability import CLIP, NET_BENEFIT_RANGE
from bench.predictions.thresholds import MIN_POSITIVES, RULES
from tests.docs.pages import page, table_after

PAGE = page("metrics.md")


def listed(kind: str) -> list[list[str]]:
    return table_after(PAGE, f"## Metrics of {kind} tasks")


def declared(metric: Metric) -> list[str]:
    ranks = "yes" if metric.ranks else "no"
    how = [metric.arrow, ranks, metric.input, bounds(*metric.bounds), metric.interval]
    return [f"`{metric.name}`", metric.title, *how]


def bounds(low: float, high: float) -> str:
    if math.isinf(low):
        return "any" if math.isinf(high) else f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def test_each_metric_is_there_as_it_is_declared() -> None:
    for kind in ("binary", "continuous"):
        metrics = [declared(metric) for metric in METRICS.values() if metric.kind == kind]
        assert [row[:-1] for row in listed(kind)] == metrics


def test_each_metric_says_how_it_is_computed() -> None:
    assert all(row[-1] for kind in ("binary", "continuous") for row in listed(kind))


def test_the_rules_of_thresholds_are_those_of_the_code() -> None:
    assert [row[0] for row in table_after(PAGE, "## Thresholds of decisions")] == [
        f"`{rule}`" for rule in RULES
    ]


def test_the_numbers_are_those_of_the_code() -> None:
    low, high = NET_BENEFIT_RANGE
    for words in (
        f"over {CALIBRATION_BINS} bins",
        f"thresholds t from {low:g} to {high:g}",
        f"kept {CLIP:.6f} from 0 and 1",
        f"fewer than {MIN_POSITIVES}\npositive cases",
    ):
        assert words in PAGE


def test_the_examples_are_true() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(doctest.DocTestParser().get_doctest(code, {}, "metrics.md", None, None))
    assert runner.tries > 5 and runner.failures == 0
