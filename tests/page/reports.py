"""Reports that the tests of the page share."""

from dataclasses import replace

import pandas as pd

from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import VALIDATION, YOUDEN, Threshold
from bench.report.full_report import FullReport, full_report
from tests.example_results import constant, method, results, truth_table

SCRIPT = "<script>alert('label')</script>"
FORMULA = "$x_{1}$ & \\frac{1}{2}"
HOSTILE_SITE = '"><img src=x onerror=alert(1)>'


def simulated(**changes: object) -> Results:
    """Two sites; five methods, of which one has a hostile name and one begins with an underscore."""
    truth = truth_table(sites=2)
    truth["site"] = truth["site"].replace("site0", HOSTILE_SITE)
    rows = (
        method(SCRIPT, truth, 2.0, seeds=2),
        method("_under_score", truth, 1.0, seeds=2, salt=1),
        method(FORMULA, truth, 0.5, seeds=2, salt=2),
        method("fourth", truth, 0.3, seeds=2, salt=3),
        in_two_seeds(constant(truth)),
    )
    return replace(results(*rows, truth=truth), **changes)


def in_two_seeds(one: MethodResult) -> MethodResult:
    again = one.predictions.assign(seed=1)
    return replace(one, predictions=pd.concat([one.predictions, again], ignore_index=True))


def report(**changes: object) -> FullReport:
    """The report of these results with three cases."""
    return full_report(simulated(**changes), cases=3)


def with_receptors(truth: pd.DataFrame) -> MethodResult:
    """A method that is right of three receptors by a threshold of one half."""
    parts = [
        pd.DataFrame(
            {
                "seed": 0,
                "fold": 0,
                "case_id": truth.index,
                "task": task,
                "prediction": 0.25 + 0.5 * truth[task].to_numpy(),
            }
        )
        for task in ("er", "pr", "her2")
    ]
    thresholds = tuple(Threshold(task, 0, 0, YOUDEN, 0.5, VALIDATION, 20) for task in ("er", "pr", "her2"))
    constants = {0: {"er": 0.5, "pr": 0.5, "her2": 0.5}}
    return MethodResult("always_right", pd.concat(parts), constants, "ok", 1.0, 1, thresholds=thresholds)
