"""Scores as text: the cells and records that tables are made of."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.report.table import Column, TableCell, Tone
from bench.report.text import p_text

if TYPE_CHECKING:
    from bench.inference import Interval
    from bench.inference.ranks import RankSet
    from bench.scoring.comparison import Comparison
    from bench.scoring.factors import FactorScores
    from bench.scoring.learning import LearningCurve
    from bench.scoring.procedures import ProcedureScore
    from bench.scoring.scores import Score
    from bench.scoring.sites import SiteScores
    from bench.scoring.subgroups import Subgroups
    from bench.scoring.verdicts import Verdict
    from bench.scoring.worst_site import WorstSite
    from bench.task import Task

    Scored = (
        Score
        | Comparison
        | SiteScores
        | ProcedureScore
        | Subgroups
        | WorstSite
        | LearningCurve
        | FactorScores
    )

NOTHING = TableCell("-", "muted")

SHORT_UNITS = {"percentage points": "pp"}

GAIN_KEYS = ("better_by", "better_low", "better_high", "better_p", "better_adjusted_p", "against_constant")

TONES: "Mapping[Verdict, Tone]" = {"better": "good", "worse": "bad"}

TASK = Column("task", "Task", "left", of_task=True)
METRIC = Column("metric", "Metric", "left", of_task=True, keys=("metric", "unit", "higher_is_better"))
RANK = Column("rank", "Rank", keys=("rank", "unclear"))
RANK_SET = Column("rank_set", "95 %", wide=True, keys=("rank_low", "rank_high"))
BEST = Column("best_share", "Best in %", wide=True, spare=True)
METHOD = Column("method", "Method", "left", keys=("method", "status"))
VALUE = Column("value", "Value [95 %]", keys=("value", "ci_low", "ci_high"))
CASES = Column("n", "n (pos.)", of_task=True, keys=("n", "positives"))
PATIENTS = Column("patients", "Patients (pos.)", of_task=True, keys=("patients", "positive_patients"))
CONSTANT = Column("constant", "Baseline", of_task=True)
GAIN = Column("gain", "Better than baseline by", keys=GAIN_KEYS)
CEILING = Column("ceiling", "Oracle", of_task=True)
SKILL = Column(
    "oracle_skill", "Oracle skill %", keys=("oracle_skill", "oracle_skill_low", "oracle_skill_high")
)
POOLED = Column("pooled", "Pooled AUC", wide=True, spare=True, keys=("pooled_auc",))
WITHIN = Column("within_site", "Within-site AUC", wide=True, spare=True, keys=("within_site_auc",))
SEEDS = Column("seeds", "Seeds (sd)", wide=True, spare=True, keys=("seeds", "seed_sd"))
TIME = Column("fit_seconds", "Fit s", wide=True)
PARAMETERS = Column("parameters", "Parameters", wide=True)

COLUMNS = (
    *(TASK, METRIC, RANK, RANK_SET, METHOD, VALUE, CASES, PATIENTS, CONSTANT, GAIN, CEILING, SKILL),
    *(POOLED, WITHIN, SEEDS, BEST, TIME, PARAMETERS),
)


def cells(score: "Score") -> dict[str, TableCell]:
    """The cells of a row, for every column above; a method without a value shows its status instead."""
    from bench.scoring.verdicts import (
        against_constant,  # the help of commands names the columns and computes nothing
    )

    digits = score.metric.decimals
    scored = score.rank is not None
    return {
        "task": TableCell(task_title(score.task)),
        "metric": TableCell(metric_title(score)),
        "rank": _rank(score),
        "rank_set": TableCell(rank_range(score.rank_set))
        if score.rank_set and score.task.ranked
        else NOTHING,
        "best_share": NOTHING
        if math.isnan(score.best_fraction)
        else TableCell(f"{100 * score.best_fraction:.0f}"),
        "method": TableCell(_marked_method(score)),
        "value": TableCell(estimate(score.value, score.interval, digits))
        if scored
        else TableCell(score.status, "status"),
        "n": TableCell(counted(score.n, score.positives)),
        "patients": TableCell(counted(score.patients, score.positive_patients)),
        "constant": number(score.constant, digits),
        "gain": TableCell(
            estimate(score.gain.value, score.gain.interval, digits, "+"),
            TONES.get(against_constant(score), ""),
        )
        if scored
        else NOTHING,
        "ceiling": number(score.ceiling, digits),
        "oracle_skill": NOTHING
        if math.isnan(score.oracle_skill)
        else TableCell(_percent(score.oracle_skill, score.oracle_skill_interval)),
        "pooled": number(score.pooled, digits),
        "within_site": number(score.within_site, digits),
        "seeds": TableCell(_seeds(score)) if scored else NOTHING,
        "fit_seconds": NOTHING if score.fit_seconds is None else TableCell(_seconds(score.fit_seconds)),
        "parameters": NOTHING if score.parameters is None else TableCell(f"{score.parameters:,}"),
    }


def record(score: "Score") -> dict[str, Any]:
    """The numbers of a row to six decimals, None where there is none, for CSV and JSON."""
    from bench.scoring.verdicts import against_constant

    return {
        "rank": score.rank if score.task.ranked else None,
        "method": score.method,
        **task_record(score),
        "patients": score.patients,
        "positive_patients": score.positive_patients,
        "against_constant": against_constant(score) or None,
        "unclear": ", ".join(one or "baseline" for one in score.unclear),
        "status": imputed_status(score) if score.imputed else score.status,
        "seeds": score.seeds,
        "fit_seconds": None if score.fit_seconds is None else _rounded(score.fit_seconds),
        "parameters": score.parameters,
        "rank_low": None if score.rank_set is None else score.rank_set.best,
        "rank_high": None if score.rank_set is None else score.rank_set.worst,
    } | {name: _rounded(value) for name, value in _numbers(score).items()}


def _numbers(score: "Score") -> dict[str, float]:
    """What is computed from the predictions, NaN where there is none."""
    return {
        "value": score.value,
        "ci_low": score.interval.low,
        "ci_high": score.interval.high,
        "constant": score.constant,
        "better_by": score.gain.value,
        "better_low": score.gain.interval.low,
        "better_high": score.gain.interval.high,
        "better_p": score.gain.p,
        "better_adjusted_p": score.constant_p,
        "ceiling": score.ceiling,
        "oracle_skill": score.oracle_skill,
        "oracle_skill_low": score.oracle_skill_interval.low,
        "oracle_skill_high": score.oracle_skill_interval.high,
        "pooled_auc": score.pooled,
        "within_site_auc": score.within_site,
        "seed_sd": score.seed_sd,
        "best_share": score.best_fraction,
    }


def task_record(score: "Score | Comparison | ProcedureScore") -> dict[str, Any]:
    """What is scored, and on how many cases, for CSV and JSON."""
    return {
        "task": score.task.name,
        "metric": score.metric.name,
        "unit": score.metric.unit(score.task.unit),
        "higher_is_better": score.metric.higher_is_better,
        "n": score.n,
        "positives": score.positives,
    }


def task_title(task: "Task") -> str:
    """The task's title, its name in capitals where it has none."""
    return task.title or task.name.upper()


def metric_title(score: "Scored") -> str:
    """Metric with the better direction, and the unit where it has one: ``MAE ↓ (pp)``."""
    unit = score.metric.unit(score.task.unit)
    shown = f" ({SHORT_UNITS.get(unit, unit)})" if unit else ""
    return f"{score.metric.title} {score.metric.arrow}{shown}"


def number(value: float, digits: int) -> TableCell:
    """A number, or a dash where there is none."""
    return NOTHING if math.isnan(value) else TableCell(f"{value:.{digits}f}")


def p_cell(p: float, mark: str = "") -> TableCell:
    """A p with its mark, or a dash where there is none."""
    return NOTHING if math.isnan(p) else TableCell(p_text(p, mark))


def rank_range(found: "RankSet") -> str:
    """``1-4``, or ``2`` where the cases leave one rank."""
    return str(found.best) if found.best == found.worst else f"{found.best}-{found.worst}"


def imputed_status(score: "Score") -> str:
    """Of how many cases a method is taken at chance, and why."""
    reason = "" if score.status == "ok" else f" ({score.status})"
    return f"imputed at chance for {score.imputed} of {score.n} cases{reason}"


def _marked_method(score: "Score") -> str:
    """The method's name, marked where it is not its predictions alone that are scored."""
    if not score.imputed:
        return score.method
    return f"{score.method} (imputed at chance for {score.imputed} of {score.n} cases)"


def _rounded(value: float) -> float | None:
    """Six decimals, None for NaN; adding 0 turns -0 into 0."""
    return None if math.isnan(value) else round(value, 6) + 0.0


def estimate(value: float, interval: "Interval", digits: int, sign: str = "") -> str:
    """``0.812 [0.700, 0.889]``, ``0.812 [-]`` without an interval, a dash without a value."""
    if math.isnan(value):
        return "-"
    text = f"{value:{sign}z.{digits}f}"
    if math.isnan(interval.low):
        return f"{text} [-]"
    return f"{text} [{interval.low:z.{digits}f}, {interval.high:z.{digits}f}]"


def counted(number: int, positive: int | None) -> str:
    """``74 (53)``: how many, and how many of them positive."""
    return str(number) if positive is None else f"{number} ({positive})"


def _rank(score: "Score") -> TableCell:
    """The rank, in brackets where a method is not shown to be better than the baseline."""
    from bench.scoring.verdicts import is_better

    if score.rank is None or not score.task.ranked:
        return NOTHING
    mark = "?" if score.unclear else ""
    if not is_better(score):
        return TableCell(f"({score.rank}){mark}")
    return TableCell(f"{score.rank}{mark}", "good" if score.rank == 1 else "")


def _percent(share: float, interval: "Interval") -> str:
    """``76 [49, 95]``, ``76 [-]`` without an interval."""
    return estimate(100 * share, type(interval)(100 * interval.low, 100 * interval.high), 0)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"


def _seeds(score: "Score") -> str:
    return (
        str(score.seeds)
        if math.isnan(score.seed_sd)
        else f"{score.seeds} ({score.seed_sd:.{score.metric.decimals}f})"
    )
