"""Subtype scores as tables: all methods by one rule, or the confusion matrix of one method."""

import math
from typing import Any

from bench.errors import UsageError, unknown_name
from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.report.columns import METHOD, NOTHING, SEEDS
from bench.report.notes import FINGERPRINT_DIGITS, brief_notes, facts
from bench.report.table import Column, Table, TableCell
from bench.scoring.seeds import seeds_note
from bench.scoring.subtypes.rules import KI67
from bench.scoring.subtypes.scores import SubtypeEstimate, SubtypeScore, SubtypeScores

FLAG = "†"
NO_CLASS = "no class"

F1 = Column("macro_f1", "Macro-F1 ↑ [95 %]")
AUC = Column("macro_auc", "Macro AUC ↑ [95 %]")
KAPPA = Column("kappa", "Kappa ↑ [95 %]")
CASES = Column("n", "n", of_task=True)
PATIENTS = Column("patients", "Patients", of_task=True)
UNDETERMINED = Column("undetermined", "Undetermined", of_task=True)
OUTSIDE = Column("outside", "No class", of_task=True)
TRUE = Column("true", "True class", "left")
CASES_OF_CLASS = Column("n", "n")

HARD = (
    "Hard classes (macro-F1, kappa, confusion): a receptor is positive from the threshold on that Youden's "
    "index picks on the cell's validation part, or by inner cross-validation of its training part where that "
    "has too few positives; Ki-67 goes by the rule's cut-offs. A predicted combination "
    "without a class counts as wrong."
)
SOFT = (
    "Soft classes (macro AUC, one class against the rest within a fold): the receptors' probabilities are "
    "multiplied as if the biomarkers were independent given the prediction, which they are not."
)
SPREAD = (
    "The Ki-67 prediction is a point, spread by a normal on the logit scale as wide as its residuals on the "
    "cell's validation part."
)
STEP = "Where that part holds too few cases, Ki-67 is a step at the cut-offs."


def subtype_table(results: Results, scored: SubtypeScores, bootstrap: Bootstrap = Bootstrap()) -> Table:
    """One row a method, in the order of the results."""
    records = tuple(_record(scored, score) for score in scored.scores)
    notes = (*_rule_notes(scored), HARD, *_soft_notes(scored), *_cautions(scored))
    return _table(
        f"Subtypes by {_named(scored)}: {results.cohort}, {results.split}",
        results,
        scored,
        columns=(METHOD, F1, AUC, KAPPA, CASES, PATIENTS, UNDETERMINED, OUTSIDE, SEEDS),
        rows=[_row(scored, score) for score in scored.scores],
        records=records,
        notes=(*notes, _interval_note(bootstrap)),
        bootstrap=bootstrap,
    )


def confusion_table(
    results: Results, scored: SubtypeScores, method: str, bootstrap: Bootstrap = Bootstrap()
) -> Table:
    """The confusion matrix of one method: per cent of each true class, which is a row.

    Raises UsageError where there is no such method, or it has no hard classes.
    """
    score = _score_of(scored, method)
    trues = range(len(scored.rule.classes))
    names = (*scored.rule.classes, NO_CLASS)
    return _table(
        f"Confusion of {method} by {_named(scored)}: {results.cohort}, {results.split}",
        results,
        scored,
        columns=(TRUE, CASES_OF_CLASS, *(Column(name, f"{name} %") for name in names)),
        rows=[_confusion_row(scored, score, true) for true in trues],
        records=tuple(record for true in trues for record in _confusion_records(scored, score, true)),
        notes=(*_rule_notes(scored), HARD, _share_note(score), *_cautions(scored, method)),
        bootstrap=bootstrap,
    )


def _table(
    title: str,
    results: Results,
    scored: SubtypeScores,
    columns: tuple[Column, ...],
    rows: list[dict[str, TableCell]],
    records: tuple[dict[str, Any], ...],
    notes: tuple[str, ...],
    bootstrap: Bootstrap,
) -> Table:
    about = (*seeds_note(results), *brief_notes(results, ())[:2])
    prints = (
        f"Cohort fingerprint {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}; split seed "
        f"{results.split_seed}, fingerprint {results.split_fingerprint[:FINGERPRINT_DIGITS]}."
    )
    return Table(
        title=title,
        synthetic=results.synthetic,
        columns=columns,
        rows=tuple(rows),
        brief=(*about, *notes),
        notes=(*about, prints, *notes),
        records=records,
        csv_columns=tuple(records[0]),
        facts=facts(results, bootstrap) | {"rule": _rule_facts(scored)},
    )


def _named(scored: SubtypeScores) -> str:
    return f"{scored.rule.name} (version {scored.rule.version})"


def _section(scored: SubtypeScores) -> dict[str, TableCell]:
    """What a terminal writes above the rows."""
    return {"task": TableCell(scored.rule.name), "metric": TableCell(f"version {scored.rule.version}")}


def _row(scored: SubtypeScores, score: SubtypeScore) -> dict[str, TableCell]:
    flag = FLAG if score.caution else ""
    shown = {
        "macro_f1": _cell(score.macro_f1, flag),
        "macro_auc": _cell(score.macro_auc),
        "kappa": _cell(score.kappa, flag),
        "seeds": TableCell(str(score.seeds)),
    }
    failed = {"macro_f1": TableCell(score.status, "status")} | dict.fromkeys(
        ("macro_auc", "kappa", "seeds"), NOTHING
    )
    return {
        **_section(scored),
        "method": TableCell(score.method),
        "n": TableCell(str(int(scored.counts.sum()))),
        "patients": TableCell(str(scored.people)),
        "undetermined": TableCell(str(scored.undetermined)),
        "outside": TableCell(str(scored.outside)) if scored.outside else NOTHING,
        **(shown if score.status == "ok" else failed),
    }


def _cell(estimate: SubtypeEstimate, flag: str = "") -> TableCell:
    if math.isnan(estimate.value):
        return NOTHING
    low, high = estimate.interval
    interval = "-" if math.isnan(low) else f"{low:z.3f}, {high:z.3f}"
    return TableCell(f"{estimate.value:z.3f} [{interval}]{flag}")


def _record(scored: SubtypeScores, score: SubtypeScore) -> dict[str, Any]:
    """The numbers of a row, None where there is none."""
    record: dict[str, Any] = {
        "method": score.method,
        "rule": scored.rule.name,
        "version": scored.rule.version,
    }
    for name in ("macro_f1", "macro_auc", "kappa"):
        record |= _numbers(name, getattr(score, name))
    return record | {
        "n": int(scored.counts.sum()),
        "patients": scored.people,
        "undetermined": scored.undetermined,
        "outside": scored.outside,
        "seeds": score.seeds,
        "status": score.status,
        "caution": score.caution,
    }


def _numbers(name: str, estimate: SubtypeEstimate) -> dict[str, float | None]:
    values = zip((name, f"{name}_low", f"{name}_high"), (estimate.value, *estimate.interval), strict=True)
    return {key: None if math.isnan(value) else round(value, 6) + 0.0 for key, value in values}


def _score_of(scored: SubtypeScores, method: str) -> SubtypeScore:
    for score in scored.scores:
        if score.method == method:
            if score.confusion is None:
                raise UsageError(f"{method} has no confusion matrix: {score.caution or score.status}")
            return score
    raise unknown_name("method", method, (score.method for score in scored.scores))


def _confusion_row(scored: SubtypeScores, score: SubtypeScore, true: int) -> dict[str, TableCell]:
    row = {
        **_section(scored),
        "true": TableCell(scored.rule.classes[true]),
        "n": TableCell(str(int(scored.counts[true]))),
    }
    for place, name in enumerate((*scored.rule.classes, NO_CLASS)):
        share, (low, high) = scored.share(score, true, place)
        text = f"{100 * share:.0f} [{100 * low:.0f}, {100 * high:.0f}]"
        row[name] = NOTHING if math.isnan(share) else TableCell(text, "good" if place == true else "")
    return row


def _confusion_records(scored: SubtypeScores, score: SubtypeScore, true: int) -> list[dict[str, Any]]:
    assert score.confusion is not None
    return [
        {
            "method": score.method,
            "rule": scored.rule.name,
            "version": scored.rule.version,
            "true": scored.rule.classes[true],
            "predicted": name,
            "cases": round(float(score.confusion[true, place]), 6),
            "n": int(scored.counts[true]),
            **_numbers("share", scored.share(score, true, place)),
        }
        for place, name in enumerate((*scored.rule.classes, NO_CLASS))
    ]


def _rule_notes(scored: SubtypeScores) -> tuple[str, ...]:
    """Which cases, by which definition."""
    rule = scored.rule
    names = ", ".join(task.name for task in scored.roles.values())
    counts = "; ".join(f"{name} {count}" for name, count in zip(rule.classes, scored.counts, strict=True))
    left_out = f"{scored.undetermined} lack one of {names} and are undetermined, never guessed"
    outside = f", {scored.outside} have a combination without a class" if scored.outside else ""
    absent = [name for name, count in zip(rule.classes, scored.counts, strict=True) if not count]
    return (
        f"Rule {_named(scored)}. {rule.definition} Source: {rule.source}",
        f"Cases: {counts}; the same for all methods. Of the tested cases {left_out}{outside}.",
        *([f"Without a case, so not in the means: {', '.join(absent)}."] if absent else []),
    )


def _soft_notes(scored: SubtypeScores) -> tuple[str, ...]:
    ki67 = () if KI67 not in scored.roles else (SPREAD, STEP) if scored.stepped else (SPREAD,)
    present = [
        name
        for name, count in zip(scored.rule.classes, scored.counts, strict=True)
        if count and name in scored.unpaired
    ]
    left_out = f"Macro AUC leaves out {', '.join(present)}: no fold has a case of it and another."
    return (" ".join((SOFT, *ki67)), *([left_out] if present else []))


def _cautions(scored: SubtypeScores, method: str | None = None) -> tuple[str, ...]:
    """Methods whose hard classes rest on few validation cases, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for score in scored.scores:
        if score.caution and method in (None, score.method):
            reasons.setdefault(score.caution, []).append(score.method)
    return tuple(f"{FLAG} {', '.join(names)}: {reason}." for reason, names in reasons.items())


def _interval_note(bootstrap: Bootstrap) -> str:
    return (
        "Intervals: of macro AUC by DeLong's components, averaged over classes and summed by patient, on the "
        f"logit scale; of macro-F1 and kappa percentiles of {bootstrap.draws} bootstrap resamples of "
        f"patients, the same for all methods (seed {bootstrap.seed}). A resample's macro-F1 is the mean over "
        "the classes that it holds."
    )


def _share_note(score: SubtypeScore) -> str:
    seeds = f", mean of {score.seeds} seeds" if score.seeds > 1 else ""
    return (
        f"Cells: per cent of the true class{seeds}, with Wilson's interval; its n is the number of patients "
        "with such a case (Kish's effective number where patients have several)."
    )


def _rule_facts(scored: SubtypeScores) -> dict[str, Any]:
    rule = scored.rule
    return {
        "name": rule.name,
        "version": rule.version,
        "definition": rule.definition,
        "source": rule.source,
        "roles": {role: task.name for role, task in scored.roles.items()},
        "classes": dict(zip(rule.classes, scored.counts.tolist(), strict=True)),
        "undetermined": scored.undetermined,
        "outside": scored.outside,
        "not_in_macro_auc": list(scored.unpaired),
    }
