"""Recalibration in the large: predictions shifted at a new centre, on some of its patients."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from bench.errors import UsageError, parameter
from bench.predictions.ensemble import NEAREST
from bench.predictions.results import MethodResult, Results
from bench.task import Task

# No logit of a prediction is further from 0 than this, so no shift is.
FURTHEST = 60.0
Floats = NDArray[np.float64]


def recalibrated_label(label: str, share: float) -> str:
    """The row of a method whose predictions were shifted on a share of each tested site's patients."""
    return f"{label} (recalibrated on {share:g})"


def with_recalibrated(results: Results, share: float, learned: Collection[str]) -> Results:
    """The results with a recalibrated row behind every method, on the cases that recalibrate none.

    Of each tested site the share of its patients, drawn from the split's seed, recalibrates; all cases of
    these patients leave the test cases of every row. A row keeps the thresholds of its method, which were
    chosen where it was fitted: so they are seen carried to the site with and without the shift.

    Parameters
    ----------
    share
        Of the patients of each tested site, within (0, 1).
    learned
        Sites that a fold learns from while it tests them.

    Raises
    ------
    UsageError
        A share beyond (0, 1), one that leaves nobody on either side, or sites that are learned from.
    """
    if not 0 < share < 1:
        raise UsageError(f"{parameter('recalibrate', share)}: expected a share of the patients in (0, 1)")
    if learned:
        raise UsageError(
            f"{parameter('recalibrate', share)} is for sites that are not learned from, and {results.split} "
            f"learns from {', '.join(sorted(learned))}; take external_frozen or leave_site_out"
        )
    drawn = recalibrating(results, share)
    truth = results.truth
    kept = ~truth["patient_id"].isin(drawn)
    methods = [
        _on(row, truth.index[kept])
        for method in results.methods
        for row in (method, _shifted(method, results.tasks, truth, drawn, share))
        if len(method.predictions) or row is method
    ]
    tested = truth.loc[list(results.tested), "patient_id"].nunique()
    return replace(
        results,
        truth=truth[kept],
        tested={case_id: fold for case_id, fold in results.tested.items() if kept[case_id]},
        methods=tuple(methods),
        estimand=f"{results.estimand} {len(drawn)} of {tested} patients, {share:g} of each tested site, "
        "recalibrate and are tested in no row; thresholds are those of the centres that were learned from.",
    )


def recalibrating(results: Results, share: float) -> frozenset[str]:
    """The patients that recalibrate: of each tested site the share, at least one, from the split's seed.

    Raises UsageError where a site has a single patient.
    """
    tested = results.truth.loc[sorted(results.tested)].drop_duplicates("patient_id")
    rng = np.random.default_rng([results.split_seed, 3])
    drawn: list[str] = []
    for site, own in sorted(tested.groupby("site")["patient_id"]):
        patients = np.sort(own.to_numpy(dtype=object))
        count = max(1, round(share * len(patients)))
        if count == len(patients):
            asked = parameter("recalibrate", share)
            raise UsageError(f"{asked}: site {site} has {len(patients)} patients, which leaves none to test")
        drawn += list(rng.permutation(patients)[:count])
    return frozenset(drawn)


def _on(method: MethodResult, cases: "pd.Index[str]") -> MethodResult:
    if not len(method.predictions):
        return method
    return replace(method, predictions=method.predictions[method.predictions["case_id"].isin(cases)])


@dataclass(frozen=True, eq=False)
class _At:
    """Predictions of one seed, fold and site, and which of them recalibrate."""

    said: Floats
    truth: Floats
    drawn: NDArray[np.bool_]


def _shifted(
    method: MethodResult, tasks: tuple[Task, ...], truth: pd.DataFrame, drawn: Collection[str], share: float
) -> MethodResult:
    """The method with the predictions of each task shifted, seed, fold and site by themselves."""
    if not len(method.predictions):
        return method
    of_task = {task.name: task for task in tasks}
    table = method.predictions.join(truth[["site", "patient_id"]], on="case_id")
    pieces = [
        _piece(rows, of_task[str(task)], truth, drawn)
        for (task, *_), rows in table.groupby(["task", "seed", "fold", "site"], sort=False)
    ]
    found = pd.concat([piece for piece in pieces if len(piece)] or [table.iloc[:0]])
    return replace(
        method,
        label=recalibrated_label(method.label, share),
        predictions=found.sort_index()[list(method.predictions)],
    )


def _piece(rows: pd.DataFrame, task: Task, truth: pd.DataFrame, drawn: Collection[str]) -> pd.DataFrame:
    labels = truth.loc[rows["case_id"], task.name].to_numpy(dtype=float)
    chosen = rows["patient_id"].isin(drawn).to_numpy() & ~np.isnan(labels)
    at = _At(rows["prediction"].to_numpy(dtype=float), labels, chosen)
    shifted = _probabilities(at) if task.kind == "binary" else _values(at, task)
    return rows.iloc[:0] if shifted is None else rows.assign(prediction=shifted)


def _probabilities(at: _At) -> Floats | None:
    """With a shift of the logit; none where the cases that recalibrate are of one class."""
    labels = at.truth[at.drawn]
    if len(set(labels)) < 2:
        return None
    logits: Floats = logit(np.clip(at.said, NEAREST, 1 - NEAREST))
    shift = intercept(logits[at.drawn], labels)
    shifted: Floats = expit(logits + shift)
    return shifted


def intercept(logits: Floats, labels: Floats) -> float:
    r"""The shift a of logits with the greatest likelihood, where mean probability and prevalence agree.

    .. math:: \sum_i \sigma(\ell_i + a) = \sum_i y_i

    Parameters
    ----------
    logits
        Of the predictions, shape (case,).
    labels
        0 or 1, both present, shape (case,).

    Examples
    --------
    >>> import numpy as np
    >>> round(intercept(np.zeros(4), np.array([1.0, 1.0, 1.0, 0.0])), 6) == round(np.log(3), 6)
    True
    """
    return float(
        brentq(lambda shift: float(expit(logits + shift).mean() - labels.mean()), -FURTHEST, FURTHEST)
    )


def _values(at: _At, task: Task) -> Floats | None:
    """Shifted by the median error of the cases that recalibrate, within the task's range."""
    if not at.drawn.any():
        return None
    shift = np.median(at.truth[at.drawn] - at.said[at.drawn])
    shifted: Floats = np.clip(at.said + shift, *task.bounds)
    return shifted
