"""The sentences under a board."""

import math
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from bench.inference import ALPHA, LEVEL, MIN_PATIENTS, Bootstrap
from bench.predictions.results import Results
from bench.predictions.thresholds import MIN_POSITIVES, RULE_TITLES
from bench.report.columns import SHORT_UNITS, imputed_status, task_title
from bench.report.findings import enumerate_names, order_notes, unclear_notes
from bench.report.images import image_notes
from bench.scoring.comparison import Comparison
from bench.scoring.estimators import estimator_of
from bench.scoring.scores import Score
from bench.scoring.uncertainty import MIN_GAP

FINGERPRINT_DIGITS = 12

DIFFERENCES = (
    "Baseline: the prevalence (binary tasks) or median (continuous tasks) of the training cases, predicted "
    "for every case. Better than baseline by: the paired difference from it on the same cases, positive "
    "where the method is better. Conclusions follow the p of that difference, corrected for all pairs of "
    "methods of the task and the baseline, not its interval."
)
SKILL = (
    "Oracle: the predictor that knows the phantom's true parameters, on the same cases. Oracle skill: "
    "improvement over the baseline as a fraction of the oracle's, with a paired interval; not given where "
    f"the oracle's improvement is under {100 * MIN_GAP:.0f} % of that of a perfect prediction (.05 of an "
    "AUC), or not clear of 0."
)
RANKED = (
    "Rank: 1 + the number of methods significantly better (step-down max-T over all pairs of a task, "
    f"family-wise error {100 * ALPHA:.0f} %), so methods that the cases cannot separate share a rank; "
    "in brackets: a method that is not significantly better than the baseline. "
    f"With fewer than {MIN_PATIENTS} patients, or {MIN_PATIENTS} in a class, nothing is tested."
)
RANK_SETS = (
    f"95 % beside the rank: simultaneous {100 * LEVEL:.0f} % confidence sets of the true ranks of all "
    "methods (Mogstad et al. 2024)."
)
BEST_IN = (
    "Best in %: percentage of the bootstrap resamples in which the method has the best value; not the "
    "probability that it is the best method."
)
POOLING = (
    "Pooled AUC: over all pairs of cases, including those of different folds, whose scores come from "
    "different models."
)
WITHIN_SITE = "Within-site AUC: over pairs of cases of the same fold and the same site."
SEEDING = "Seeds: number of training seeds, and the standard deviation of the metric between them."
ONE_SEED = "One training seed: the intervals do not include the variation between training seeds."
NO_INTERVAL_NOTE = (
    f"[-]: no interval, as there are fewer than {MIN_PATIENTS} patients (or {MIN_PATIENTS} in a class) "
    "or no variation between them."
)
TRAINED = "Parameters: number of trained parameters, in the first fold."
FENCES = {
    "kernel": "The kernel kept each method to the cases of its cell: no other label, image or result.",
    "python": "Python kept each method to the cases of its cell; native code and other programs do not ask.",
    "no": "Nothing kept the methods from labels in memory and on disk.",
}
COMBINED = (
    "Combined rows learn from validation cases alone, without training a member again; those cases also "
    "stopped members early or tuned them, so such members look better on them than on new cases."
)
# Metrics that the note on intervals describes.
DESCRIBED = ("auc", "mae")
ARROWS = {True: "↑: larger is better.", False: "↓: smaller is better."}


def column_notes(results: Results) -> dict[str, str]:
    """The sentences that explain a column, by its name."""
    return {
        "rank": RANKED,
        "rank_set": RANK_SETS,
        "best_share": BEST_IN,
        "constant": DIFFERENCES,
        "gain": DIFFERENCES,
        "ceiling": SKILL,
        "oracle_skill": SKILL,
        "pooled": POOLING,
        "within_site": WITHIN_SITE,
        "seeds": SEEDING,
        "fit_seconds": _time_note(results),
        "parameters": TRAINED,
    }


def brief_notes(results: Results, scores: Sequence[Score]) -> tuple[str, ...]:
    """The sentences for a terminal: what the cases are, what the split estimates, what the columns mean."""
    units = {score.metric.unit(score.task.unit) for score in scores}
    ceiling = any(not math.isnan(score.ceiling) for score in scores)
    return (
        _cohort_sentence(results),
        f"{results.split}: {results.estimand}",
        DIFFERENCES,
        *([SKILL] if ceiling else []),
        *(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units),
        *gap_notes(scores),
        *order_notes(scores),
        *unclear_notes(scores),
        *_missing_notes(scores),
        *_isolation_notes(results),
        *_combined_notes(results),
        *_sealed_notes(results),
        *_audit_notes(results),
        *image_notes(results),
    )


def _audit_notes(results: Results) -> list[str]:
    return [results.audit] if results.audit else []


def gap_notes(scores: Sequence[Score]) -> list[str]:
    """Why a value has no interval, where one has none."""
    return (
        [NO_INTERVAL_NOTE] if any(score.rank and math.isnan(score.interval.low) for score in scores) else []
    )


def file_notes(
    results: Results, scores: Sequence[Score], bootstrap: Bootstrap, ranked: bool
) -> tuple[str, ...]:
    """The sentences for a file: all that a paper's table needs under it."""
    return (
        f"{_cohort_sentence(results)} Fingerprint {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}.",
        f"Split `{results.split}` ({results.split_title}): {results.estimand} "
        f"Split seed {results.split_seed}, fingerprint {results.split_fingerprint[:FINGERPRINT_DIGITS]}.",
        f"Cases: {_case_counts(scores)}.",
        _interval_note(bootstrap),
        *metric_notes(results, scores),
        *_interval_kinds(scores),
        " ".join(ARROWS[up] for up in ARROWS if up in {score.metric.higher_is_better for score in scores}),
        *([RANKED, RANK_SETS, BEST_IN] if ranked else []),
        *brief_notes(results, scores)[2:],
        *_file_column_notes(results, scores, ranked),
        *_compute_notes(results),
        f"Made with {_versions(results)}.",
    )


def facts(results: Results, bootstrap: Bootstrap) -> dict[str, Any]:
    """What all rows have in common, for JSON."""
    return {
        "cohort": {
            "name": results.cohort,
            "title": results.cohort_title,
            "fingerprint": results.cohort_fingerprint,
            "synthetic": results.synthetic,
            "licence": results.licence,
        },
        "split": {
            "name": results.split,
            "title": results.split_title,
            "estimand": results.estimand,
            "seed": results.split_seed,
            "fingerprint": results.split_fingerprint,
        },
        "statistics": {
            "level": 1 - ALPHA,
            "bootstrap_draws": bootstrap.draws,
            "bootstrap_seed": bootstrap.seed,
        },
        "versions": dict(results.versions) or {"dcebench": version("dcebench")},
    }


def _cohort_sentence(results: Results) -> str:
    named = f"{results.cohort_title or results.cohort} (`{results.cohort}`)"
    if results.synthetic:
        return f"SYNTHETIC cohort: {named} is made by a generator, no number here is about real patients."
    licence = f", licence {results.licence}" if results.licence else ""
    return f"Real patients: {named}{licence}."


def _case_counts(scores: Sequence[Score]) -> str:
    firsts = {score.task.name: score for score in reversed(scores)}
    texts = []
    for score in reversed(list(firsts.values())):
        share = "" if not score.positives else f", {100 * score.positives / score.n:.0f} % positive"
        texts.append(f"{task_title(score.task)} {score.n}{share}")
    return "; ".join(texts)


def _interval_note(bootstrap: Bootstrap) -> str:
    return (
        "AUC counts pairs of cases of the same fold, weighted by pairs; its 95 % interval is DeLong's by "
        "patient on the logit scale. MAE: bootstrap-t interval; oracle skill: percentiles; of "
        f"{bootstrap.draws} bootstrap resamples of patients, the same for all methods (seed "
        f"{bootstrap.seed}). With several seeds a metric is their mean."
    )


def _file_column_notes(results: Results, scores: Sequence[Score], ranked: bool) -> tuple[str, ...]:
    """Notes on the columns that a terminal leaves out, where they have an entry."""
    said = {
        POOLING: any(not math.isnan(score.pooled) for score in scores),
        WITHIN_SITE: any(not math.isnan(score.within_site) for score in scores),
        SEEDING: any(score.rank is not None for score in scores),
        ONE_SEED: any(score.seeds == 1 for score in scores),
        _time_note(results): ranked and any(score.fit_seconds is not None for score in scores),
        TRAINED: ranked and any(score.parameters is not None for score in scores),
    }
    return tuple(note for note, needed in said.items() if needed)


def _time_note(results: Results) -> str:
    hardware = f", on {results.hardware}" if results.hardware else ""
    told = any("fit_cpu_seconds" in record for method in results.methods for record in method.records)
    timed = ": processor time, or wall time on a GPU and where a record tells none" if told else ""
    return (
        f"Fit s: seconds of fitting, summed over folds and averaged over seeds{hardware}{timed}. What a "
        "cache keeps, such as crops and radiomics features, counts for the method that needed it first."
    )


def metric_notes(results: Results, scores: Sequence[Score | Comparison]) -> list[str]:
    """What the metrics are, but for AUC and MAE, described elsewhere; and where decisions come from."""
    shown = {score.metric.name: score.metric for score in scores}
    named = [f"{metric.title}: {metric.summary}." for name, metric in shown.items() if name not in DESCRIBED]
    if any(metric.input == "decision" for metric in shown.values()):
        named.append(
            "Decisions: a case is called positive where its prediction is at least the threshold of its fold "
            f"and seed, rule `{results.rule}`: {RULE_TITLES[results.rule]}. It is chosen on the validation "
            f"cases of the fold, with fewer than {MIN_POSITIVES} positives on inner cross-validated "
            "predictions of its training cases, never on tested ones. The baseline calls every "
            "case positive."
        )
    return named


def _interval_kinds(scores: Sequence[Score]) -> list[str]:
    """Which interval each metric has, but for AUC and MAE; nothing where there is no other metric."""
    whose: dict[str, dict[str, None]] = {}
    for metric in (score.metric for score in scores if score.metric.name not in DESCRIBED):
        whose.setdefault(estimator_of(metric).title, {})[metric.title] = None
    named = "; ".join(f"{enumerate_names(list(titles))}: {kind}" for kind, titles in whose.items())
    return [f"95 % intervals: {named}."] if named else []


def _missing_notes(scores: Sequence[Score]) -> list[str]:
    """Which methods have values that are in part the baseline's, and why."""
    imputed = {score.method: f"{score.method}: {imputed_status(score)}." for score in scores if score.imputed}
    if not imputed:
        return []
    meaning = "Imputed at chance: what a cell did not predict is the baseline's value of its fold."
    return [meaning, *imputed.values()]


def _isolation_notes(results: Results) -> list[str]:
    """Which methods ran where nothing kept them from labels on disk and from the state of other cells."""
    names = [
        method.label for method in results.methods if any("isolation" in record for record in method.records)
    ]
    if not names:
        return []
    return [
        f"{enumerate_names(names)}: ran in the process of the notebook or script that defines the class, "
        "where nothing keeps a method from the state of other cells or from labels in memory."
    ]


def _combined_notes(results: Results) -> list[str]:
    """What the combined rows are made of, and in what they are not to be trusted."""
    told = {
        method.label: record["combined"]
        for method in results.methods
        for record in method.records
        if "combined" in record
    }
    if not told:
        return []
    rows = [f"{label}: {one['kind']} of {enumerate_names(one['members'])}." for label, one in told.items()]
    return [" ".join([*rows, COMBINED])]


def _sealed_notes(results: Results) -> list[str]:
    """Which fence held which methods; nothing where no record says, and of methods that were not isolated."""
    found = {
        (record["sealed"], method.label)
        for method in results.methods
        for record in method.records
        if "sealed" in record and "isolation" not in record
    }
    held = {
        fence: [method.label for method in results.methods if (fence, method.label) in found]
        for fence in FENCES
    }
    return [
        f"Sealed: {fence} ({enumerate_names(held[fence])}). {FENCES[fence]}"
        for fence in FENCES
        if held[fence]
    ]


def _versions(results: Results) -> str:
    versions = results.versions or {"dcebench": version("dcebench")}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _compute_notes(results: Results) -> list[str]:
    """How long the cells took in all; nothing without a record."""
    records = [record for method in results.methods for record in method.records if "fit_seconds" in record]
    seconds = sum(record["fit_seconds"] + record["predict_seconds"] for record in records)
    return [f"All {len(records)} cells took {seconds / 60:.0f} min to fit and predict."] if records else []
